"""fid_consisid: how far the features of each frame's aligned face are from the reference's (ConsisID).

Not a Fréchet distance of two sets of pictures: with one picture on each side the covariances are 0 and
the squared distance of the means is left. The network is Inception-v3 (Szegedy et al., arXiv 1512.00567)
up to its last pooling, in the layout of torchvision's released weights.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional

from stillmotion.evaluate.faces import NO_FACE, SeenFace, face_reader
from stillmotion.evaluate.tensors import FaceNetwork, fill, read_tensors
from stillmotion.evaluate.types import Measured, Sample
from stillmotion.evaluate.weights import judge_file

NAME = "inception-v3"
SIDE = 299
UNUSED = ("AuxLogits.", "fc.")
"""Heads for training and for naming objects: nothing here reads them."""
FIRST_CHANNELS = 32
FLAGGED = "fid_consisid is 0 for want of a face"
Size = int | tuple[int, int]


class Conv(nn.Module):
    """Convolution, norm, ReLU."""

    def __init__(self, channels: int, width: int, kernel: Size, stride: int = 1, padding: Size = 0) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, width, kernel, stride, padding, bias=False)
        self.bn = nn.BatchNorm2d(width, eps=0.001)

    def forward(self, x: Tensor) -> Tensor:
        """(N, channels, H, W) to (N, width, H', W')."""
        return functional.relu(self.bn(self.conv(x)))


def _row(channels: int, width: int, length: int) -> Conv:
    return Conv(channels, width, (1, length), padding=(0, length // 2))


def _column(channels: int, width: int, length: int) -> Conv:
    return Conv(channels, width, (length, 1), padding=(length // 2, 0))


class Mixed(nn.Module):
    """Branches side by side, joined along the channels. ``order`` names each one's convolutions; a name that
    ends in "_ab" is a fork of two, joined. ``pool``: the last branch, "average" (then convolved) or "max".
    """

    def __init__(self, layers: dict[str, Conv], order: Sequence[Sequence[str]], pool: str) -> None:
        super().__init__()
        for name, layer in layers.items():
            self.add_module(name, layer)
        self._order, self._pool = tuple(tuple(chain) for chain in order), pool

    def forward(self, x: Tensor) -> Tensor:
        """(N, channels, H, W) to the branches' channels, at half the size where they stride."""
        branches = [self._chain(chain, x) for chain in self._order]
        if self._pool == "max":
            pooled = functional.max_pool2d(x, 3, 2)
        else:
            pooled = self.get_submodule("branch_pool")(functional.avg_pool2d(x, 3, 1, 1))
        return torch.cat([*branches, pooled], dim=1)

    def _chain(self, names: Sequence[str], x: Tensor) -> Tensor:
        for name in names:
            if name.endswith("_ab"):
                stem = name.removesuffix("_ab")
                x = torch.cat([self.get_submodule(stem + end)(x) for end in "ab"], dim=1)
            else:
                x = self.get_submodule(name)(x)
        return x


def _mixed_a(channels: int, pool: int, n: int) -> Mixed:
    layers = {
        "branch1x1": Conv(channels, 64 // n, 1),
        "branch5x5_1": Conv(channels, 48 // n, 1),
        "branch5x5_2": Conv(48 // n, 64 // n, 5, padding=2),
        "branch3x3dbl_1": Conv(channels, 64 // n, 1),
        "branch3x3dbl_2": Conv(64 // n, 96 // n, 3, padding=1),
        "branch3x3dbl_3": Conv(96 // n, 96 // n, 3, padding=1),
        "branch_pool": Conv(channels, pool, 1),
    }
    order = (["branch1x1"], ["branch5x5_1", "branch5x5_2"], [f"branch3x3dbl_{i}" for i in (1, 2, 3)])
    return Mixed(layers, order, "average")


def _mixed_b(channels: int, n: int) -> Mixed:
    layers = {
        "branch3x3": Conv(channels, 384 // n, 3, 2),
        "branch3x3dbl_1": Conv(channels, 64 // n, 1),
        "branch3x3dbl_2": Conv(64 // n, 96 // n, 3, padding=1),
        "branch3x3dbl_3": Conv(96 // n, 96 // n, 3, 2),
    }
    return Mixed(layers, (["branch3x3"], [f"branch3x3dbl_{i}" for i in (1, 2, 3)]), "max")


def _mixed_c(channels: int, inner: int, n: int) -> Mixed:
    out = 192 // n
    layers = {
        "branch1x1": Conv(channels, out, 1),
        "branch7x7_1": Conv(channels, inner, 1),
        "branch7x7_2": _row(inner, inner, 7),
        "branch7x7_3": _column(inner, out, 7),
        "branch7x7dbl_1": Conv(channels, inner, 1),
        "branch7x7dbl_2": _column(inner, inner, 7),
        "branch7x7dbl_3": _row(inner, inner, 7),
        "branch7x7dbl_4": _column(inner, inner, 7),
        "branch7x7dbl_5": _row(inner, out, 7),
        "branch_pool": Conv(channels, out, 1),
    }
    long = [f"branch7x7dbl_{i}" for i in range(1, 6)]
    return Mixed(layers, (["branch1x1"], [f"branch7x7_{i}" for i in (1, 2, 3)], long), "average")


def _mixed_d(channels: int, n: int) -> Mixed:
    inner = 192 // n
    layers = {
        "branch3x3_1": Conv(channels, inner, 1),
        "branch3x3_2": Conv(inner, 320 // n, 3, 2),
        "branch7x7x3_1": Conv(channels, inner, 1),
        "branch7x7x3_2": _row(inner, inner, 7),
        "branch7x7x3_3": _column(inner, inner, 7),
        "branch7x7x3_4": Conv(inner, inner, 3, 2),
    }
    return Mixed(layers, (["branch3x3_1", "branch3x3_2"], [f"branch7x7x3_{i}" for i in range(1, 5)]), "max")


def _mixed_e(channels: int, n: int) -> Mixed:
    half = 384 // n
    layers = {
        "branch1x1": Conv(channels, 320 // n, 1),
        "branch3x3_1": Conv(channels, half, 1),
        "branch3x3_2a": _row(half, half, 3),
        "branch3x3_2b": _column(half, half, 3),
        "branch3x3dbl_1": Conv(channels, 448 // n, 1),
        "branch3x3dbl_2": Conv(448 // n, half, 3, padding=1),
        "branch3x3dbl_3a": _row(half, half, 3),
        "branch3x3dbl_3b": _column(half, half, 3),
        "branch_pool": Conv(channels, 192 // n, 1),
    }
    short, long = ["branch3x3_1", "branch3x3_2_ab"], ["branch3x3dbl_1", "branch3x3dbl_2", "branch3x3dbl_3_ab"]
    return Mixed(layers, (["branch1x1"], short, long), "average")


class Inception(nn.Module):
    """Pictures (N, 3, 299, 299), RGB, 0 to 1, to pooled features (N, 2048).

    ``narrow`` divides every number of channels (1 or a power of two up to 16).
    """

    def __init__(self, narrow: int = 1) -> None:
        super().__init__()
        n = narrow
        self.Conv2d_1a_3x3 = Conv(3, 32 // n, 3, 2)
        self.Conv2d_2a_3x3 = Conv(32 // n, 32 // n, 3)
        self.Conv2d_2b_3x3 = Conv(32 // n, 64 // n, 3, padding=1)
        self.Conv2d_3b_1x1 = Conv(64 // n, 80 // n, 1)
        self.Conv2d_4a_3x3 = Conv(80 // n, 192 // n, 3)
        self.Mixed_5b = _mixed_a(192 // n, 32 // n, n)
        self.Mixed_5c = _mixed_a(256 // n, 64 // n, n)
        self.Mixed_5d = _mixed_a(288 // n, 64 // n, n)
        self.Mixed_6a = _mixed_b(288 // n, n)
        self.Mixed_6b = _mixed_c(768 // n, 128 // n, n)
        self.Mixed_6c = _mixed_c(768 // n, 160 // n, n)
        self.Mixed_6d = _mixed_c(768 // n, 160 // n, n)
        self.Mixed_6e = _mixed_c(768 // n, 192 // n, n)
        self.Mixed_7a = _mixed_d(768 // n, n)
        self.Mixed_7b = _mixed_e(1280 // n, n)
        self.Mixed_7c = _mixed_e(2048 // n, n)

    def forward(self, pictures: Tensor) -> Tensor:
        """Pooled features."""
        x = self.Conv2d_2b_3x3(self.Conv2d_2a_3x3(self.Conv2d_1a_3x3(_as_trained(pictures))))
        x = self.Conv2d_4a_3x3(self.Conv2d_3b_1x1(functional.max_pool2d(x, 3, 2)))
        x = functional.max_pool2d(x, 3, 2)
        for name, layer in self.named_children():
            if name.startswith("Mixed"):
                x = layer(x)
        features: Tensor = x.mean((2, 3))
        return features


def _as_trained(pictures: Tensor) -> Tensor:
    """What torchvision's network does first with its released weights: from ImageNet's normalisation to
    -1..1. The published code feeds pictures that were never normalised, and they go through it all the same.
    """
    means, deviations = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
    mean = torch.tensor(means, device=pictures.device)[:, None, None]
    deviation = torch.tensor(deviations, device=pictures.device)[:, None, None]
    return pictures * (deviation / 0.5) + (mean - 0.5) / 0.5


def load(path: Path) -> Inception:
    """The network with the weights of a safetensors file; NotComputed where they are not its own."""
    tensors = {name: t for name, t in read_tensors(path).items() if not name.startswith(UNUSED)}
    first = tensors.get("Conv2d_1a_3x3.conv.weight")
    narrow = 1 if first is None else FIRST_CHANNELS // min(max(2, len(first)), FIRST_CHANNELS)
    return fill(Inception(narrow), tensors, path)


def prepare(aligned: NDArray[np.uint8]) -> NDArray[np.float32]:
    """An aligned face (224, 224, 3) RGB uint8 as the network reads it: (3, 299, 299), 0 to 1."""
    large = Image.fromarray(aligned).resize((SIDE, SIDE), Image.Resampling.BILINEAR)
    pixels: NDArray[np.float32] = np.asarray(large, np.float32) / np.float32(255)
    return pixels.transpose(2, 0, 1)


class FidJudge:
    """fid_consisid: squared distance of features, mean over the judged frames with a face.

    A video without any has 0, the best figure, as the published code gives it, and is flagged.
    """

    metrics = ("fid_consisid",)

    def __init__(self, device: str) -> None:
        path = judge_file(NAME)
        self._faces = face_reader(device)
        self._network = FaceNetwork(load(path), device)

    def measure(self, sample: Sample) -> Measured:
        """The distance of each judged frame's aligned face from the reference's."""
        reference, frames = self._faces.of_sample(sample)
        known = self._features(reference)
        # Frames that are looked at twice are one face.
        faces = dict.fromkeys(face for face in frames if face is not None)
        distance = {face: float(((self._features(face) - known) ** 2).sum()) for face in faces}
        curve = tuple(None if face is None else distance[face] for face in frames)
        distances = [one for one in curve if one is not None]
        return Measured(
            values={"fid_consisid": float(np.mean(distances)) if distances else 0.0},
            curves={"fid_consisid": curve},
            face_frames=len(distances),
            judged_frames=len(curve),
            flags=() if distances else (NO_FACE, FLAGGED),
        )

    def _features(self, face: SeenFace) -> NDArray[np.float64]:
        """Features (2048,) of one face."""
        features: NDArray[np.float64] = self._network(prepare(face.aligned)).double().numpy()
        return features
