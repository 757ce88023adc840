"""Core ML models run step by step on any machine, to see that a file computes what it should.

Core ML itself runs on Apple's systems alone. What is read here is the file as it is stored; every operation of it is
computed by torch, rounded to 16 bits where the model says so. This proves the model right, not Apple's runtime: there,
sums may be rounded otherwise.

- `reading`: opens either of the two formats
- `features`: what goes in, and what a picture becomes as the input of a model
- `program`: an ML program (.mlpackage), and the operators it may use: `arithmetic`, `convolution`, `shaping`
- `neural_network`: the older format (.mlmodel)
- `settling`: makes a saved model the same bytes each time; `quiet`: keeps coremltools out of the log
"""
