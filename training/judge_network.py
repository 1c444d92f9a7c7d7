"""The judge of words: names what a clip shows, for every label that a prompt can ask for.

Trained on the world alone (`training.judge`), it says whether what was asked for is there. A two-dimensional
trunk looks at each frame beside what has changed since the first, the scene at rest; at every scale each
place is mixed with the same place a frame before, a frame after and in the first. Attributes are told from
the first frame and the mean of all. Of each frame it is told what has moved and how far
(`training.judge_moments`), and from nothing but that a small transformer reads the two actions, by one
learned question each: what makes one clip unlike all others does not get through. Nothing here trains or
draws.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from training.common import load_tensors, save_tensors, write_json
from training.judge_moments import MOMENTS, changes
from training.world.actions import ACTIONS
from training.world.people import BEARDS, HAIR_COLOURS, HAIR_STYLES
from training.world.scenes import (
    CLOTHES,
    COLOURS,
    EXPRESSIONS,
    FRAMINGS,
    GAZES,
    LIGHTS,
    PLACES,
    STUDIO_COLOURS,
    VIEWS,
)

SIDE = 160
"""Side of the pictures that the judge sees: at 112 pixels a glance moves an iris by one and a half."""
FRAMES = 17
HEADS: dict[str, tuple[str, ...]] = {
    "gender": ("man", "woman"),
    "age": ("young", "middle-aged", "elderly"),
    "hair style": HAIR_STYLES,
    "hair colour": ("none", *HAIR_COLOURS),
    "beard": BEARDS,
    "glasses": ("none", "glasses"),
    "clothing": CLOTHES,
    "colour": tuple(COLOURS),
    "pattern": ("plain", "striped", "checked", "dotted"),
    "place": PLACES,
    "studio colour": ("none", *STUDIO_COLOURS),
    "light": LIGHTS,
    "framing": FRAMINGS,
    "expression": EXPRESSIONS,
    "view": VIEWS,
    "gaze": GAZES,
    "action": tuple(ACTIONS),
    "second action": ("none", *(name for name in ACTIONS if name != "still")),
}
"""Names of `training.world.truth.labels` and the values that each can have."""
GROUPS: dict[str, tuple[str, ...]] = {
    "person": ("gender", "age", "hair style", "hair colour", "beard", "glasses"),
    "clothes": ("clothing", "colour", "pattern"),
    "setting": ("place", "studio colour", "light"),
    "pose": ("framing", "expression", "view", "gaze"),
    "action": ("action",),
    "second": ("second action",),
}
"""Heads whose accuracies are logged as one figure."""
DEEDS = ("action", "second action")
WIDTHS = (32, 64, 112, 160, 208)
TOKEN = 160
LAYOUTS = {-2: 16, -1: 40}
"""Channels in which a frame's token still knows each place, for the two coarsest scales: where eyes and mouth
are is seen in the finer one."""
READER = 96
DROPOUT = 0.1
UNSTEADY = 0.25
"""Noise on the told moments while training, in their units: nothing can be hidden in their last digits."""
FORMAT = "stillmotion-judge"
VERSION = 2


class Block(nn.Module):
    """Two convolutions beside a shortcut."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norms = nn.ModuleList(nn.GroupNorm(8, width) for _ in range(2))
        self.convolutions = nn.ModuleList(nn.Conv2d(width, width, 3, padding=1) for _ in range(2))

    def forward(self, x: Tensor) -> Tensor:
        y = x
        for norm, convolution in zip(self.norms, self.convolutions, strict=True):
            y = convolution(F.silu(norm(y)))
        return x + y


class Neighbours(nn.Module):
    """Mixes each place (B T, C, H, W) with itself one frame before, one after and in the first frame.

    The ends repeat themselves.
    A clip of one frame is treated as a clip of that frame repeated.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.GroupNorm(8, width)
        self.taps = nn.Parameter(torch.randn(4, width, 1, 1) * 0.5)
        self.out = nn.Conv2d(width, width, 1)

    def forward(self, x: Tensor, frames: int) -> Tensor:
        y = self.norm(x).unflatten(0, (-1, frames))
        before = torch.cat([y[:, :1], y[:, :-1]], 1)
        after = torch.cat([y[:, 1:], y[:, -1:]], 1)
        mixed = before * self.taps[0] + y * self.taps[1] + after * self.taps[2] + y[:, :1] * self.taps[3]
        return x + self.out(F.silu(mixed.flatten(0, 1)))


class Reader(nn.Module):
    """Moments (B, FRAMES, MOMENTS) to the logits of the actions, a dictionary by head."""

    def __init__(self, heads: Mapping[str, int]) -> None:
        super().__init__()
        self.entry = nn.Linear(2 * len(MOMENTS), READER)
        self.moment = nn.Parameter(torch.randn(FRAMES, READER) * 0.02)
        layer = nn.TransformerEncoderLayer(
            READER, 4, 2 * READER, DROPOUT, activation="gelu", batch_first=True, norm_first=True
        )
        layer.self_attn.dropout = 0.0  # between the layers is enough, and kernels for it differ by machine
        self.order = nn.TransformerEncoder(layer, 2, nn.LayerNorm(READER), enable_nested_tensor=False)
        self.questions = nn.Parameter(torch.randn(len(DEEDS), READER) * 0.1)
        self.deeds = nn.ModuleList(nn.Linear(READER, heads[name]) for name in DEEDS)

    def forward(self, moments: Tensor) -> dict[str, Tensor]:
        # A third: what is told is mostly between -3 and 3.
        told = self.order(self.entry(torch.cat([moments, changes(moments)], 2) / 3) + self.moment)
        attention = (told @ self.questions.T / READER**0.5).softmax(1)  # (B, T, questions)
        answers = attention.mT @ told
        return {
            name: head(answers[:, i]) for i, (name, head) in enumerate(zip(DEEDS, self.deeds, strict=True))
        }


class JudgeNetwork(nn.Module):
    """Clips (B, T, 3, SIDE, SIDE) in -1..1 to logits by head; without the actions where T is not FRAMES."""

    def __init__(self, heads: Mapping[str, tuple[str, ...]] = HEADS) -> None:
        super().__init__()
        self.heads = {name: len(values) for name, values in heads.items()}
        self.stem = nn.Conv2d(6, WIDTHS[0], 3, stride=2, padding=1)
        steps = list(pairwise(WIDTHS))
        self.downs = nn.ModuleList(nn.Conv2d(a, b, 3, stride=2, padding=1) for a, b in steps)
        self.norms = nn.ModuleList(nn.GroupNorm(8, a) for a, _ in steps)
        self.blocks = nn.ModuleList(Block(b) for _, b in steps)
        self.neighbours = nn.ModuleList(Neighbours(b) for _, b in steps)
        self.last = nn.GroupNorm(8, WIDTHS[-1])
        self.pooled = nn.Linear(WIDTHS[-1], TOKEN)
        self.layouts = nn.ModuleList(nn.Conv2d(WIDTHS[at], n, 1) for at, n in LAYOUTS.items())
        sides = [SIDE >> len(WIDTHS) + 1 + at for at in LAYOUTS]
        self.places = nn.ModuleList(
            nn.Linear(n * side**2, TOKEN) for n, side in zip(LAYOUTS.values(), sides, strict=True)
        )
        self.attributes_norm = nn.LayerNorm(2 * TOKEN)
        self.attributes = nn.Linear(2 * TOKEN, sum(n for name, n in self.heads.items() if name not in DEEDS))
        self.moments = nn.Sequential(
            nn.LayerNorm(2 * TOKEN), nn.Linear(2 * TOKEN, 2 * TOKEN), nn.GELU(), nn.Dropout(DROPOUT),
            nn.Linear(2 * TOKEN, len(MOMENTS)),
        )  # fmt: skip
        self.reader = Reader(self.heads)
        self.dropout = nn.Dropout(DROPOUT)

    def forward(self, clips: Tensor) -> dict[str, Tensor]:
        return self.told(clips)[0]

    def told(self, clips: Tensor) -> tuple[dict[str, Tensor], Tensor]:
        """The logits, and what has moved in each frame: (B, T, MOMENTS)."""
        tokens = self.tokens(clips)
        seen = self.dropout(self.attributes_norm(torch.cat([tokens[:, 0], tokens.mean(1)], 1)))
        sizes = {name: n for name, n in self.heads.items() if name not in DEEDS}
        logits = dict(zip(sizes, self.attributes(seen).split(list(sizes.values()), 1), strict=True))
        moments = self.moments(torch.cat([tokens, tokens[:, :1].expand_as(tokens)], 2))
        if tokens.shape[1] == FRAMES:
            noise = UNSTEADY * torch.randn_like(moments) if self.training else 0
            logits |= self.reader(moments + noise)
        return logits, moments

    def tokens(self, clips: Tensor) -> Tensor:
        """What is seen in each frame, (B, T, TOKEN)."""
        frames = clips.shape[1]
        x = self.stem(torch.cat([clips, clips - clips[:, :1]], 2).flatten(0, 1))
        scales = []
        for norm, down, block, neighbours in zip(
            self.norms, self.downs, self.blocks, self.neighbours, strict=True
        ):
            x = neighbours(block(down(F.silu(norm(x)))), frames)
            scales.append(x)
        x = F.silu(self.last(x))
        scales[-1] = x
        tokens = self.pooled(x.mean((2, 3)))
        for at, layout, places in zip(LAYOUTS, self.layouts, self.places, strict=True):
            tokens = tokens + places(layout(scales[at]).flatten(1))
        return tokens.unflatten(0, (-1, frames))


def evenly(count: int) -> NDArray[np.int64]:
    """Which FRAMES of ``count`` frames the judge sees: all of 17, evenly spread of others."""
    return np.linspace(0, count - 1, FRAMES).round().astype(np.int64)


def shrunk(frames: Tensor) -> Tensor:
    """Pictures (N, H, W, 3) uint8 as the judge keeps them: (N, 3, SIDE, SIDE) uint8."""
    pixels = frames.permute(0, 3, 1, 2).float()
    if pixels.shape[2:] != (SIDE, SIDE):
        pixels = F.interpolate(pixels, (SIDE, SIDE), mode="bilinear", antialias=True)
    return pixels.round().clamp(0, 255).to(torch.uint8)


class Judge:
    """A trained judge, as `write_judge` leaves it in a folder."""

    def __init__(self, folder: Path, device: str = "cpu") -> None:
        """FileNotFoundError where there is none, ValueError for the files of something else."""
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        if any(config.get(name) != value for name, value in _kind().items()):
            raise ValueError(f"{folder}: holds no judge of this version")
        self.heads = {name: tuple(values) for name, values in config["heads"].items()}
        self.network = JudgeNetwork(self.heads)
        self.network.load_state_dict(load_tensors(folder / "judge.safetensors"))
        self.network.to(device).eval()
        self.device = device

    @torch.inference_mode()
    def logits(self, clips: Tensor) -> dict[str, Tensor]:
        """Clips (B, T, 3, SIDE, SIDE) uint8 to logits by head."""
        return self.network(clips.to(self.device).float() / 127.5 - 1)

    def __call__(self, frames: NDArray[np.uint8]) -> dict[str, str]:
        """What a video (T, H, W, 3) uint8 of any length shows, by head."""
        chosen = torch.from_numpy(np.ascontiguousarray(frames[evenly(len(frames))]))
        logits = self.logits(shrunk(chosen)[None])
        return {name: self.heads[name][int(values.argmax())] for name, values in logits.items()}


def _kind() -> dict[str, Any]:
    """What must be the same in a judge's file and here."""
    return {"format": FORMAT, "version": VERSION, "side": SIDE, "frames": FRAMES, "moments": list(MOMENTS)}


def write_judge(network: JudgeNetwork, folder: Path) -> None:
    """Weights in bfloat16 and the names of what they tell."""
    save_tensors(network.state_dict(), folder / "judge.safetensors")
    write_json(
        {**_kind(), "heads": {name: list(HEADS[name]) for name in network.heads}}, folder / "config.json"
    )
