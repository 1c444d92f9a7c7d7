"""Rendered pictures on the device as bytes, for the autoencoders: random crops, more of them around faces.

Shards are read as they appear, so that training starts while rendering goes on.
"""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from training.world.shards import read_shard

FACE_SHARE = 0.6
MOST_PICTURES = 150_000


class Store:
    """All pictures of one kind that a folder of shards holds by now, at most ``most`` pictures.

    ``frames`` (N, T, H, W, 3) uint8 on the device; ``box`` (N, T, 4) and ``five`` (N, T, 5, 2) of their faces
    on the host. T = 1 for stills.
    """

    def __init__(self, folder: Path, device: torch.device, clips: bool, most: int = MOST_PICTURES) -> None:
        self.folder, self.device, self.kind = folder, device, "clips" if clips else "stills"
        self.most, self.read, self.parts = most, set[str](), list[tuple[Tensor, np.ndarray, np.ndarray]]()
        while not self.parts:
            self.refresh()
            if not self.parts:
                time.sleep(0.5)

    def refresh(self, most_shards: int = 24) -> None:
        """Read at most so many of the shards that have appeared since."""
        fresh = [p for p in sorted(self.folder.glob(f"{self.kind}-*")) if p.name not in self.read]
        for path in fresh[:most_shards]:
            if sum(f.shape[0] * f.shape[1] for f, *_ in self.parts) >= self.most:
                return
            shard = read_shard(path)
            frames = torch.from_numpy(np.array(shard.frames))
            if self.kind == "stills":
                frames = frames[:, None]
            box = np.array(shard.box, np.float32).reshape(*frames.shape[:2], 4)
            five = np.array(shard.five, np.float32).reshape(*frames.shape[:2], 5, 2)
            self.parts.append((frames.to(self.device), box, five))
            self.read.add(path.name)

    def still_crops(self, count: int, size: int) -> dict[str, Tensor]:
        """``pixels`` (count, size, size, 3) uint8, crops of random stills, and ``five`` (count, 5, 2), each
        face's points in them.
        """
        return {name: values[:, 0] for name, values in self._crops(count, 1, size).items()}

    def clip_crops(self, count: int, length: int, size: int) -> dict[str, Tensor]:
        """``pixels`` (count, length, size, size, 3) uint8, crops of random runs of ``length`` frames, and
        ``five`` (count, length, 5, 2), each face's points in them.
        """
        return self._crops(count, length, size)

    def _crops(self, count: int, length: int, size: int) -> dict[str, Tensor]:
        shares = np.array([len(f) for f, *_ in self.parts], np.float64)
        chosen = np.random.choice(len(self.parts), count, p=shares / shares.sum())
        crops, points = [], []
        for part in chosen:
            frames, box, five = self.parts[part]
            row = np.random.randint(len(frames))
            start = np.random.randint(frames.shape[1] - length + 1)
            height, width = frames.shape[2:4]
            top, left = np.random.randint(height - size + 1), np.random.randint(width - size + 1)
            if np.random.rand() < FACE_SHARE and size < height:
                x0, y0, x1, y1 = box[row, start].tolist()
                jitter = np.random.uniform(-0.25, 0.25, 2) * size
                left = int(np.clip((x0 + x1 - size) / 2 + jitter[0], 0, width - size))
                top = int(np.clip((y0 + y1 - size) / 2 + jitter[1], 0, height - size))
            run = slice(start, start + length)
            crops.append(frames[row, run, top : top + size, left : left + size])
            points.append(five[row, run] - np.array([left, top], np.float32))
        return {
            "pixels": torch.stack(crops),
            "five": torch.from_numpy(np.stack(points)).to(self.device, non_blocking=True),
        }
