"""What the face trainer reads: shards of rendered pictures, kept on the device as bytes.

Two views of the same pictures are kept. Whole pictures with mattes and landmarks teach the detector; aligned
crops with a margin, cut once, teach the recogniser. Persons held out of the world's training range never
enter either; they make the `Store` that the evaluation reads.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from stillmotion.identity.geometry import HEAD_FIVE
from training.face_augment import affine, warp

CROP = 144
"""Side of a kept crop: the recogniser's 112 pixels with a margin of 16 all round, for the jitter."""
MARGIN = (CROP - 112) // 2


@dataclass(frozen=True)
class Pictures:
    """N rendered pictures with their truth.

    ``frames`` (N, H, W, 3) uint8 RGB; ``mattes`` (N, H, W) uint8, 255 = person; ``landmarks`` (N, 106, 2) and
    ``five`` (N, 5, 2) in pixels; ``persons`` (N,) the person's index; ``scenes`` (N,) a number that two
    pictures share if and only if they show the same scene.
    """

    frames: NDArray[np.uint8]
    mattes: NDArray[np.uint8]
    landmarks: NDArray[np.float32]
    five: NDArray[np.float32]
    persons: NDArray[np.int64]
    scenes: NDArray[np.int64]

    def chosen(self, keep: NDArray[np.bool_]) -> Pictures:
        """The pictures where ``keep`` (N,) is True."""
        return Pictures(
            self.frames[keep],
            self.mattes[keep],
            self.landmarks[keep],
            self.five[keep],
            self.persons[keep],
            self.scenes[keep],
        )


@dataclass
class Store:
    """All pictures of one run on one device, grown shard by shard.

    ``frames`` (N, 3, H, W) and ``mattes`` (N, 1, H, W) uint8 for at most ``room`` pictures; ``crops``
    (M, 3, CROP, CROP) uint8 aligned faces of all of them. ``persons`` and ``scenes`` belong to the crops.
    """

    device: torch.device
    room: int = 24_000
    parts: dict[str, list[Tensor]] = field(default_factory=dict)
    kept: int = 0

    def add(self, pictures: Pictures) -> None:
        """Take a shard in; pictures whose face lies outside the frame are left out."""
        size = pictures.frames.shape[1]
        centre = pictures.five.mean(1)
        seen = np.isfinite(pictures.landmarks).all((1, 2)) & (centre > 0).all(1) & (centre < size).all(1)
        pictures = pictures if seen.all() else pictures.chosen(seen)
        if not len(pictures.frames):
            return
        frames = torch.from_numpy(pictures.frames).to(self.device).permute(0, 3, 1, 2).contiguous()
        five = torch.from_numpy(pictures.five).to(self.device).float()
        self._append("crops", aligned(frames, five))
        self._append("persons", torch.from_numpy(pictures.persons).to(self.device))
        self._append("scenes", torch.from_numpy(pictures.scenes).to(self.device))
        room = self.room - self.kept
        if room > 0:
            self._append("frames", frames[:room])
            self._append("mattes", torch.from_numpy(pictures.mattes[:room]).to(self.device)[:, None])
            self._append("landmarks", torch.from_numpy(pictures.landmarks[:room]).to(self.device).float())
            self._append("five", five[:room])
            self.kept += len(frames[:room])

    def _append(self, name: str, value: Tensor) -> None:
        self.parts.setdefault(name, []).append(value)

    def __getitem__(self, name: str) -> Tensor:
        """One of the tensors named above, whole."""
        parts = self.parts[name]
        if len(parts) > 1:
            self.parts[name] = parts = [torch.cat(parts)]
        return parts[0]

    def __len__(self) -> int:
        return sum(len(p) for p in self.parts.get("crops", []))


def aligned(frames: Tensor, five: Tensor, chunk: int = 512) -> Tensor:
    """Faces (N, 3, CROP, CROP) uint8 brought to the recogniser's places by their five points (N, 5, 2)."""
    matrices = alignment(five)
    parts = []
    for at in range(0, len(frames), chunk):
        view = warp(frames[at : at + chunk].float(), matrices[at : at + chunk], CROP)
        parts.append((view + 0.5).clamp(0, 255).to(torch.uint8))
    return torch.cat(parts)


def alignment(five: Tensor) -> Tensor:
    """The similarity transforms (N, 2, 3) that bring five points (N, 5, 2) to their places in a kept crop.

    The least squares of `stillmotion.identity.geometry.similarity`, in closed form: in the plane a rotation
    with a scale is one complex number.
    """
    target = torch.from_numpy(HEAD_FIVE).to(five) + MARGIN
    source_mean, target_mean = five.mean(1, keepdim=True), target.mean(0, keepdim=True)
    source, goal = five - source_mean, target - target_mean
    norm = (source**2).sum((1, 2)).clamp_min(1e-6)
    cos = (source * goal).sum((1, 2)) / norm
    sin = (source[..., 0] * goal[..., 1] - source[..., 1] * goal[..., 0]).sum(1) / norm
    return affine(
        torch.atan2(sin, cos),
        torch.sqrt(cos**2 + sin**2),
        source_mean[:, 0],
        target_mean.expand(len(five), 2),
    )


def split(
    pictures: Iterable[Pictures], device: torch.device, held_out: range, room: int, limit: int
) -> tuple[Store, Store]:
    """Pictures to learn from and pictures of held-out persons to evaluate on, at most ``limit`` of the
    former.
    """
    learn, judge = Store(device, room), Store(device, room)
    for shard in pictures:
        outside = (shard.persons >= held_out.start) & (shard.persons < held_out.stop)
        if outside.any():
            judge.add(shard.chosen(outside))
        if not outside.all():
            learn.add(shard.chosen(~outside) if outside.any() else shard)
        if len(learn) >= limit:
            break
    return learn, judge


def batches(total: int, size: int) -> Iterator[slice]:
    """Slices of ``size`` that cover ``total``."""
    for at in range(0, total, size):
        yield slice(at, min(total, at + size))
