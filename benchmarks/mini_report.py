"""Everything that is claimed of mini, measured on people that it never saw: the one command behind
docs/mini.md (pip install '.[evaluate,training]').

    python -m benchmarks.mini_report -o DIR [--identities 100] [--seed 1] [--quality standard] [--workers N]

Draws held-out people of the synthetic world and prompts in wordings never trained on (``DIR/dataset``),
makes their videos with the seeds and models of ``stillmotion batch DIR/dataset --seed S`` (``DIR/made``; the
stills in ``DIR/stills``), and lets the world film the true people as they were asked for (``DIR/true``): it
gets no better. Then dlib, which never saw our world, names the people, and a judge trained on the world alone
(`benchmarks.attributes`) says whether what was asked for is there. Writes figures.json, mini.md and
its picture, mini.jpg. The same command goes on where it was interrupted: what is there is not made again.

``--make-only`` makes the videos and films the true people, on a machine without dlib and without the judge;
the same command without it measures them, on this machine or where DIR was copied to.
"""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterable, Mapping, Sequence
from functools import cache, partial
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from benchmarks import attributes, held_out
from benchmarks.fidelity import drift, ssim
from benchmarks.shared import SIZE, Line, check_order, command, dataset, over, table
from stillmotion.errors import StillmotionError
from stillmotion.evaluate.dlib_faces import Recogniser
from stillmotion.evaluate.types import NotComputed

if TYPE_CHECKING:
    from stillmotion import Pipeline
    from stillmotion.batch.job import Job
    from stillmotion.batch.layouts import Item

FRAMES = 17
SHEET = 40
"""People on the contact sheet."""
WANTED = {
    "top1": 0.75,
    "face_frames": 0.92,
    "attributes": 0.88,
    "action": 0.75,
    "in order": 0.60,
    "ssim": 0.85,
}
ROWS = {
    "top1": "dlib names the person among all",
    "distance": "dlib's distance of the video from the person's photo",
    "face_frames": "frames with a face",
    "attributes": "attributes asked for are there; hair, beard, glasses untouched",
    "action": "the action asked for",
    "in order": "of two actions, both in their order",
    "ssim": "first frame against the still, SSIM",
    "drift": "drift of the mean colour to the last frame (0 to 255)",
}


def name_of(line: Line) -> str:
    """A prompt's video, from the folder of videos on."""
    return f"{line['id']}/prompt{line['prompt']}.mp4"


@cache
def _pipeline(preset: str, device: str | None, shared: Path) -> Pipeline:
    """One for each process, whose models stay loaded."""
    from stillmotion import Pipeline
    from stillmotion.batch.stages import KeptModels

    pipeline = Pipeline(preset, device)
    pipeline.models = KeptModels(pipeline.preset, pipeline.device, shared)
    return pipeline


def make(item: Item, job: Job, stills: Path) -> str | None:
    """One video and its still (r2v has none), as a batch makes them; the reason where it cannot be made."""
    from stillmotion.batch.job import WORK, request_of, run_of, target_of
    from stillmotion.batch.stages import SHARED
    from stillmotion.still import load_first_frame

    target, run = target_of(job, item), run_of(job, item)
    still = stills / PurePosixPath(item.output).with_suffix(".png")
    drawn = {**job.options, **item.options}.get("mode") != "r2v"
    if target.is_file() and (still.is_file() or not drawn):
        return None
    for path in (target, run, still):
        path.parent.mkdir(parents=True, exist_ok=True)
    try:
        pipeline = _pipeline(job.preset, job.device, job.out / WORK / SHARED)
        pipeline.generate(request_of(job, item), target, run)
    except StillmotionError as error:
        return str(error)
    if drawn:
        Image.fromarray(load_first_frame(run / "still").image).save(still)
    shutil.rmtree(run)
    print(target, flush=True)
    return None


def film(lines: Sequence[Line], out: Path) -> None:
    """The true people in the scenes and actions asked for, drawn by the world."""
    missing = [line for line in lines if not (out / name_of(line)).is_file()]
    if not missing:
        return
    from training.world import Action, Renderer, identity_of
    from training.world.jobs import clip_scene
    from training.world.samples import save_clip

    renderer = Renderer(SIZE)
    for line in missing:
        actions = tuple(Action(**action) for action in line["actions"])
        person = identity_of(int(line["id"].removeprefix("id")))
        footage = renderer.clip(person, clip_scene(line["scene_seed"], actions), actions, FRAMES)
        target = out / name_of(line)
        target.parent.mkdir(parents=True, exist_ok=True)
        part = target.with_suffix(".part.mp4")
        save_clip(part, footage.frames)
        part.rename(target)


@cache
def _dlib() -> Recogniser:
    return Recogniser()


def descriptors(path: Path) -> list[Any]:
    """What dlib makes of a picture, or of a video's frames; none where there is no file."""
    if path.suffix == ".png":
        return [_dlib()(np.asarray(Image.open(path).convert("RGB")))]
    return held_out.described(path, _dlib()) if path.is_file() else []


def measure(lines: Sequence[Line], videos: Path, stills: Path | None, judge: Any) -> list[Line]:
    """What is to be said of each video; one that is not there fails in everything and has no colours."""
    rows = []
    for line in lines:
        path = videos / name_of(line)
        row: Line = {"video": name_of(line)}
        if not path.is_file():
            rows.append(row | attributes.verdict(None, line) | {"ssim": None, "drift": None})
            continue
        frames = np.stack(held_out.frames_of(path))
        row |= attributes.judged(judge, frames, line)
        row["drift"] = round(drift(frames), 2)
        row["ssim"] = None
        if stills is not None:
            still = Image.open((stills / name_of(line)).with_suffix(".png")).convert("RGB")
            size = (frames.shape[2], frames.shape[1])
            fitted = still if still.size == size else still.resize(size, Image.Resampling.LANCZOS)
            row["ssim"] = round(ssim(np.asarray(fitted), frames[0]), 4)
        rows.append(row)
    return rows


def mean(values: Iterable[float | bool | None]) -> dict[str, Any]:
    """The mean of what is known, and of how many."""
    known = [float(value) for value in values if value is not None]
    return {"mean": round(float(np.mean(known)), 4) if known else None, "of": len(known)}


def summary(rows: Sequence[Line], faces: Mapping[str, Any]) -> dict[str, Any]:
    """All figures of one set of videos, each with the number of things it is the mean of.

    ``faces``: of `held_out.named`, in the same order. "attributes" is over every single attribute that was
    asked for or had to be kept, not over videos.
    """
    labels: dict[str, list[bool]] = {}
    for row in rows:
        for label, there in (*row["asked"].items(), *row["kept"].items()):
            labels.setdefault(label, []).append(there)
    return {
        "top1": mean(video["right"] for video in faces["videos"]),
        "distance": mean(video.get("own_distance") for video in faces["videos"]),
        "face_frames": {"mean": faces["face_frame_ratio"], "of": sum(v["frames"] for v in faces["videos"])},
        "attributes": mean(there for some in labels.values() for there in some),
        "action": mean(row["action"] for row in rows),
        "in order": mean(row["in order"] for row in rows),
        "ssim": mean(row["ssim"] for row in rows),
        "drift": mean(row["drift"] for row in rows),
        "labels": {label: mean(some) for label, some in labels.items()},
    }


def by_action(lines: Sequence[Line], rows: Sequence[Line]) -> dict[str, dict[str, Any]]:
    """How often each action is there where it was asked for first."""
    hits: dict[str, list[bool]] = {}
    for line, row in zip(lines, rows, strict=True):
        hits.setdefault(line["labels"]["action"], []).append(row["action"])
    return {action: mean(hits[action]) for action in sorted(hits)}


def _cell(figure: Mapping[str, Any] | None) -> str:
    if not figure or figure["mean"] is None:
        return ""
    value = figure["mean"]
    return f"{value:.1f}" if value > 1 else f"{value:.3f}".replace("0.", ".", 1)


def markdown(figures: Mapping[str, Any]) -> str:
    """The figures as tables."""
    made, true, judge = figures["made"], figures["true"], figures["judge"]
    order = figures["order"]
    own = judge.get("plain", {}).get("heads", {})
    lines = [
        f"# What {order['preset']} can do",
        "",
        f"Made by `python -m benchmarks.mini_report -o DIR --identities {order['identities']} "
        f"--prompts {order['prompts']} --seed {order['seed']} --quality {order['quality']}`.",
        "",
        f"{made['top1']['of']} videos of {order['identities']} people that {order['preset']} never saw, by "
        f"prompts in wordings that it was not trained on, {order['quality']} quality, seed {order['seed']}. "
        "Beside them the true people, filmed by the world as they were asked for: it gets no better.",
        "",
        *table(
            ["", "mini", "of", "true people", "wanted"],
            (
                [text, _cell(made[key]), str(made[key]["of"]), _cell(true[key]),
                 f"{WANTED[key]:.2f}".lstrip("0") if key in WANTED else ""]
                for key, text in ROWS.items()
            ),
        ),
        "",
        "The first people, whoever they are: photo, then five frames from first to last.",
        "",
        "![Photos of people, each with five frames of the video that was made of them](mini.jpg)",
        "",
        "Each attribute, where it was asked for or had to be kept; and how often the judge is right about "
        "other clips of the world:",
        "",
        *table(
            ["attribute", "mini", "of", "true people", "the judge's own"],
            (
                [label, _cell(figure), str(figure["of"]), _cell(true["labels"][label]),
                 _cell({"mean": own.get(label)})]
                for label, figure in made["labels"].items()
            ),
        ),
        "",
        "Each action, where it was asked for first:",
        "",
        *table(
            ["action", "mini", "of", "true people"],
            (
                [action, _cell(figure), str(figure["of"]), _cell(figures["true actions"][action])]
                for action, figure in figures["made actions"].items()
            ),
        ),
    ]  # fmt: skip
    if figures["not made"]:
        lines += ["", "Not made, and counted as wrong in everything:", ""]
        lines += [f"- {video}: {reason}" for video, reason in figures["not made"].items()]
    return "\n".join(lines) + "\n"


def make_all(
    out: Path, order: dict[str, Any], device: str | None, workers: int
) -> tuple[list[Line], dict[str, str]]:
    """Make the videos and film the true people, where that is not done; the lines of truth.jsonl, and by
    video why it could not be made. Needs neither dlib nor the judge.
    """
    from stillmotion.batch.job import WORK, Job
    from stillmotion.batch.layouts import read

    check_order(out, order)
    lines = dataset(out / "dataset", order["identities"], order["prompts"], order["seed"])
    items = read(out / "dataset").items
    job = Job(out / "made", order["preset"], device, {"quality": order["quality"]}, order["seed"])
    reasons = over(partial(make, job=job, stills=out / "stills"), items, workers)
    failed = {item.output: why for item, why in zip(items, reasons, strict=True) if why is not None}
    if len(failed) == len(items):
        raise StillmotionError(f"no video could be made: {next(iter(failed.values()))}")
    shutil.rmtree(job.out / WORK, ignore_errors=True)
    film(lines, out / "true")
    return lines, failed


def report(out: Path, order: dict[str, Any], device: str | None, workers: int) -> dict[str, Any]:
    """Make what is missing, measure all of it, write the files; returns the figures."""
    judge = attributes.load(device=device)  # before the long work
    lines, failed = make_all(out, order, device, workers)
    references = [out / "dataset" / "raw" / line["id"] / "image.png" for line in lines]
    known = [faces[0] for faces in over(descriptors, references, workers)]
    figures: dict[str, Any] = {"order": order, "not made": failed, "judge": attributes.own_accuracy()}
    for kind in ("made", "true"):
        videos = {name_of(line): out / kind / name_of(line) for line in lines}
        found = dict(zip(videos, over(descriptors, videos.values(), workers), strict=True))
        faces = held_out.named(known, found)
        rows = measure(lines, out / kind, out / "stills" if kind == "made" else None, judge)
        figures[kind] = summary(rows, faces)
        figures[f"{kind} actions"] = by_action(lines, rows)
        figures[f"{kind} videos"] = [
            row | {"rank": face.get("rank"), "own_distance": face.get("own_distance")}
            for row, face in zip(rows, faces["videos"], strict=True)
        ]
    (out / "figures.json").write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    (out / "mini.md").write_text(markdown(figures), encoding="utf-8")
    made = [[r, out / "made" / name_of(line)] for r, line in zip(references, lines, strict=True)]
    shown = [row for row in made if row[-1].is_file()][:SHEET]
    if shown:
        held_out.sheet(shown, out / "mini.jpg")
    return figures


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns the exit code."""
    parser = command(
        "mini_report", "All figures of mini on people it never saw.", "make videos and look for faces"
    )
    parser.add_argument("--identities", type=int, default=100)
    parser.add_argument("--prompts", type=int, default=1, help="prompts of each person")
    parser.add_argument(
        "--make-only", action="store_true", help="make the videos and film the true people; measure nothing"
    )
    args = parser.parse_args(arguments)
    order = {key: getattr(args, key) for key in ("identities", "prompts", "seed", "quality", "preset")}
    try:
        if args.make_only:
            make_all(args.output, order, args.device, args.workers)
            print(args.output)
            return 0
        report(args.output, order, args.device, args.workers)
    except (attributes.JudgeMissing, NotComputed, StillmotionError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print((args.output / "mini.md").read_text(encoding="utf-8"))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
