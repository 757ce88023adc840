# Which images there are, and how one is made of another. Used from the root of the repository, with two tables beside it:
#
#   docker buildx bake -f images/docker-bake.hcl -f images/compatibility.json -f images/bases.lock.json --print
#
# Each image has two targets: NAME, and NAME-environment, which is NAME without the framework and the parent of others.
# They are named as they are tagged: cpu-python3-11 is processing-cpu:python3.11, and `cpu` stands for every Python.

variable "REGISTRY" { default = "" }            # where to push, as HOST[:PORT][/PATH]; without it, names are local ones
variable "VERSION" { default = "0.0.0" }        # of the framework
variable "REVISION" { default = "" }            # the commit
variable "CA_BUNDLE" { default = "" }           # certificates a company's proxy needs, as a file
variable "PIP_CONF" { default = "" }            # a pip.conf, which may hold credentials
variable "WHEELS" { default = "" }              # a folder with PyTorch's wheels for CPUs
variable "SBOM" { default = "false" }           # true, generator=IMAGE or false: whether, and by what, contents are listed
variable "OUTPUT" { default = "type=image,push=true,rewrite-timestamp=true" }

# 1980-01-01: the time of all files and images, so that one source makes one digest. A time that moves on with the
# commits would give every layer another digest, and all of them would be pushed again.
variable "SOURCE_DATE_EPOCH" { default = "315532800" }

function "dashed" {
  params = [text]
  result = replace(text, ".", "-")
}

function "secrets" {
  params = []
  result = concat(CA_BUNDLE == "" ? [] : ["id=ca,src=${CA_BUNDLE}"], PIP_CONF == "" ? [] : ["id=pip,src=${PIP_CONF}"])
}

function "image_name" {
  params = [name, tag]
  result = "${REGISTRY == "" ? "" : "${REGISTRY}/"}${name}:${tag}"
}

# A tag that stays, with the version, and one that moves on.
function "tags" {
  params = [image, tag]
  result = [for each in ["${VERSION}-${tag}", tag] : image_name("processing-${image}", each)]
}

function "labels" {
  params = [image, description]
  result = {
    "org.opencontainers.image.title"       = "processing-${image}"
    "org.opencontainers.image.description" = description
    "org.opencontainers.image.version"     = VERSION
    "org.opencontainers.image.revision"    = REVISION
    "org.opencontainers.image.licenses"    = "MIT"
  }
}

function "python_image" {
  params = [python]
  result = join("@", compact([PYTHON_IMAGES[python].image, PYTHON_IMAGES[python].digest]))
}

group "default" { targets = ["cpu", "torch", "onnxruntime"] }
group "gpu" { targets = ["cuda", "cuda-devel", "onnxruntime-gpu"] }

target "_common" {
  args   = { SOURCE_DATE_EPOCH = SOURCE_DATE_EPOCH }
  secret = secrets()
  output = ["type=cacheonly"]
}

target "_image" {
  output = [OUTPUT]
  attest = SBOM == "false" ? [] : [join(",", compact(["type=sbom", SBOM == "true" ? "" : SBOM]))]
}

# One for each row of a compatibility table and each Python it has.
function "builds" {
  params = [rows]
  result = flatten([for row in rows : [for python in row.pythons : {
    row    = row
    python = python
    name   = dashed("${row.name}-python${python}")
    tag    = "${row.name}-python${python}"
  }]])
}

target "framework" {
  name       = "framework-python${dashed(python)}"
  matrix     = { python = keys(PYTHON_IMAGES) }
  inherits   = ["_common"]
  dockerfile = "images/framework/Dockerfile"
  contexts   = { parent = "target:cpu-environment-python${dashed(python)}" }
  args       = { PARENT = "parent" }
}

target "cpu-environment" {
  name     = "cpu-environment-python${dashed(python)}"
  matrix   = { python = keys(PYTHON_IMAGES) }
  inherits = ["_common"]
  context  = "images/cpu"
  target   = "environment"
  args     = { PARENT = python_image(python) }
}

target "cpu" {
  name     = "cpu-python${dashed(python)}"
  matrix   = { python = keys(PYTHON_IMAGES) }
  inherits = ["cpu-environment-python${dashed(python)}", "_image"]
  target   = "image"
  contexts = { framework = "target:framework-python${dashed(python)}" }
  tags     = tags("cpu", "python${python}")
  labels   = labels("cpu", "The framework for Picsellia Processings, on Python ${python}")
}

target "onnxruntime-environment" {
  name     = "onnxruntime${gpu}-environment-python${dashed(python)}"
  matrix   = { python = keys(PYTHON_IMAGES), gpu = ["", "-gpu"] }
  inherits = ["_common"]
  context  = "images/onnxruntime${gpu}"
  target   = "environment"
  contexts = { parent = "target:cpu-environment-python${dashed(python)}" }
  args     = { PARENT = "parent" }
}

target "onnxruntime" {
  name     = "onnxruntime-python${dashed(python)}"
  matrix   = { python = keys(PYTHON_IMAGES) }
  inherits = ["onnxruntime-environment-python${dashed(python)}", "_image"]
  target   = "image"
  contexts = { framework = "target:framework-python${dashed(python)}" }
  tags     = tags("onnxruntime", "python${python}")
  labels   = labels("onnxruntime", "ONNX Runtime for CPUs, for Picsellia Processings")
}

target "onnxruntime-gpu" {
  name     = "onnxruntime-gpu-python${dashed(python)}"
  matrix   = { python = keys(PYTHON_IMAGES) }
  inherits = ["onnxruntime-gpu-environment-python${dashed(python)}", "_image"]
  target   = "image"
  contexts = { framework = "target:framework-python${dashed(python)}" }
  tags     = tags("onnxruntime-gpu", "python${python}")
  labels   = labels("onnxruntime-gpu", "ONNX Runtime for NVIDIA GPUs, for Picsellia Processings")
}

target "torch-environment" {
  name     = "torch-environment-${build.name}"
  matrix   = { build = builds(TORCH) }
  inherits = ["_common"]
  context  = "images/torch"
  target   = "environment"
  contexts = merge(
    { parent = "target:cpu-environment-python${dashed(build.python)}" },
    WHEELS == "" ? {} : { wheels = WHEELS },
  )
  args = { PARENT = "parent", REQUIREMENTS = "${build.row.name}.txt" }
}

target "torch" {
  name     = "torch-${build.name}"
  matrix   = { build = builds(TORCH) }
  inherits = ["torch-environment-${build.name}", "_image"]
  target   = "image"
  contexts = { framework = "target:framework-python${dashed(build.python)}" }
  tags     = tags("torch", build.tag)
  labels   = labels("torch", "PyTorch ${build.row.torch} for CPUs, for Picsellia Processings")
}

target "cuda-environment" {
  name     = "cuda-environment-${build.name}"
  matrix   = { build = builds(CUDA) }
  inherits = ["_common"]
  context  = "images/cuda"
  target   = "environment"
  contexts = { parent = "target:cpu-environment-python${dashed(build.python)}" }
  args     = { PARENT = "parent", REQUIREMENTS = "${build.row.name}.txt" }
}

target "cuda-headers" {
  name     = "cuda-headers-${build.name}"
  matrix   = { build = builds(CUDA) }
  inherits = ["cuda-environment-${build.name}"]
  target   = "headers"
}

target "cuda" {
  name     = "cuda-${build.name}"
  matrix   = { build = builds(CUDA) }
  inherits = ["cuda-environment-${build.name}", "_image"]
  target   = "image"
  contexts = { framework = "target:framework-python${dashed(build.python)}" }
  tags     = tags("cuda", build.tag)
  labels   = labels("cuda", "PyTorch ${build.row.torch} with CUDA ${build.row.cuda}, for Picsellia Processings")
}

target "cuda-devel" {
  name     = "cuda-devel-${build.name}"
  matrix   = { build = builds(CUDA) }
  inherits = ["_common", "_image"]
  context  = "images/cuda-devel"
  target   = "image"
  contexts = {
    parent    = "target:cuda-environment-${build.name}"
    headers   = "target:cuda-headers-${build.name}"
    framework = "target:framework-python${dashed(build.python)}"
  }
  args   = { PARENT = "parent" }
  tags   = tags("cuda-devel", build.tag)
  labels = labels("cuda-devel", "PyTorch ${build.row.torch} with CUDA ${build.row.cuda} and a compiler, for Picsellia Processings")
}

# Lists the contents of the others while they are built, where Docker's own scanner is out of reach: see bake.sh.
target "sbom-scanner" {
  inherits = ["_common", "_image"]
  context  = "images/sbom-scanner"
  args     = { PARENT = python_image("3.11") }
  tags     = [image_name("processing-sbom-scanner", "syft1.18")]
  labels   = labels("sbom-scanner", "Lists the contents of an image for BuildKit, with syft")
}
