"""FaceSim-Cur: the same faces as FaceSim-Arc's, read by CurricularFace (Huang et al., arXiv 2004.00288).

The network is the improved residual network of 100 layers ("IR-101") with 112x112 input, in the layout of
the released ``glint360k_curricular_face_r101_backbone``: its tensors' names and shapes are all that ties
this file to it, and every one of them has to fit.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from stillmotion.evaluate.faces import face_reader, face_similarity
from stillmotion.evaluate.tensors import FaceNetwork, fill, read_tensors
from stillmotion.evaluate.types import Measured, Sample
from stillmotion.evaluate.weights import judge_file

NAME = "curricularface"
SIDE = 112
EMBEDDING = 512
UNITS = (3, 13, 30, 3)
"""Blocks of each of the four stages; each stage halves the picture."""
WIDTH = 64
"""Channels of the first stage; each later one has twice as many."""


class Unit(nn.Module):
    """Two 3x3 convolutions beside a shortcut: norm, conv, norm, PReLU, conv (which strides), norm."""

    def __init__(self, channels: int, width: int, stride: int) -> None:
        super().__init__()
        self.shortcut_layer: nn.Module
        if channels == width:
            self.shortcut_layer = nn.MaxPool2d(1, stride)
        else:
            self.shortcut_layer = nn.Sequential(
                nn.Conv2d(channels, width, 1, stride, bias=False), nn.BatchNorm2d(width)
            )
        self.res_layer = nn.Sequential(
            nn.BatchNorm2d(channels),
            nn.Conv2d(channels, width, 3, padding=1, bias=False),
            nn.BatchNorm2d(width),
            nn.PReLU(width),
            nn.Conv2d(width, width, 3, stride, padding=1, bias=False),
            nn.BatchNorm2d(width),
        )

    def forward(self, x: Tensor) -> Tensor:
        """(N, channels, H, W) to (N, width, H / stride, W / stride)."""
        result: Tensor = self.shortcut_layer(x) + self.res_layer(x)
        return result


class CurricularFace(nn.Module):
    """Aligned faces (N, 3, 112, 112), RGB, -1 to 1, to embeddings (N, 512), not normalised."""

    def __init__(self, width: int = WIDTH) -> None:
        super().__init__()
        self.input_layer = nn.Sequential(
            nn.Conv2d(3, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.PReLU(width)
        )
        units, channels = [], width
        for stage, count in enumerate(UNITS):
            for position in range(count):
                units.append(Unit(channels, width << stage, 2 if position == 0 else 1))
                channels = width << stage
        self.body = nn.Sequential(*units)
        side = SIDE >> len(UNITS)
        # Dropout is of training alone, but holds a place in the tensors' names.
        self.output_layer = nn.Sequential(
            nn.BatchNorm2d(channels),
            nn.Dropout(0.4),
            nn.Flatten(),
            nn.Linear(channels * side * side, EMBEDDING),
            nn.BatchNorm1d(EMBEDDING, affine=False),
        )

    def forward(self, faces: Tensor) -> Tensor:
        """Embeddings of aligned faces."""
        result: Tensor = self.output_layer(self.body(self.input_layer(faces)))
        return result


def load(path: Path) -> CurricularFace:
    """The network with the weights of a safetensors file; NotComputed where they are not its own."""
    tensors = read_tensors(path)
    first = tensors.get("input_layer.0.weight")
    width = WIDTH if first is None else min(len(first), WIDTH)
    return fill(CurricularFace(width), tensors, path)


def prepare(aligned: NDArray[np.uint8]) -> NDArray[np.float32]:
    """An aligned face (224, 224, 3) RGB uint8 as the network reads it: (3, 112, 112), -1 to 1."""
    small = import_module("cv2").resize(aligned, (SIDE, SIDE))
    return np.asarray((small.astype(np.float32) / 255 - 0.5) / 0.5).transpose(2, 0, 1)


class CurricularJudge:
    """facesim_cur: independent of the recogniser that chooses our first frames."""

    metrics = ("facesim_cur",)

    def __init__(self, device: str) -> None:
        path = judge_file(NAME)
        self._faces = face_reader(device)
        self._network = FaceNetwork(load(path), device)

    def measure(self, sample: Sample) -> Measured:
        """The similarity of each judged frame's face to the reference's."""
        reference, frames = self._faces.of_sample(sample)
        # Frames that are looked at twice are one face.
        faces = dict.fromkeys(face for face in (reference, *frames) if face is not None)
        embeddings = {face: self._network(prepare(face.aligned)).float().numpy() for face in faces}
        found = [None if face is None else embeddings[face] for face in frames]
        return face_similarity("facesim_cur", embeddings[reference], found)
