"""What holds for all tests."""

import signal

# Who is started in the background by a shell ignores SIGINT, and so does all that it starts; tests interrupt processes.
signal.signal(signal.SIGINT, signal.default_int_handler)
