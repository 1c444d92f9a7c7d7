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

    ``frames`` (N, T, H, W, 3) uint8 and ``box`` (N, T, 4), T = 1 for stills.
    """

    def __init__(self, folder: Path, device: torch.device, clips: bool, most: int = MOST_PICTURES) -> None:
        self.folder, self.device, self.kind = folder, device, "clips" if clips else "stills"
        self.most, self.read, self.parts = most, set[str](), list[tuple[Tensor, Tensor]]()
        while not self.parts:
            self.refresh()
            if not self.parts:
                time.sleep(0.5)

    def refresh(self, most_shards: int = 24) -> None:
        """Read at most so many of the shards that have appeared since."""
        fresh = [p for p in sorted(self.folder.glob(f"{self.kind}-*")) if p.name not in self.read]
        for path in fresh[:most_shards]:
            if sum(f.shape[0] * f.shape[1] for f, _ in self.parts) >= self.most:
                return
            shard = read_shard(path)
            frames, box = torch.from_numpy(np.array(shard.frames)), torch.from_numpy(np.array(shard.box))
            if self.kind == "stills":
                frames, box = frames[:, None], box[:, None]
            self.parts.append(
                (frames.to(self.device), box.to(self.device).float().reshape(*frames.shape[:2], 4))
            )
            self.read.add(path.name)

    def still_crops(self, count: int, size: int) -> Tensor:
        """(count, size, size, 3) uint8 crops of random stills."""
        return self._crops(count, 1, size)[:, 0]

    def clip_crops(self, count: int, length: int, size: int) -> Tensor:
        """(count, length, size, size, 3) uint8 crops of random runs of ``length`` frames."""
        return self._crops(count, length, size)

    def _crops(self, count: int, length: int, size: int) -> Tensor:
        shares = np.array([len(f) for f, _ in self.parts], np.float64)
        chosen = np.random.choice(len(self.parts), count, p=shares / shares.sum())
        crops = []
        for part in chosen:
            frames, box = self.parts[part]
            row = np.random.randint(len(frames))
            start = np.random.randint(frames.shape[1] - length + 1)
            height, width = frames.shape[2:4]
            top, left = np.random.randint(height - size + 1), np.random.randint(width - size + 1)
            if np.random.rand() < FACE_SHARE and size < height:
                x0, y0, x1, y1 = self._corners(box, row, start)
                jitter = np.random.uniform(-0.25, 0.25, 2) * size
                left = int(np.clip((x0 + x1 - size) / 2 + jitter[0], 0, width - size))
                top = int(np.clip((y0 + y1 - size) / 2 + jitter[1], 0, height - size))
            crops.append(frames[row, start : start + length, top : top + size, left : left + size])
        return torch.stack(crops)

    def _corners(self, box: Tensor, row: int, start: int) -> list[float]:
        key = id(box)
        if not hasattr(self, "_boxes"):
            self._boxes: dict[int, np.ndarray] = {}
        if key not in self._boxes:
            self._boxes[key] = box.cpu().numpy()
        corners: list[float] = self._boxes[key][row, start].tolist()
        return corners
