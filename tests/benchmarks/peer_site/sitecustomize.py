"""Lets torchvision import in the peer's interpreter where its operators do not load, as our processing does."""

from torchvision_ops import ensure_torchvision

ensure_torchvision()
