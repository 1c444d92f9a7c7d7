"""dynamic_degree: whether the video moves at all, by RAFT's optical flow.

Recipe: VBench's vbench/dynamic_degree.py: every round(fps / 8)-th frame; per pair of these the mean length
of the longest 5 % of the flow's vectors, 20 iterations, at the video's own size; a pair moves where that is
more than 6 * (shorter side / 256) pixels; the video moves (1, else 0) where at least round(n / 4) pairs of
its n sampled frames do.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from stillmotion.errors import InputError
from stillmotion.evaluate.raft import SMALLEST, Raft
from stillmotion.evaluate.tensors import fill, read_tensors
from stillmotion.evaluate.types import Measured, Sample
from stillmotion.evaluate.weights import judge_file

FPS = 8
ITERATIONS = 20
LONGEST = 0.05
"""Share of the flow's vectors that count."""
THRESHOLD = 6.0
"""Pixels of motion at a shorter side of 256 from which a pair of frames counts as moving."""


@dataclass(eq=False)
class DynamicDegree:
    """``network``: (1, 3, H, W) twice in -1..1 and iterations -> flow (1, 2, H, W) in pixels."""

    network: Any
    device: str
    metrics: tuple[str, ...] = ("dynamic_degree",)

    @torch.inference_mode()
    def measure(self, sample: Sample) -> Measured:
        """1 or 0; the curve holds each sampled pair's motion in pixels, None for frames not sampled."""
        frames = sample.frames
        side = min(frames.shape[1:3])
        if side < SMALLEST or len(frames) < 2:
            raise InputError(
                f"{sample.path}: dynamic_degree needs two frames of at least {SMALLEST} pixels on each side"
            )
        indices = sampled(len(frames), sample.fps)
        curve: list[float | None] = [None] * len(frames)
        for before, index in pairwise(indices):
            curve[index] = self._motion(frames[before], frames[index])
        moving = sum(motion > THRESHOLD * side / 256 for motion in curve if motion is not None)
        degree = float(moves(moving, len(indices)))
        return Measured({self.metrics[0]: degree}, {self.metrics[0]: tuple(curve)})

    def _motion(self, first: Any, second: Any) -> float:
        """Mean length in pixels of the longest 5 % of the flow's vectors."""
        flow = self.network(self._picture(first), self._picture(second), ITERATIONS)
        lengths = flow[0].norm(dim=0).flatten()
        return float(lengths.topk(max(1, int(len(lengths) * LONGEST))).values.mean())

    def _picture(self, frame: Any) -> Tensor:
        """(H, W, 3) uint8 -> (1, 3, h, w) in -1..1, both sides made multiples of 8 by repeating the edges."""
        pixels = torch.tensor(frame, device=self.device).permute(2, 0, 1)[None].float() / 127.5 - 1
        height, width = -pixels.shape[2] % 8, -pixels.shape[3] % 8
        edges = (width // 2, width - width // 2, height // 2, height - height // 2)
        return functional.pad(pixels, edges, mode="replicate")


def sampled(count: int, fps: float) -> list[int]:
    """The frames looked at: about 8 of every second."""
    return list(range(0, count, max(1, round(fps / FPS))))


def moves(moving: int, frames: int) -> bool:
    """Whether so many moving pairs make a moving video of that many sampled frames.

    Of two frames VBench's rounding asks for no moving pair, and calls every such video moving; one is asked
    for here.
    """
    return moving >= max(1, round(4 * frames / 16))


def load(device: str) -> DynamicDegree:
    """The judge with RAFT's own weights; NotComputed where they are not on this machine."""
    return from_file(judge_file("raft-large"), device)


def from_file(path: Path, device: str) -> DynamicDegree:
    """The judge with RAFT's tensors of a safetensors file."""
    return DynamicDegree(fill(Raft(), read_tensors(path), path).to(device), device)
