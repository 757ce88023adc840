"""YOLOX, from nano to x: the network whose official checkpoints fit it name by name.

Written from the paper, "YOLOX: Exceeding YOLO Series in 2021" (Ge et al., https://arxiv.org/abs/2107.08430), and from
the names and shapes of the official checkpoints: attributes are called what their state_dict calls them.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

STRIDES = (8, 16, 32)
BOX = 4  # centre x, centre y, width, height
OBJECTNESS = 1


class Size(NamedTuple):
    """How deep and wide a network is, as shares of YOLOX-l, and whether it convolves channel by channel."""

    depth: float
    width: float
    depthwise: bool = False

    def channels(self, of_large: int) -> int:
        """How many channels there are where YOLOX-l has `of_large`."""
        return int(of_large * self.width)

    def blocks(self, of_large: int) -> int:
        """How many bottlenecks a stage has whose like in YOLOX-l has `of_large`, a multiple of 3."""
        return max(round(3 * self.depth), 1) * (of_large // 3)


SIZES = {
    "nano": Size(0.33, 0.25, depthwise=True),
    "tiny": Size(0.33, 0.375),
    "s": Size(0.33, 0.50),
    "m": Size(0.67, 0.75),
    "l": Size(1.00, 1.00),
    "x": Size(1.33, 1.25),
}


class Yolox(nn.Module):
    """YOLOX with its boxes decoded.

    It takes pictures as N x 3 x height x width: BGR, 0 to 255, sides that are multiples of 32. It returns
    N x anchors x (5 + classes): centre x, centre y, width and height in pixels, then objectness and the score of each
    class, from 0 to 1. The score of a detection is the product of the two.
    """

    def __init__(self, size: Size, classes: int) -> None:
        super().__init__()
        self.backbone = PathAggregation(size)
        self.head = Head(size, classes)
        for module in self.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.eps, module.momentum = 1e-3, 0.03

    def forward(self, pictures: Tensor) -> Tensor:
        """Decoded predictions of all anchors, those of the finest grid first."""
        predictions: Tensor = self.head(self.backbone(pictures))
        return predictions


class BaseConv(nn.Module):
    """Convolution, batch normalisation, SiLU."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, (kernel - 1) // 2, groups=groups, bias=False)
        self.bn = nn.BatchNorm2d(outputs)
        self.act = nn.SiLU()

    def forward(self, x: Tensor) -> Tensor:
        """N x inputs x height x width to N x outputs, `stride` times smaller."""
        activated: Tensor = self.act(self.bn(self.conv(x)))
        return activated


class DepthwiseConv(nn.Sequential):
    """A convolution of each channel by itself, then one across channels."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1) -> None:
        super().__init__()
        self.dconv = BaseConv(inputs, inputs, kernel, stride, groups=inputs)
        self.pconv = BaseConv(inputs, outputs, 1)


def convolution(size: Size, inputs: int, outputs: int, stride: int = 1) -> nn.Module:
    """The 3 x 3 convolution that networks of this size use."""
    return (DepthwiseConv if size.depthwise else BaseConv)(inputs, outputs, 3, stride)


class Bottleneck(nn.Module):
    """Two convolutions, whose result may be added to what came in."""

    def __init__(self, size: Size, channels: int, *, shortcut: bool) -> None:
        super().__init__()
        self.conv1 = BaseConv(channels, channels, 1)
        self.conv2 = convolution(size, channels, channels)
        self._shortcut = shortcut

    def forward(self, x: Tensor) -> Tensor:
        """As many channels as came in."""
        y: Tensor = self.conv2(self.conv1(x))
        return x + y if self._shortcut else y


class CrossStagePartial(nn.Module):
    """Half of the channels pass through bottlenecks, half go by."""

    def __init__(self, size: Size, inputs: int, outputs: int, blocks: int, *, shortcut: bool) -> None:
        super().__init__()
        half = outputs // 2
        self.conv1 = BaseConv(inputs, half, 1)
        self.conv2 = BaseConv(inputs, half, 1)
        self.conv3 = BaseConv(2 * half, outputs, 1)
        self.m = nn.Sequential(*(Bottleneck(size, half, shortcut=shortcut) for _ in range(blocks)))

    def forward(self, x: Tensor) -> Tensor:
        """N x inputs to N x outputs, as large as it came in."""
        merged: Tensor = self.conv3(torch.cat((self.m(self.conv1(x)), self.conv2(x)), 1))
        return merged


class PyramidPooling(nn.Module):
    """The largest values around each place, within 5, 9 and 13 cells."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        half = channels // 2
        self.conv1 = BaseConv(channels, half, 1)
        self.m = nn.ModuleList(nn.MaxPool2d(kernel, 1, kernel // 2) for kernel in (5, 9, 13))
        self.conv2 = BaseConv(4 * half, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """As many channels as came in, as large."""
        x = self.conv1(x)
        pooled: Tensor = self.conv2(torch.cat([x, *(pool(x) for pool in self.m)], 1))
        return pooled


class Focus(nn.Module):
    """Every 2 x 2 pixels become one of four times as many channels."""

    def __init__(self, outputs: int) -> None:
        super().__init__()
        self.conv = BaseConv(12, outputs, 3)

    def forward(self, x: Tensor) -> Tensor:
        """N x 3 to N x outputs, half as large."""
        quarters = [x[..., row::2, column::2] for column in (0, 1) for row in (0, 1)]
        focused: Tensor = self.conv(torch.cat(quarters, 1))
        return focused


class Darknet(nn.Module):
    """The backbone: features at strides 8, 16 and 32."""

    def __init__(self, size: Size) -> None:
        super().__init__()
        base = size.channels(64)
        self.stem = Focus(base)
        self.dark2 = self._stage(size, base, blocks=3)
        self.dark3 = self._stage(size, 2 * base, blocks=9)
        self.dark4 = self._stage(size, 4 * base, blocks=9)
        self.dark5 = nn.Sequential(
            convolution(size, 8 * base, 16 * base, 2),
            PyramidPooling(16 * base),
            CrossStagePartial(size, 16 * base, 16 * base, size.blocks(3), shortcut=False),
        )

    @staticmethod
    def _stage(size: Size, inputs: int, blocks: int) -> nn.Module:
        return nn.Sequential(
            convolution(size, inputs, 2 * inputs, 2),
            CrossStagePartial(size, 2 * inputs, 2 * inputs, size.blocks(blocks), shortcut=True),
        )

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The features of strides 8, 16 and 32."""
        fine = self.dark3(self.dark2(self.stem(x)))
        middle = self.dark4(fine)
        return fine, middle, self.dark5(middle)


class PathAggregation(nn.Module):
    """Features of each stride, mixed with those of the others: once from coarse to fine, once back."""

    def __init__(self, size: Size) -> None:
        super().__init__()
        fine, middle, coarse = (size.channels(channels) for channels in (256, 512, 1024))

        def mix(inputs: int, outputs: int) -> nn.Module:
            return CrossStagePartial(size, inputs, outputs, size.blocks(3), shortcut=False)

        self.backbone = Darknet(size)
        self.upsample = nn.Upsample(scale_factor=2, mode="nearest")
        self.lateral_conv0 = BaseConv(coarse, middle, 1)
        self.C3_p4 = mix(2 * middle, middle)
        self.reduce_conv1 = BaseConv(middle, fine, 1)
        self.C3_p3 = mix(2 * fine, fine)
        self.bu_conv2 = convolution(size, fine, fine, 2)
        self.C3_n3 = mix(2 * fine, middle)
        self.bu_conv1 = convolution(size, middle, middle, 2)
        self.C3_n4 = mix(2 * middle, coarse)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The mixed features of strides 8, 16 and 32."""
        fine, middle, coarse = self.backbone(x)
        lateral_coarse = self.lateral_conv0(coarse)
        middle = self.C3_p4(torch.cat((self.upsample(lateral_coarse), middle), 1))
        lateral_middle = self.reduce_conv1(middle)
        fine = self.C3_p3(torch.cat((self.upsample(lateral_middle), fine), 1))
        middle = self.C3_n3(torch.cat((self.bu_conv2(fine), lateral_middle), 1))
        return fine, middle, self.C3_n4(torch.cat((self.bu_conv1(middle), lateral_coarse), 1))


class Head(nn.Module):
    """A box, an objectness and the class scores for each cell of each stride, from branches of their own."""

    def __init__(self, size: Size, classes: int) -> None:
        super().__init__()
        hidden = size.channels(256)

        def branch() -> nn.Module:
            return nn.Sequential(convolution(size, hidden, hidden), convolution(size, hidden, hidden))

        def predict(outputs: int) -> nn.ModuleList:
            return nn.ModuleList(nn.Conv2d(hidden, outputs, 1) for _ in STRIDES)

        self.stems = nn.ModuleList(BaseConv(size.channels(channels), hidden, 1) for channels in (256, 512, 1024))
        self.cls_convs = nn.ModuleList(branch() for _ in STRIDES)
        self.reg_convs = nn.ModuleList(branch() for _ in STRIDES)
        self.cls_preds = predict(classes)
        self.reg_preds = predict(BOX)
        self.obj_preds = predict(OBJECTNESS)

    def forward(self, features: tuple[Tensor, Tensor, Tensor]) -> Tensor:
        """Decoded predictions, N x anchors x (5 + classes), from the features of each stride."""
        return torch.cat([self._decoded(level, x) for level, x in enumerate(features)], 1)

    def _decoded(self, level: int, x: Tensor) -> Tensor:
        """Predictions of one stride as N x cells x (5 + classes), row by row."""
        x = self.stems[level](x)
        regressed = self.reg_convs[level](x)
        box = self.reg_preds[level](regressed)
        objectness = self.obj_preds[level](regressed).sigmoid()
        scores = self.cls_preds[level](self.cls_convs[level](x)).sigmoid()
        rows, columns = torch.meshgrid(*(torch.arange(side) for side in box.shape[2:]), indexing="ij")
        centre = (box[:, :2] + torch.stack((columns, rows)).to(box)) * STRIDES[level]
        extent = box[:, 2:].exp() * STRIDES[level]
        return torch.cat((centre, extent, objectness, scores), 1).flatten(2).transpose(1, 2)
