"""What the face trainer reads: shards of rendered pictures, kept on the device as bytes.

Two views of the same pictures are kept. Whole pictures with mattes and landmarks teach the detector; aligned
crops with a margin, cut once, teach the recogniser. Persons held out of the world's training range never
enter either; they make the `Store` that the evaluation reads.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from stillmotion.identity.geometry import HEAD_FIVE, Floats
from training.face_augment import affine, warp
from training.judge_moments import FELT, MOMENTS, moments_of
from training.world.jobs import Job, truth_of

if TYPE_CHECKING:
    from training.world.shards import Shard

CROP = 144
"""Side of a kept crop: the recogniser's 112 pixels with a margin of 16 all round, for the jitter."""
MARGIN = (CROP - 112) // 2


@dataclass(frozen=True)
class Pictures:
    """N rendered pictures with their truth.

    ``frames`` (N, H, W, 3) uint8 RGB; ``mattes`` (N, H, W) uint8, 255 = person; ``landmarks`` (N, 106, 2) and
    ``five`` (N, 5, 2) in pixels; ``persons`` (N,) the person's index; ``scenes`` (N,) a number that two
    pictures share if and only if they show the same scene. ``felt`` (N, FELT) what the faces express
    (`training.judge_moments`), where that was asked for.
    """

    frames: NDArray[np.uint8]
    mattes: NDArray[np.uint8]
    landmarks: NDArray[np.float32]
    five: NDArray[np.float32]
    persons: NDArray[np.int64]
    scenes: NDArray[np.int64]
    felt: NDArray[np.float32] | None = None

    def chosen(self, keep: NDArray[np.bool_]) -> Pictures:
        """The pictures where ``keep`` (N,) is True."""
        return Pictures(
            self.frames[keep],
            self.mattes[keep],
            self.landmarks[keep],
            self.five[keep],
            self.persons[keep],
            self.scenes[keep],
            None if self.felt is None else self.felt[keep],
        )


@dataclass
class Store:
    """All pictures of one run on one device, grown shard by shard.

    ``frames`` (N, 3, H, W) and ``mattes`` (N, 1, H, W) uint8 for at most ``room`` pictures; ``crops``
    (M, 3, CROP, CROP) uint8 aligned faces of all of them, their five points at ``places``. ``persons``,
    ``scenes`` and, where the pictures tell it, ``felt`` belong to the crops.
    """

    device: torch.device
    room: int = 24_000
    places: Floats = field(default_factory=lambda: HEAD_FIVE)
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
        self._append("crops", aligned(frames, five, self.places))
        self._append("persons", torch.from_numpy(pictures.persons).to(self.device))
        self._append("scenes", torch.from_numpy(pictures.scenes).to(self.device))
        if pictures.felt is not None:
            self._append("felt", torch.from_numpy(pictures.felt).to(self.device))
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


def aligned(frames: Tensor, five: Tensor, places: Floats = HEAD_FIVE, chunk: int = 512) -> Tensor:
    """Faces (N, 3, CROP, CROP) uint8 brought to the recogniser's places by their five points (N, 5, 2)."""
    matrices = alignment(five, places)
    parts = []
    for at in range(0, len(frames), chunk):
        view = warp(frames[at : at + chunk].float(), matrices[at : at + chunk], CROP)
        parts.append((view + 0.5).clamp(0, 255).to(torch.uint8))
    return torch.cat(parts)


def alignment(five: Tensor, places: Floats = HEAD_FIVE) -> Tensor:
    """The similarity transforms (N, 2, 3) that bring five points (N, 5, 2) to their places in a kept crop.

    The least squares of `stillmotion.identity.geometry.similarity`, in closed form: in the plane a rotation
    with a scale is one complex number.
    """
    target = torch.from_numpy(places).to(five) + MARGIN
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


def fill(store: Store, pictures: Iterable[Pictures], held_out: range, limit: int) -> None:
    """Add shards to ``store`` until it holds ``limit`` faces; pictures of held-out persons are left out."""
    for shard in pictures:
        outside = (shard.persons >= held_out.start) & (shard.persons < held_out.stop)
        store.add(shard.chosen(~outside) if outside.any() else shard)
        if len(store) >= limit:
            break


def read(folder: Path, ahead: int = 6, felt: bool = False) -> Iterator[Pictures]:
    """The shards of ``folder``, in the order of their numbers, read ``ahead`` of their use by threads; with
    what the faces express where ``felt`` asks for it.

    Of a clip its first, middle and last frame are taken. Raises FileNotFoundError where there is no shard.
    """
    from training.world import shards

    found = [path for kind in ("stills", "clips") for path in folder.glob(f"{kind}-*")]
    paths = sorted(found, key=lambda path: (path.name.split("-")[::-1], path.name))
    if not paths:
        raise FileNotFoundError(f"{folder}: no shards in it; render some: python -m training.world render")
    with ThreadPoolExecutor(ahead) as pool:
        coming: deque[Future[Pictures]] = deque()
        try:
            for path in paths:
                coming.append(pool.submit(lambda path=path: pictures_of(shards.read_shard(path), felt)))
                if len(coming) >= ahead:
                    yield coming.popleft().result()
            while coming:
                yield coming.popleft().result()
        finally:
            for future in coming:
                future.cancel()


def pictures_of(shard: Shard, felt: bool = False) -> Pictures:
    """One shard in memory."""
    persons = np.array([job.person for job in shard.jobs], np.int64)
    # A still's view 0 is a reference scene: its seed means another scene than elsewhere.
    scenes = np.array(
        [
            2 * job.scenes[view] + int(job.kind == "stills" and view == 0)
            for job, view in zip(shard.jobs, shard.views, strict=True)
        ],
        np.int64,
    )
    mattes = np.stack([shard.matte(row) for row in range(len(persons))]) * np.uint8(255)
    arrays: list[NDArray[Any]] = [shard.frames, mattes, shard.landmarks, shard.five]
    count = shard.frames.shape[1] if shard.frames.ndim == 5 else 1
    chosen = sorted({0, count // 2, count - 1})
    rows = zip(shard.jobs, shard.views, strict=True)
    told = np.concatenate([expressions(*row, count)[chosen] for row in rows]) if felt else None
    if shard.frames.ndim == 5:
        arrays = [array[:, chosen].reshape(-1, *array.shape[2:]) for array in arrays]
        persons, scenes = np.repeat(persons, len(chosen)), np.repeat(scenes, len(chosen))
    # Copied, so that the reading itself happens here and not at the first use of a mapped page.
    frames, mattes, landmarks, five = (np.array(array) for array in arrays)
    return Pictures(frames, mattes, landmarks, five, persons, scenes, told)


def expressions(job: Job, view: int, count: int) -> NDArray[np.float32]:
    """What the face of a job's clip of ``count`` frames, or of one ``view``, expresses: (count, FELT)."""
    truth = truth_of(job)
    moments = moments_of(truth.scenes[view], truth.actions, count)
    return moments[:, [list(MOMENTS).index(name) for name in FELT]]
