#!/usr/bin/env bash
# Writes the requirements of the images, with hashes: from pyproject.toml, compatibility.json and constraints.txt.
#
#   lock.sh        needs `uv`; PyTorch's wheels for CPUs are looked for in WHEELS, a folder, or on UV_EXTRA_INDEX_URL
set -euo pipefail
cd "$(dirname "$0")/../.."

WORK=$(mktemp -d)
trap 'rm -rf "$WORK"' EXIT
COMPILE=(uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate)
CPU=images/cpu/requirements.txt

"${COMPILE[@]}" --constraint constraints.txt pyproject.toml - --output-file $CPU <<<pip
"${COMPILE[@]}" --constraint constraints.txt images/framework/requirements.in --output-file images/framework/requirements.txt

# The other images stand on the first, and choose their own torch.
grep --invert-match --extended-regexp '^(torch|torchvision)==' constraints.txt >"$WORK/constraints.txt"
COMPILE+=(--constraint $CPU --constraint "$WORK/constraints.txt")
"${COMPILE[@]}" - --output-file images/onnxruntime/requirements.txt <<<onnxruntime
"${COMPILE[@]}" - --output-file images/onnxruntime-gpu/requirements.txt <<<'onnxruntime-gpu[cuda,cudnn]'
"${COMPILE[@]}" - --output-file images/cuda-devel/requirements.txt <<<setuptools

# Name and requirements of each row of a table.
rows() { python3 -c '
import json, sys
for row in json.load(open("images/compatibility.json"))["variable"][sys.argv[1]]["default"]:
    print(row["name"], *(f"{package}=={row[package]}" for package in ("torch", "torchvision") if package in row))' "$1"; }

mkdir -p images/torch/requirements images/cuda/requirements
rows TORCH | while read -r name requirements; do
    "${COMPILE[@]}" ${WHEELS:+--find-links "$WHEELS"} - --output-file "images/torch/requirements/$name.txt" <<<"${requirements// /$'\n'}"
done
rows CUDA | while read -r name requirements; do
    "${COMPILE[@]}" - --output-file "images/cuda/requirements/$name.txt" <<<"${requirements// /$'\n'}"
done
