"""RAFT, the optical flow network of Teed and Deng (ECCV 2020, arXiv 2003.12039), in its large form.

Tensors are named as torchvision names them, so that its released files fit (``raft_large_C_T_V1`` holds the
authors' own Chairs+Things weights). Inference only; flow is in pixels, channel 0 to the right, 1 down.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

HIDDEN = 128
RADIUS = 4
LEVELS = 4
SMALLEST = 128
"""Pixels of the shorter side below which the coarsest of the four correlation levels has no two entries."""


class Raft(nn.Module):
    """Two pictures -> the flow from the first to the second."""

    def __init__(self) -> None:
        super().__init__()
        self.feature_encoder = _Encoder(nn.InstanceNorm2d)
        self.context_encoder = _Encoder(nn.BatchNorm2d)
        self.update_block = _Update()
        self.mask_predictor = _Mask()

    def forward(self, first: Tensor, second: Tensor, iterations: int = 20) -> Tensor:
        """(N, 3, H, W) twice in -1..1, H and W multiples of 8 and at least 128 -> flow (N, 2, H, W)."""
        features = self.feature_encoder(torch.cat((first, second)))
        pyramid = _correlations(*features.chunk(2))
        hidden, context = self.context_encoder(first).split((HIDDEN, 256 - HIDDEN), dim=1)
        hidden, context = torch.tanh(hidden), torch.relu(context)
        start = _grid(features.shape[2], features.shape[3]).to(first)
        flow = torch.zeros_like(start).expand(len(first), -1, -1, -1)
        for _ in range(iterations):
            seen = _look_up(pyramid, start + flow)
            hidden, change = self.update_block(hidden, context, seen, flow)
            flow = flow + change
        return _upsample(flow, self.mask_predictor(hidden))


class _Unit(nn.Sequential):
    """Convolution, then the norm and the ReLU where there are any: indices 0 and 1 of torchvision's names."""

    def __init__(
        self, inside: int, outside: int, kernel: int, stride: int = 1, norm: Any = None, relu: bool = True
    ) -> None:
        layers: list[nn.Module] = [nn.Conv2d(inside, outside, kernel, stride, padding=kernel // 2)]
        if norm is not None:
            layers.append(norm(outside))
        if relu:
            layers.append(nn.ReLU())
        super().__init__(*layers)


class _Residual(nn.Module):
    """Two 3 x 3 units and the way around them."""

    def __init__(self, inside: int, outside: int, stride: int, norm: Any) -> None:
        super().__init__()
        self.convnormrelu1 = _Unit(inside, outside, 3, stride, norm)
        self.convnormrelu2 = _Unit(outside, outside, 3, 1, norm)
        self.downsample: nn.Module = nn.Identity()
        if stride != 1:
            self.downsample = _Unit(inside, outside, 1, stride, norm, relu=False)

    def forward(self, x: Tensor) -> Tensor:
        """The ReLU of the sum of both ways."""
        return torch.relu(self.downsample(x) + self.convnormrelu2(self.convnormrelu1(x)))


class _Encoder(nn.Module):
    """(N, 3, H, W) -> (N, 256, H / 8, W / 8)."""

    def __init__(self, norm: Any) -> None:
        super().__init__()
        self.convnormrelu = _Unit(3, 64, 7, 2, norm)
        self.layer1 = nn.Sequential(_Residual(64, 64, 1, norm), _Residual(64, 64, 1, norm))
        self.layer2 = nn.Sequential(_Residual(64, 96, 2, norm), _Residual(96, 96, 1, norm))
        self.layer3 = nn.Sequential(_Residual(96, 128, 2, norm), _Residual(128, 128, 1, norm))
        self.conv = nn.Conv2d(128, 256, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Features at an eighth of the size."""
        found: Tensor = self.conv(self.layer3(self.layer2(self.layer1(self.convnormrelu(x)))))
        return found


class _Motion(nn.Module):
    """Correlations and the flow so far -> 128 channels, of which the last two are the flow itself."""

    def __init__(self) -> None:
        super().__init__()
        self.convcorr1 = _Unit(LEVELS * (2 * RADIUS + 1) ** 2, 256, 1)
        self.convcorr2 = _Unit(256, 192, 3)
        self.convflow1 = _Unit(2, 128, 7)
        self.convflow2 = _Unit(128, 64, 3)
        self.conv = _Unit(192 + 64, 126, 3)

    def forward(self, seen: Tensor, flow: Tensor) -> Tensor:
        """(N, 324, h, w) and (N, 2, h, w) -> (N, 128, h, w)."""
        both = torch.cat((self.convcorr2(self.convcorr1(seen)), self.convflow2(self.convflow1(flow))), dim=1)
        return torch.cat((self.conv(both), flow), dim=1)


class _Gru(nn.Module):
    """A gated recurrent unit whose products are convolutions along one axis."""

    def __init__(self, kernel: tuple[int, int]) -> None:
        super().__init__()
        padding = (kernel[0] // 2, kernel[1] // 2)
        self.convz = nn.Conv2d(3 * HIDDEN, HIDDEN, kernel, padding=padding)
        self.convr = nn.Conv2d(3 * HIDDEN, HIDDEN, kernel, padding=padding)
        self.convq = nn.Conv2d(3 * HIDDEN, HIDDEN, kernel, padding=padding)

    def forward(self, hidden: Tensor, x: Tensor) -> Tensor:
        """The next hidden state."""
        both = torch.cat((hidden, x), dim=1)
        update, reset = torch.sigmoid(self.convz(both)), torch.sigmoid(self.convr(both))
        proposed = torch.tanh(self.convq(torch.cat((reset * hidden, x), dim=1)))
        return torch.lerp(hidden, proposed, update)


class _Recurrent(nn.Module):
    """One unit along the rows, one along the columns."""

    def __init__(self) -> None:
        super().__init__()
        self.convgru1 = _Gru((1, 5))
        self.convgru2 = _Gru((5, 1))

    def forward(self, hidden: Tensor, x: Tensor) -> Tensor:
        """The next hidden state."""
        found: Tensor = self.convgru2(self.convgru1(hidden, x), x)
        return found


class _Head(nn.Module):
    """Hidden state -> change of the flow."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(HIDDEN, 256, 3, padding=1)
        self.conv2 = nn.Conv2d(256, 2, 3, padding=1)

    def forward(self, hidden: Tensor) -> Tensor:
        """(N, 128, h, w) -> (N, 2, h, w)."""
        found: Tensor = self.conv2(torch.relu(self.conv1(hidden)))
        return found


class _Update(nn.Module):
    """One step: what is seen at the flow so far corrects it."""

    def __init__(self) -> None:
        super().__init__()
        self.motion_encoder = _Motion()
        self.recurrent_block = _Recurrent()
        self.flow_head = _Head()

    def forward(self, hidden: Tensor, context: Tensor, seen: Tensor, flow: Tensor) -> tuple[Tensor, Tensor]:
        """The next hidden state and the change of the flow."""
        motion = self.motion_encoder(seen, flow)
        hidden = self.recurrent_block(hidden, torch.cat((context, motion), dim=1))
        return hidden, self.flow_head(hidden)


class _Mask(nn.Module):
    """Hidden state -> logits of the 9 coarse neighbours for each of 8 x 8 fine pixels, scaled by 1/4."""

    def __init__(self) -> None:
        super().__init__()
        self.convrelu = _Unit(HIDDEN, 256, 3)
        self.conv = nn.Conv2d(256, 9 * 64, 1)

    def forward(self, hidden: Tensor) -> Tensor:
        """(N, 128, h, w) -> (N, 576, h, w)."""
        found: Tensor = self.conv(self.convrelu(hidden))
        return 0.25 * found


def _grid(height: int, width: int) -> Tensor:
    """(1, 2, h, w): each pixel's x and y."""
    y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    return torch.stack((x, y)).float()[None]


def _correlations(first: Tensor, second: Tensor) -> list[Tensor]:
    """All pairs' scalar products / sqrt(channels), (N * h * w, 1, h, w), then halved in size three times."""
    count, channels, height, width = first.shape
    products = torch.einsum("ncp,ncq->npq", first.flatten(2), second.flatten(2)) / channels**0.5
    levels = [products.reshape(count * height * width, 1, height, width)]
    for _ in range(LEVELS - 1):
        levels.append(functional.avg_pool2d(levels[-1], 2))
    return levels


def _look_up(pyramid: list[Tensor], centres: Tensor) -> Tensor:
    """Correlations around ``centres`` (N, 2, h, w): (N, 324, h, w), 9 x 9 of each level, bilinear, 0 outside.

    Of the 81 offsets of a level x is the slow index and y the fast one, as the weights were trained.
    """
    count, _, height, width = centres.shape
    reach = torch.arange(-RADIUS, RADIUS + 1).to(centres)
    offsets = torch.stack(torch.meshgrid(reach, reach, indexing="ij"), dim=-1)
    centres = centres.permute(0, 2, 3, 1).reshape(count * height * width, 1, 1, 2)
    found = []
    for level, correlations in enumerate(pyramid):
        size = centres.new_tensor((correlations.shape[3] - 1, correlations.shape[2] - 1))
        places = 2 * (centres / 2**level + offsets) / size - 1
        seen = functional.grid_sample(correlations, places, align_corners=True)
        found.append(seen.reshape(count, height, width, -1))
    return torch.cat(found, dim=-1).permute(0, 3, 1, 2).contiguous()


def _upsample(flow: Tensor, mask: Tensor) -> Tensor:
    """8 times the size: each fine pixel a convex combination of its 3 x 3 coarse neighbours, times 8."""
    count, _, height, width = flow.shape
    weights = mask.view(count, 1, 9, 8, 8, height, width).softmax(dim=2)
    coarse = functional.unfold(8 * flow, 3, padding=1).view(count, 2, 9, 1, 1, height, width)
    fine = (weights * coarse).sum(dim=2).permute(0, 1, 4, 2, 5, 3)
    return fine.reshape(count, 2, 8 * height, 8 * width)
