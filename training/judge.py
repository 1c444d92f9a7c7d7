"""Train the judge of words on the world alone, and say how well it judges people it never saw.

    python -m training.judge --data D --out DIR --seconds S [--resume] [--part FROM TO]
    python -m training.judge evaluate --judge DIR [--identities 100] [--clips 3]

``D`` is a folder of shards. What a shard's pictures show follows from their jobs. Clips teach everything,
stills the attributes and the pose; to read actions from what moves is rehearsed besides, on clips that nobody
drew. Half of all is mirrored. Leaves the averaged weights in bfloat16 with the names that they tell.
"""

from __future__ import annotations

import argparse
import math
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
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
    whole_or_part,
)
from training.judge_augment import Mirror, hidden, worn
from training.judge_moments import MOMENTS, changes, misread, moments_of
from training.judge_network import (
    DEEDS,
    FRAMES,
    GROUPS,
    HEADS,
    Judge,
    JudgeNetwork,
    evenly,
    shrunk,
    write_judge,
)
from training.world.actions import actions_of
from training.world.jobs import Job, suited, truth_of
from training.world.people import HELD_OUT
from training.world.scenes import scene_of
from training.world.shards import read_shard
from training.world.truth import labels

UNKNOWN = -1
"""The label of what a picture does not tell: a still's action."""
DEED_WEIGHT = 4.0
"""The loss of each action counts so much: there are 31 of them, and each is shown in three clips of a
hundred."""
NAMES_WEIGHT = 6.0
"""The loss of the names counts so much: at 1 each attribute has a thirtieth of what the moments have, and is
not learnt through."""
MOMENTS_WEIGHT = 4.0
"""The loss of the moments counts so much: it is what holds for people never seen."""
SMOOTHING = 0.05
SEQUENCES = 0.6
"""Share of the rehearsed clips that have two actions: there are 900 pairs of them."""
SCENES = 500
"""Scenes among which rehearsed clips take place; little of a scene is seen in what moves."""
RATE = 1e-3


@dataclass(frozen=True)
class Told:
    """What is true, on the device: ``labels`` (N, HEADS) and ``moments`` (N, T, MOMENTS)."""

    labels: Tensor
    moments: Tensor


@dataclass(frozen=True)
class Shown(Told):
    """Pictures besides: ``frames`` (N, T, 3, SIDE, SIDE) uint8."""

    frames: Tensor


def labels_of(job: Job, view: int = 0) -> list[int]:
    """What a job's clip, or one ``view`` of its stills, shows: the place in each of HEADS, in their order."""
    truth = truth_of(job)
    names = labels(truth.person, truth.scenes[view], truth.actions)
    told = {head: values.index(names[head]) for head, values in HEADS.items()}
    if job.kind == "stills":
        told |= dict.fromkeys(DEEDS, UNKNOWN)
    return list(told.values())


def _moments(job: Job, view: int, count: int) -> NDArray[np.float32]:
    """What moves in a job's clip of ``count`` frames, in those that are seen, or in one ``view``: 1 frame."""
    truth = truth_of(job)
    moments = moments_of(truth.scenes[view], truth.actions, count)
    return moments if count in (1, FRAMES) else moments[evenly(count)]


def _read(path: Path) -> tuple[NDArray[np.uint8], NDArray[np.int64], NDArray[np.float32]]:
    """The pictures (N, T, H, W, 3), labels and moments of a shard's training persons."""
    shard = read_shard(path)
    rows = [row for row, job in enumerate(shard.jobs) if job.person not in HELD_OUT]
    # Copied whole, so that the reading itself happens here, beside the other threads.
    frames = np.array(shard.frames)
    frames = frames if len(rows) == len(frames) else frames[rows]
    if frames.ndim == 4:
        frames = frames[:, None]
    count = frames.shape[1]
    if count not in (1, FRAMES):
        frames = frames[:, evenly(count)]
    told = [labels_of(shard.jobs[row], shard.views[row]) for row in rows]
    moved = [_moments(shard.jobs[row], shard.views[row], count) for row in rows]
    labels = np.array(told, np.int64).reshape(len(rows), len(HEADS))
    return frames, labels, np.array(moved, np.float32).reshape(*frames.shape[:2], len(MOMENTS))


def load(folder: Path, kind: str, device: torch.device, most: int) -> Shown | None:
    """All 'clips' or 'stills' of a folder of shards, at most about ``most``; None where there are none."""
    frames: list[Tensor] = []
    told: list[Tensor] = []
    moved: list[Tensor] = []
    for pictures, names, moments in ahead(sorted(folder.glob(f"{kind}-*")), _read):
        if len(names):
            flat = torch.from_numpy(pictures).to(device).flatten(0, 1)
            frames.append(
                torch.cat([shrunk(part) for part in flat.split(256)]).unflatten(0, (len(names), -1))
            )
            told.append(torch.from_numpy(names).to(device))
            moved.append(torch.from_numpy(moments).to(device))
        if sum(map(len, told)) >= most:
            break
    return Shown(torch.cat(told), torch.cat(moved), torch.cat(frames)) if told else None


def rehearsals(count: int, device: torch.device, seed: int = 0) -> Told:
    """What moves in clips that nobody drew, and its names: of no other heads than the actions."""
    seeds = np.random.default_rng([72_606, seed]).integers(0, 2**31, count)  # below those that evaluate
    scenes = [scene_of(int(s)) for s in seeds[:SCENES]]
    moments, labels = [], []
    for number, place in enumerate(seeds):
        actions = actions_of(int(place), SEQUENCES)
        moments.append(moments_of(suited(scenes[number % len(scenes)], actions), actions, FRAMES))
        names = [action.name for action in actions]
        deeds = dict(zip(DEEDS, [*names, "none"], strict=False))
        labels.append([v.index(deeds[head]) if head in deeds else UNKNOWN for head, v in HEADS.items()])
    return Told(torch.tensor(labels, device=device), torch.from_numpy(np.stack(moments)).to(device))


def balance(told: Tensor) -> list[Tensor]:
    """For each head a weight for each of its values: the inverse root of how often it is shown, 4 at most.

    Actions weigh the same: they are about as frequent as each other, and a second one that counts more than
    none is soon seen where there is none. That sequences are learnt is what rehearsals are for.
    """
    weights = []
    for column, (head, values) in zip(told.unbind(1), HEADS.items(), strict=True):
        if head in DEEDS:
            weights.append(torch.ones(len(values), device=told.device))
            continue
        counts = torch.bincount(column[column != UNKNOWN], minlength=len(values)).float()
        weight = (counts.sum() / (len(values) * counts.clamp(min=1))).sqrt().clamp(max=4.0)
        weights.append(torch.where(counts > 0, weight, torch.ones_like(weight)))
    return weights


def entropy(logits: Tensor, truth: Tensor, weight: Tensor) -> Tensor:
    """The weighted and smoothed cross entropy. torch's own, where it does both, picks rows by a mask: a step
    with it is never captured.
    """
    chances = logits.float().log_softmax(1)
    hit = chances.gather(1, truth[:, None])[:, 0]
    each = weight[truth]
    return -(each * torch.lerp(hit, chances.mean(1), SMOOTHING)).sum() / each.sum()


def losses(
    logits: dict[str, Tensor], told: Tensor, weights: Sequence[Tensor]
) -> tuple[Tensor, dict[str, Tensor]]:
    """The mean over heads of their cross entropies, each 1 for a blind guess, and each head's accuracy."""
    total, parts, right = 0.0, [], {}
    for place, (head, values) in enumerate(HEADS.items()):
        if head not in logits:
            continue
        truth, importance = told[:, place], DEED_WEIGHT if head in DEEDS else 1.0
        parts.append(entropy(logits[head], truth, weights[place]) / math.log(len(values)) * importance)
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


class Telling:
    """How badly moments are told: 1 for who tells of each the mean, and of each change that there is none."""

    LEAST = 0.02
    """What hardly ever moves does not count without bound."""

    def __init__(self, moments: Tensor) -> None:
        """``moments`` (N, T, MOMENTS): of all that will be told."""
        mean = moments.mean((0, 1)).expand_as(moments)
        self.still = self._wrong(mean, moments).clamp(min=self.LEAST)
        moved = changes(moments)
        self.moved = self._wrong(torch.zeros_like(moved), moved).clamp(min=self.LEAST)

    @staticmethod
    def _wrong(said: Tensor, true: Tensor) -> Tensor:
        return F.smooth_l1_loss(said, true, reduction="none").mean((0, 1))

    def __call__(self, said: Tensor, true: Tensor) -> tuple[Tensor, Tensor]:
        """Of moments said (B, T, MOMENTS), and of their changes alone."""
        said = said.float()
        still = (self._wrong(said, true) / self.still).mean()
        return still, (self._wrong(changes(said), changes(true)) / self.moved).mean()


class Lesson:
    """What `Stepper` asks for: the loss of a batch of rows, ``{"clips": (B,), "stills": (B,)}`` and those of
    "rehearsals", whose moments are given and need no pictures.
    """

    def __init__(self, network: JudgeNetwork, data: dict[str, Told], dtype: torch.dtype) -> None:
        self.network, self.data, self.dtype = network, data, dtype
        shown = [told for told in data.values() if isinstance(told, Shown)]
        self.weights = balance(torch.cat([told.labels for told in shown]))
        self.telling = {kind: Telling(told.moments) for kind, told in data.items() if isinstance(told, Shown)}
        self.mirror = Mirror(shown[0].labels.device)

    def draw(self, batch: dict[str, int]) -> dict[str, Tensor]:
        """Random rows of each kind."""
        return {
            kind: torch.from_numpy(np.random.randint(0, len(told.labels), batch[kind])).to(told.labels.device)
            for kind, told in self.data.items()
        }

    def __call__(self, key: object, rows: dict[str, Tensor]) -> tuple[Tensor, dict[str, Tensor]]:
        """The loss and the figures; clips count as much as stills do, and theirs are the figures."""
        named: list[Tensor] = []
        moved: list[Tensor] = []
        figures: dict[str, Tensor] = {}
        for kind in sorted(rows, reverse=True):  # stills first: where both tell, the clips' figures stay
            shown = self.data[kind]
            if not isinstance(shown, Shown):
                continue
            part, wrong, right = self._shown(kind, shown, rows[kind])
            named.append(part)
            moved.append(wrong)
            figures |= right
        loss = NAMES_WEIGHT * torch.stack(named).mean() + MOMENTS_WEIGHT * torch.stack(moved).mean()
        if "rehearsals" in rows:
            rehearsed, right = self._rehearsed(self.data["rehearsals"], rows["rehearsals"])
            loss, figures = loss + rehearsed, figures | right
        return loss, {"loss": loss, **figures}

    def _shown(self, kind: str, shown: Shown, rows: Tensor) -> tuple[Tensor, Tensor, dict[str, Tensor]]:
        """The losses of names and of moments, and the figures, of some pictures, half of them mirrored."""
        with torch.no_grad():
            turned = torch.rand(rows.shape, device=rows.device) < 0.5
            frames, labels, moments = self.mirror(
                turned, shown.frames[rows], shown.labels[rows], shown.moments[rows]
            )
            clips = worn(hidden(frames.float() / 255)) * 2 - 1
        logits, said = self.network.told(clips.to(self.dtype))
        named, right = losses(logits, labels, self.weights)
        still, changed = self.telling[kind](said, moments)
        wrong = (still + changed) / 2 if moments.shape[1] > 1 else still
        return named, wrong, figures_of(right) | {"moments": changed if moments.shape[1] > 1 else still}

    def _rehearsed(self, told: Told, rows: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """The loss and the accuracy of reading true moments, told as badly as a network may tell them."""
        with torch.no_grad():
            turned = torch.rand(rows.shape, device=rows.device) < 0.5
            labels = self.mirror.labels(turned, told.labels[rows])
            moments = misread(self.mirror.moments(turned, told.moments[rows]))
        loss, right = losses(self.network.reader(moments.to(self.dtype)), labels, self.weights)
        return loss, {"rehearsed": torch.stack([right[head] for head in DEEDS]).mean()}


def train(
    data: dict[str, Told], out: Path, clock: Clock, team: Team, batch: dict[str, int], resume: bool = False
) -> None:
    """Train until the clock ends; leaves the judge in ``out`` and its curve beside it.

    Raises `training.common.NonFiniteLossError` soon after the first loss that is not a number.
    """
    device = team.device
    network = Judge(out).network if resume else JudgeNetwork()
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
        samples += team.size * sum(batch[kind] for kind, told in data.items() if isinstance(told, Shown))
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
    parser.add_argument("--clips", type=int, default=24, help="clips in a batch")
    parser.add_argument("--stills", type=int, default=320, help="stills in a batch")
    parser.add_argument("--rehearsals", type=int, default=256, help="undrawn clips in a batch")
    parser.add_argument("--most-clips", type=int, default=20_000, help="clips kept; 1.3 MB each")
    parser.add_argument("--most-stills", type=int, default=60_000, help="stills kept; 77 kB each")
    parser.add_argument("--most-rehearsals", type=int, default=12_000, help="undrawn clips kept")
    whole_or_part(parser)
    args = parser.parse_args(arguments)
    team = Team(args.device)
    team.seed(0)
    torch.set_float32_matmul_precision("high")
    most = {"clips": args.most_clips, "stills": args.most_stills}
    found = {kind: load(args.data, kind, team.device, count) for kind, count in most.items()}
    data: dict[str, Told] = {kind: shown for kind, shown in found.items() if shown is not None}
    if "clips" not in data:
        raise SystemExit(
            f"--data: {args.data}: no clips of training persons; python -m training.world render"
        )
    data["rehearsals"] = rehearsals(args.most_rehearsals, team.device, team.rank)
    counts = ", ".join(f"{len(shown.labels)} {kind}" for kind, shown in data.items())
    print(f"judge: {counts}, {time.monotonic() - began:.1f} s", flush=True)
    clock = Clock(args.seconds, began, team, part=tuple(args.part))
    batch = {"clips": args.clips, "stills": args.stills, "rehearsals": args.rehearsals}
    train(data, args.out, clock, team, batch, args.resume)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
