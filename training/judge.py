"""Train the judge of words on the world alone, and say how well it judges people it never saw.

    python -m training.judge --data D --out DIR --seconds S [--resume] [--part FROM TO]
    python -m training.judge evaluate --judge DIR [--identities 100] [--clips 3]

``D`` is a folder of shards. What a shard's pictures show follows from their jobs. Clips teach everything,
stills the attributes. Leaves the averaged weights in bfloat16 with the names that they tell.
"""

from __future__ import annotations

import argparse
import math
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from training.common import (
    Averaged,
    Clock,
    Curve,
    Meter,
    Saves,
    Stepper,
    Team,
    ahead,
    load_tensors,
    whole_or_part,
)
from training.judge_augment import worn
from training.judge_network import DEEDS, FRAMES, GROUPS, HEADS, JudgeNetwork, evenly, shrunk, write_judge
from training.world.jobs import Job, truth_of
from training.world.people import HELD_OUT
from training.world.shards import read_shard
from training.world.truth import labels

UNKNOWN = -1
"""The label of what a picture does not tell: a still's action."""
DEED_WEIGHT = 8.0
"""The loss of each action counts so much: there are 31 of them, and each is shown in three clips of a
hundred."""
RATE = 1e-3


@dataclass(frozen=True)
class Shown:
    """Pictures on the device: ``frames`` (N, T, 3, SIDE, SIDE) uint8 and ``labels`` (N, heads)."""

    frames: Tensor
    labels: Tensor


_truth = lru_cache(64)(truth_of)
"""A job's stills follow each other, and share it."""


def labels_of(job: Job, view: int = 0) -> list[int]:
    """What a job's clip, or one ``view`` of its stills, shows: the place in each of HEADS, in their order."""
    truth = _truth(job)
    names = labels(truth.person, truth.scenes[view], truth.actions)
    told = {head: values.index(names[head]) for head, values in HEADS.items()}
    if job.kind == "stills":
        told |= dict.fromkeys(DEEDS, UNKNOWN)
    return list(told.values())


def _read(path: Path) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """The pictures (N, T, H, W, 3) and labels of a shard's training persons."""
    shard = read_shard(path)
    rows = [row for row, job in enumerate(shard.jobs) if job.person not in HELD_OUT]
    # Copied whole, so that the reading itself happens here, beside the other threads.
    frames = np.array(shard.frames)
    frames = frames if len(rows) == len(frames) else frames[rows]
    if frames.ndim == 4:
        frames = frames[:, None]
    elif frames.shape[1] != FRAMES:
        frames = frames[:, evenly(frames.shape[1])]
    told = [labels_of(shard.jobs[row], shard.views[row]) for row in rows]
    return frames, np.array(told, np.int64).reshape(len(rows), len(HEADS))


def load(folder: Path, kind: str, device: torch.device, most: int) -> Shown | None:
    """All 'clips' or 'stills' of a folder of shards, at most about ``most``; None where there are none."""
    frames: list[Tensor] = []
    told: list[Tensor] = []
    for pictures, names in ahead(sorted(folder.glob(f"{kind}-*")), _read):
        if len(names):
            flat = torch.from_numpy(pictures).to(device).flatten(0, 1)
            frames.append(
                torch.cat([shrunk(part) for part in flat.split(256)]).unflatten(0, (len(names), -1))
            )
            told.append(torch.from_numpy(names).to(device))
        if sum(map(len, told)) >= most:
            break
    return Shown(torch.cat(frames), torch.cat(told)) if told else None


def balance(told: Tensor) -> list[Tensor]:
    """For each head a weight for each of its values: the inverse root of how often it is shown, 4 at most."""
    weights = []
    for column, values in zip(told.unbind(1), HEADS.values(), strict=True):
        counts = torch.bincount(column[column != UNKNOWN], minlength=len(values)).float()
        weight = (counts.sum() / (len(values) * counts.clamp(min=1))).sqrt().clamp(max=4.0)
        weights.append(torch.where(counts > 0, weight, torch.ones_like(weight)))
    return weights


def losses(
    logits: dict[str, Tensor], told: Tensor, weights: Sequence[Tensor]
) -> tuple[Tensor, dict[str, Tensor]]:
    """The mean over heads of their cross entropies, each 1 for a blind guess, and each head's accuracy."""
    total, parts, right = 0.0, [], {}
    for place, (head, values) in enumerate(HEADS.items()):
        if head not in logits:
            continue
        truth, importance = told[:, place], DEED_WEIGHT if head in DEEDS else 1.0
        entropy = F.cross_entropy(logits[head].float(), truth, weights[place])
        parts.append(entropy / math.log(len(values)) * importance)
        total += importance
        right[head] = (logits[head].argmax(1) == truth).float().mean()
    return torch.stack(parts).sum() / total, right


def figures_of(right: dict[str, Tensor]) -> dict[str, Tensor]:
    """Mean accuracy of each of GROUPS that was told."""
    return {
        group: torch.stack([right[head] for head in heads]).mean()
        for group, heads in GROUPS.items()
        if heads[0] in right
    }


class Lesson:
    """What `Stepper` asks for: the loss of a batch of rows, ``{"clips": (B,), "stills": (B,)}``."""

    def __init__(self, network: JudgeNetwork, data: dict[str, Shown], dtype: torch.dtype) -> None:
        self.network, self.data, self.dtype = network, data, dtype
        self.weights = balance(torch.cat([shown.labels for shown in data.values()]))

    def draw(self, batch: dict[str, int]) -> dict[str, Tensor]:
        """Random rows of each kind."""
        return {
            kind: torch.from_numpy(np.random.randint(0, len(shown.labels), batch[kind])).to(
                shown.labels.device
            )
            for kind, shown in self.data.items()
        }

    def __call__(self, key: object, rows: dict[str, Tensor]) -> tuple[Tensor, dict[str, Tensor]]:
        """The loss and the figures; clips count as much as stills do, and theirs are the figures."""
        parts: list[Tensor] = []
        figures: dict[str, Tensor] = {}
        for kind in sorted(rows, reverse=True):  # stills first: where both tell, the clips' figures stay
            shown = self.data[kind]
            with torch.no_grad():
                clips = worn(shown.frames[rows[kind]].float() / 255) * 2 - 1
            part, right = losses(self.network(clips.to(self.dtype)), shown.labels[rows[kind]], self.weights)
            parts.append(part)
            figures |= figures_of(right)
        loss = torch.stack(parts).mean()
        return loss, {"loss": loss, **figures}


def train(
    data: dict[str, Shown], out: Path, clock: Clock, team: Team, batch: dict[str, int], resume: bool = False
) -> None:
    """Train until the clock ends; leaves the judge in ``out`` and its curve beside it.

    Raises `training.common.NonFiniteLossError` soon after the first loss that is not a number.
    """
    device = team.device
    network = JudgeNetwork()
    if resume:
        network.load_state_dict(load_tensors(out / "judge.safetensors"))
    network.to(device).train()
    half = device.type == "cuda"
    stepper = Stepper(
        Lesson(network, data, torch.bfloat16 if half else torch.float32),
        [([network], RATE)],
        clock,
        device,
        team,
        half=half,
    )
    lesson: Lesson = stepper.loss_of  # type: ignore[assignment]
    mean = Averaged(stepper.parameters, 0.998, stepper.masters)
    curve, meter, saves = Curve(out / "judge.csv", team), Meter(), Saves(team)
    samples = 0
    while clock.running() or stepper.steps == 0:
        meter.add(**stepper("judge", lesson.draw(batch)))
        mean.update()
        samples += team.size * sum(batch[kind] for kind in data)
        if curve.due(stepper.steps):
            curve.log(stepper.steps, samples, **meter.read())
        if saves.due():
            with mean.applied():
                write_judge(network, out)
    if meter.count:
        curve.log(stepper.steps, samples, **meter.read())
    if team.leads:
        with mean.applied():
            write_judge(network, out)
    team.end()


def main(arguments: list[str] | None = None) -> int:
    """Read the command line, and train or evaluate."""
    began = time.monotonic()
    arguments = sys.argv[1:] if arguments is None else arguments
    if arguments[:1] == ["evaluate"]:
        from training.judge_evaluate import main as evaluation

        return evaluation(arguments[1:])
    parser = argparse.ArgumentParser(
        prog="python -m training.judge", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--data", type=Path, required=True, help="folder of shards")
    parser.add_argument("--out", type=Path, required=True, help="the judge's folder")
    parser.add_argument("--clips", type=int, default=40, help="clips in a batch")
    parser.add_argument("--stills", type=int, default=96, help="stills in a batch")
    parser.add_argument("--most-clips", type=int, default=20_000, help="clips kept; 1.3 MB each")
    parser.add_argument("--most-stills", type=int, default=20_000, help="stills kept")
    whole_or_part(parser)
    args = parser.parse_args(arguments)
    team = Team(args.device)
    team.seed(0)
    torch.set_float32_matmul_precision("high")
    most = {"clips": args.most_clips, "stills": args.most_stills}
    found = {kind: load(args.data, kind, team.device, count) for kind, count in most.items()}
    data = {kind: shown for kind, shown in found.items() if shown is not None}
    if "clips" not in data:
        raise SystemExit(
            f"--data: {args.data}: no clips of training persons; python -m training.world render"
        )
    counts = ", ".join(f"{len(shown.labels)} {kind}" for kind, shown in data.items())
    print(f"judge: {counts}, {time.monotonic() - began:.1f} s", flush=True)
    clock = Clock(args.seconds, began, team, part=tuple(args.part))
    train(data, args.out, clock, team, {"clips": args.clips, "stills": args.stills}, args.resume)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
