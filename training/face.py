"""Trains mini's face analyzer: the detector (faces, landmarks, matte) and the recogniser.

    python -m training.face --data DIR_of_shards --out checkpoints/face --seconds S [--resume] [--device cuda]
    python -m training.face --judge 1 --data DIR_of_shards --out checkpoints/face --seconds S
    python -m training.face evaluate --analyzer checkpoints/face/analyzer

One process, one device. The pictures lie on the device as bytes; every batch is made difficult there
(`face_augment`). Both networks are trained one after the other, their weights averaged, their normalisation
measured again for the averaged weights and melted into the convolutions; the result is the folder
``OUT/analyzer`` that `stillmotion.identity` loads. At the end pictures of held-out persons are drawn: they
calibrate the similarity at which two pictures are said to show one person, and say how good the analyzer is.
"""

from __future__ import annotations

import argparse
import csv
import json
import multiprocessing
import os
import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from stillmotion.identity.geometry import ARCFACE_FIVE, HEAD_FIVE
from stillmotion.identity.networks import EMBEDDING_DIM, Detector, Recogniser, fold
from training.common import (
    Averaged,
    Clock,
    Curve,
    Meter,
    load_tensors,
    optimizer,
    save_tensors,
    step_optimizer,
    write_json,
)
from training.face_data import Store, fill, read
from training.face_evaluate import Report, evaluate, held_out
from training.face_evaluate import main as evaluation
from training.face_losses import Crowd, bare_faces, detector_loss, faces, recogniser_loss, scenes
from training.likeness import Feeling

DETECTOR_SHARE = 0.42
"""The detector's part of the time; the recogniser gets the rest."""
JUDGE_WIDTHS = (48, 96, 160, 224)
VECTOR_WEIGHT, JUDGE_VECTOR_WEIGHT = 3.0, 6.0
"""A judge is asked for the sliders of the face more than for telling people apart."""
LOG_SECONDS = 5.0
SAVE_SECONDS = 30.0


def main(arguments: list[str] | None = None) -> int:
    """The command; returns the exit code."""
    began = time.monotonic()
    arguments = sys.argv[1:] if arguments is None else arguments
    if arguments[:1] == ["evaluate"]:
        return evaluation(arguments[1:])
    options = _options(arguments)
    device = torch.device(options.device)
    if device.type == "cuda":
        torch.backends.cuda.matmul.allow_tf32 = True
        torch.backends.cudnn.allow_tf32 = True
    torch.manual_seed(options.seed)
    learn = _load(options, device)
    print(f"face: {len(learn)} pictures of training persons, {time.monotonic() - began:.1f} s", flush=True)
    left = options.seconds - (time.monotonic() - began) - options.reserve
    if left <= 0:
        raise SystemExit(f"--seconds: {options.seconds:g} s are too few, loading the data took longer")
    if options.only == "detector":
        train(detector_task(learn, options.detector_batch), options.out, left, options.resume)
        return _finished(options, device)
    if options.judge is not None:
        facts = facts_of(torch.unique(learn["persons"]).tolist())
        left = options.seconds - (time.monotonic() - began)
        task = recogniser_task(learn, facts, options.people, options.views, judge=True)
        train_judge(task, options, max(left, 1))
        return 0
    if options.only == "recogniser":
        facts = facts_of(torch.unique(learn["persons"]).tolist())
        left = options.seconds - (time.monotonic() - began) - options.reserve
        train(recogniser_task(learn, facts, options.people, options.views), options.out, left, options.resume)
        return _finished(options, device)
    with ThreadPoolExecutor(1) as background:
        # What the world knows of thousands of persons takes seconds: worked out beside the training.
        facts = background.submit(facts_of, torch.unique(learn["persons"]).tolist())
        detector = detector_task(learn, options.detector_batch)
        train(detector, options.out, left * DETECTOR_SHARE, options.resume)
    recogniser = recogniser_task(learn, facts.result(), options.people, options.views)
    left = options.seconds - (time.monotonic() - began) - options.reserve
    train(recogniser, options.out, max(left, 1), options.resume)
    return _finished(options, device)


def train_judge(task: Task, options: argparse.Namespace, seconds: float) -> None:
    """Train one more recogniser, for `training.likeness`: ``OUT/judges/NUMBER.safetensors``, folded, with
    the layers that read a person's sliders and colours from its embedding, and her expression before it.
    """
    folder = options.out / "judges"
    train(task, folder / str(options.judge), seconds, options.resume)
    path = folder / str(options.judge) / "recogniser.safetensors"
    reading = {k: v for k, v in load_tensors(path).items() if k.startswith(("regress.", "feeling."))}
    save_tensors(folded(path) | reading, folder / f"{options.judge}.safetensors")


def _finished(options: argparse.Namespace, device: torch.device) -> int:
    report = finish(options.out, lambda: held_out(options.people_judged, 256, options.bust), device)
    print(json.dumps(report), flush=True)
    return 0


def _options(arguments: list[str]) -> argparse.Namespace:
    from training.world.body import DEFAULT_BUST

    parser = argparse.ArgumentParser(
        prog="python -m training.face", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument(
        "--data", type=Path, required=True, help="folder of shards from training.world render"
    )
    parser.add_argument("--out", type=Path, required=True, help="checkpoint folder")
    parser.add_argument("--seconds", type=float, required=True, help="time for everything, loading included")
    parser.add_argument(
        "--reserve",
        type=float,
        default=15.0,
        help="seconds of it kept for the end: norms, drawing, evaluation",
    )
    parser.add_argument("--resume", action="store_true", help="start from the checkpoint in --out")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--detector-batch", type=int, default=256)
    parser.add_argument("--people", type=int, default=192, help="persons in a recogniser batch")
    parser.add_argument("--views", type=int, default=4, help="pictures of each person in it")
    parser.add_argument(
        "--detector-room", type=int, default=24_000, help="whole pictures kept for the detector"
    )
    parser.add_argument("--limit", type=int, default=120_000, help="faces kept for the recogniser")
    parser.add_argument("--people-judged", type=int, default=100, help="held-out persons of the evaluation")
    parser.add_argument("--bust", type=Path, default=DEFAULT_BUST, help="the body that draws them")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--only",
        choices=["detector", "recogniser"],
        help="train this one; with the detector alone, what was trained on the embeddings stays valid",
    )
    parser.add_argument(
        "--judge",
        type=int,
        metavar="NUMBER",
        help="train a recogniser alone, by this seed, that judges likeness in stage 1's training",
    )
    options = parser.parse_args(arguments)
    if options.judge is not None:
        options.seed, options.detector_room = options.judge, 0
    return options


def _load(options: argparse.Namespace, device: torch.device) -> Store:
    from training.world.people import HELD_OUT

    # A judge looks at the face from near.
    store = Store(device, options.detector_room, HEAD_FIVE if options.judge is None else ARCFACE_FIVE)
    try:
        fill(store, read(options.data, felt=options.judge is not None), HELD_OUT, options.limit)
    except FileNotFoundError as error:
        raise SystemExit(f"--data: {error}") from None
    if not len(store):
        raise SystemExit(f"--data: no picture of a training person in {options.data}")
    return store


def _precision(device: torch.device) -> torch.dtype | None:
    return torch.bfloat16 if device.type == "cuda" else None


@dataclass(frozen=True)
class Task:
    """One network's training: ``step`` gives a batch's loss and its parts, ``settle`` runs a batch forward
    only.

    ``modules["network"]`` is what is kept; ``batch`` the pictures in a step.
    """

    name: str
    modules: dict[str, nn.Module]
    step: Callable[[], dict[str, Tensor]]
    settle: Callable[[], None]
    batch: int
    rate: float = 2e-3


def detector_task(store: Store, batch: int) -> Task:
    """The detector's training on ``batch`` pictures a step."""
    network = Detector().to(store.device)
    precision = _precision(store.device)

    def step() -> dict[str, Tensor]:
        return detector_loss(network, scenes(store, batch), precision)

    @torch.no_grad()
    def settle() -> None:
        network(scenes(store, batch).pictures * 2 - 1)

    return Task("detector", {"network": network}, step, settle, batch)


def recogniser_task(
    store: Store, facts: NDArray[np.float32], people: int, views: int, judge: bool = False
) -> Task:
    """The recogniser's training, or a ``judge``'s, on ``views`` pictures of each of ``people`` persons a
    step.
    """
    crowd = crowd_of(store, facts)
    network = (Recogniser(JUDGE_WIDTHS) if judge else Recogniser()).to(store.device)
    look, weight = (bare_faces, JUDGE_VECTOR_WEIGHT) if judge else (faces, VECTOR_WEIGHT)
    regress = nn.Linear(EMBEDDING_DIM, crowd.vectors.shape[1]).to(store.device)
    feeling = Feeling(JUDGE_WIDTHS[2]).to(store.device) if judge else None
    precision = _precision(store.device)

    def step() -> dict[str, Tensor]:
        crops, who, felt = crowd.draw(people, views)
        return recogniser_loss(network, regress, crowd, look(crops), who, precision, weight, feeling, felt)

    @torch.no_grad()
    def settle() -> None:
        network(look(crowd.draw(people, views)[0]) * 2 - 1)

    size = min(people, len(crowd.persons)) * views
    modules = {"network": network, "regress": regress} | ({"feeling": feeling} if feeling else {})
    return Task("recogniser", modules, step, settle, size)


def crowd_of(store: Store, facts: NDArray[np.float32]) -> Crowd:
    """The persons of a store with what `facts_of` says of them, in the order of their indices."""
    table = torch.from_numpy(facts).to(store.device)
    return Crowd(store, table[:, 2:], table[:, 0], table[:, 1])


def facts_of(people: list[int]) -> NDArray[np.float32]:
    """What the world knows of each person, (P, 2 + IDENTITY_DIM): 1 for a man, age / 100, the identity
    vector.

    A thousand persons take about a second, so that many are shared out to processes.
    """
    if len(people) < 3000:
        return np.stack([_facts(person) for person in people])
    workers = max(1, min(8, (os.cpu_count() or 2) // 2))
    with ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn")) as pool:
        return np.stack(list(pool.map(_facts, people, chunksize=256)))


def _facts(index: int) -> NDArray[np.float32]:
    """One row of `facts_of`."""
    from training.world.people import identity_of

    person = identity_of(index)
    return np.concatenate([[person.gender == "man", person.age / 100], person.vector()]).astype(np.float32)


def train(task: Task, out: Path, seconds: float, resume: bool) -> None:
    """Train for ``seconds``; leaves averaged weights in ``out/NAME.safetensors``, the curve beside them.

    Raises `training.common.NonFiniteLossError` within `LOG_SECONDS` of the first loss that is not a number;
    what was kept before stays.
    """
    path = out / f"{task.name}.safetensors"
    if resume and path.exists():
        _restore(task.modules, path)
    device = next(task.modules["network"].parameters()).device
    parameters = [p for module in task.modules.values() for p in module.parameters()]
    averaged = Averaged(parameters, decay=0.998)
    optim = optimizer([{"params": parameters, "base": task.rate, "weight_decay": 0.02}], device)
    clock, curve, meter = Clock(seconds), Curve(out / f"{task.name}.csv"), Meter()
    number, logged, saved = 0, 0.0, 0.0
    for module in task.modules.values():
        module.train()
    while number == 0 or clock.running():
        parts = task.step()
        norm = step_optimizer(parts["loss"], optim, clock, number, clip=5.0, warmup=100)
        averaged.update()
        meter.add(**parts, norm=norm)
        number += 1
        if clock.elapsed - logged > LOG_SECONDS or number == 10 or not clock.running():
            # Reading the meter raises where a loss was not a number: nothing keeps broken weights.
            curve.log(number, number * task.batch, **meter.read())
            logged = clock.elapsed
            if clock.elapsed - saved > SAVE_SECONDS:
                with averaged.applied():
                    _keep(task.modules, path)
                saved = clock.elapsed
    with averaged.applied():
        measure_norms(task.modules["network"], task.settle, rounds=30 if device.type == "cuda" else 4)
        _keep(task.modules, path)
    draw_curve(out / f"{task.name}.csv")


def measure_norms(network: nn.Module, settle: Callable[[], None], rounds: int) -> None:
    """Measure every batch norm's mean and variance anew, for the weights that the network holds now."""
    norms = [m for m in network.modules() if isinstance(m, nn.BatchNorm2d)]
    momentum = [m.momentum for m in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None
    network.train()
    for _ in range(rounds):
        settle()
    for norm, kept in zip(norms, momentum, strict=True):
        norm.momentum = kept


def _keep(modules: dict[str, nn.Module], path: Path) -> None:
    state = {f"{m}.{k}": v for m, module in modules.items() for k, v in module.state_dict().items()}
    save_tensors(state, path, dtype=None)


def _restore(modules: dict[str, nn.Module], path: Path) -> None:
    state = load_tensors(path)
    for name, module in modules.items():
        module.load_state_dict(
            {k.removeprefix(f"{name}."): v for k, v in state.items() if k.startswith(f"{name}.")}
        )


def folded(path: Path) -> dict[str, Tensor]:
    """The network of a checkpoint with its norms melted in, as it is used after training."""
    own = {k.removeprefix("network."): v for k, v in load_tensors(path).items() if k.startswith("network.")}
    return {k: v for k, v in fold(own).items() if not k.endswith("num_batches_tracked")}


def export(out: Path, same_person: float | None) -> Path:
    """Write ``out/analyzer``: both networks folded, bfloat16, with the config that `stillmotion.identity`
    reads.
    """
    folder = out / "analyzer"
    for name in ("detector", "recogniser"):
        if not (out / f"{name}.safetensors").exists() and (folder / f"{name}.safetensors").exists():
            continue  # trained before, elsewhere: only what it became is here
        save_tensors(folded(out / f"{name}.safetensors"), folder / f"{name}.safetensors")
    config = {
        "format": "stillmotion-analyzer",
        "version": 1,
        "detection_threshold": 0.4,
        "gender_threshold": 0.85,
    }
    if same_person is not None:
        config["same_person"] = round(same_person, 4)
    write_json(config, folder / "config.json")
    return folder


def finish(out: Path, judge: Callable[[], Store], device: torch.device) -> Report:
    """Export, evaluate on the pictures that ``judge`` gives, and store the threshold calibrated on them.

    Where the pictures cannot be drawn (no OpenGL, no body file) the folder stays without a calibrated
    threshold.
    """
    folder = export(out, None)
    try:
        pictures = judge()
    except Exception as error:
        # The trained weights are there and the evaluation can be run later, elsewhere: say so and go on.
        print(f"face: not calibrated, no held-out pictures: {error}", flush=True)
        return {}
    report = evaluate(folder, pictures, str(device))
    threshold = report["same_person_threshold"]
    export(out, None if threshold is None else float(threshold))
    write_json(report, out / "evaluation.json")
    return report


def draw_curve(path: Path) -> None:
    """Draw the loss of a curve's CSV as a PNG beside it, logarithmic, over the samples seen."""
    import math

    from PIL import Image, ImageDraw

    with path.open(newline="") as file:
        rows = [(float(r["samples"]), max(1e-6, float(r["loss"]))) for r in csv.DictReader(file)]
    if len(rows) < 2:
        return
    width, height, edge = 640, 360, 40
    logs = [math.log10(loss) for _, loss in rows]
    low, high = min(logs), max(*logs, min(logs) + 1e-3)
    last = max(samples for samples, _ in rows)
    picture = Image.new("RGB", (width, height), "white")
    draw = ImageDraw.Draw(picture)
    draw.rectangle((edge, edge, width - edge, height - edge), outline="grey")
    points = [
        (
            edge + (width - 2 * edge) * samples / last,
            height - edge - (height - 2 * edge) * (value - low) / (high - low),
        )
        for (samples, _), value in zip(rows, logs, strict=True)
    ]
    draw.line(points, fill=(40, 80, 170), width=2)
    draw.text(
        (edge, 12),
        f"{path.stem}: loss {10**high:.3g} to {10 ** logs[-1]:.3g}, {last / 1e6:.2f} M samples",
        fill="black",
    )
    picture.save(path.with_suffix(".png"))


if __name__ == "__main__":
    raise SystemExit(main())
