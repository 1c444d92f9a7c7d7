"""The gallery: videos of held-out people from fixed seeds with their figures, on a page that nobody picked
from (pip install '.[evaluate,training]').

    python -m benchmarks.gallery -o docs/gallery [--people 12] [--seed 1] [--quality standard]
                                 [--device cpu|cuda] [--workers N] [--make-only]

Draws the first people of the synthetic world that were held out, with prompts in wordings never trained on
(``dataset``), makes the videos of all sections with the seeds of ``stillmotion batch dataset --seed S``
(``videos``; their stills in ``stills``, which need not be kept), and measures them: dlib says who is in them,
the judge of `benchmarks.attributes` what happens in them. Writes figures.json, README.md, index.html and a
strip of pictures for each video (``sheets``). The same command goes on where it was interrupted. Whatever
cannot be computed (``--make-only``, no dlib, no judge) stays as figures.json has it, or is "not computed".
Videos of older weights count as made: remove the folder for a gallery of new ones.
"""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from benchmarks import attributes, gallery_page, held_out, mini_report
from benchmarks.mini_report import mean, name_of
from benchmarks.shared import Line, check_order, command, dataset, over
from stillmotion.batch.job import WORK, Job, seed_of
from stillmotion.batch.layouts import Item
from stillmotion.errors import StillmotionError
from stillmotion.evaluate.types import NotComputed
from stillmotion.files import digest, write_text
from stillmotion.output import read_record
from training.world import Action, captions, identity_of
from training.world.asked import asked
from training.world.jobs import clip_scene

PROMPTS = 5
"""Prompts of each person in the data set."""
SEQUENCES, TIMED, COMPARED = 6, 4, 4
"""Videos of two actions, of those with times as well, and people of each comparison."""
SECONDS = 2
"""What a timed action gets: mini's clip of one action is as long."""
KINDS: dict[str, dict[str, str]] = {
    "plain": {},
    "timed": {},
    "r2v": {"mode": "r2v"},
    "raw": {"prompts": "raw"},
}
"""Each kind of video and its fields of Request."""
WORDS = ("asked", "kept", "action", "in order", "shown")
"""What the judge says of a video."""


@dataclass(frozen=True)
class Shot:
    """One video: its kind of `KINDS`, and the line of truth.jsonl that it is made of and judged by."""

    kind: str
    line: Line

    @property
    def name(self) -> str:
        """Its file, from the folder of videos on."""
        return f"{self.kind}/{name_of(self.line)}"

    @property
    def photo(self) -> str:
        """The person's photo, from the gallery on."""
        return f"dataset/raw/{self.line['id']}/image.png"

    def item(self, out: Path, seed: int) -> Item:
        """The shot as a batch has it; all kinds of one line get the seed that a batch gives to the line."""
        who, text = self.line["id"], self.line["text"]
        name, photo = name_of(self.line), out / self.photo
        item = Item(who, f"prompt{self.line['prompt']}", (photo,), text, name, {}, text)
        return replace(item, output=self.name, options={"seed": seed_of(seed, item), **KINDS[self.kind]})


@dataclass(frozen=True)
class Section:
    """A part of the page; a video may stand in several."""

    title: str
    text: str
    shots: tuple[Shot, ...]


def timed(line: Line, seed: int) -> Line:
    """The line with a prompt that gives `SECONDS` to each of its actions, in held-out wordings too."""
    index = int(line["id"].removeprefix("id"))
    person, actions = identity_of(index), tuple(Action(**action) for action in line["actions"])
    scene = clip_scene(line["scene_seed"], actions)
    rng = np.random.default_rng([72_708, seed, index, line["prompt"]])
    seen = captions.spatial(person, scene, rng, held_out=True)
    deeds = [captions.temporal(person, scene, (a.name,), rng, held_out=True)[:-1] for a in actions]
    times = "; ".join(f"{SECONDS * n}-{SECONDS * (n + 1)}s: {deed}" for n, deed in enumerate(deeds))
    text = f"{seen[0].upper()}{seen[1:]}. {times}"
    return {**line, "text": text, "asked": asked(text, person, scene, actions)}


def sections(lines: Sequence[Line], seed: int) -> list[Section]:
    """The whole page from the lines of truth.jsonl, by rules alone."""

    def shots(kind: str, some: Iterable[Line]) -> tuple[Shot, ...]:
        return tuple(Shot(kind, line) for line in some)

    def beside(kind: str) -> tuple[Shot, ...]:
        return tuple(Shot(k, line) for line in people[:COMPARED] for k in ("plain", kind))

    people = [line for line in lines if line["prompt"] == 1]
    doubles: dict[str, Line] = {}
    for line in lines:
        if line["prompt"] > 1 and len(line["actions"]) > 1:
            doubles.setdefault(line["id"], line)
    two = list(doubles.values())[:SEQUENCES]
    first = [line for line in lines if line["id"] == people[0]["id"]]
    return [
        Section("People", "The first prompt of each person.", shots("plain", people)),
        Section(
            "Two actions",
            f"One after the other. Of each person's further prompts the first that asks for two; the first "
            f"{len(two)} people who have one.",
            shots("plain", two),
        ),
        Section(
            "Timed actions",
            f"The first of these again, with {SECONDS} seconds for each action.",
            shots("timed", (timed(line, seed) for line in two[:TIMED])),
        ),
        Section("One person in several scenes", "All prompts of the first person.", shots("plain", first)),
        Section(
            "Decoupled beside r2v",
            "The first people: with a first frame, then straight from the photo (`--mode r2v`).",
            beside("r2v"),
        ),
        Section(
            "Refined beside raw prompts",
            "The first people: the prompt taken apart for the two stages, then as it is for both "
            "(`--prompts raw`).",
            beside("raw"),
        ),
    ]


def make(shot: Shot, out: Path, job: Job) -> str | None:
    """Make the shot's video where it is missing; the reason where it cannot be made."""
    return mini_report.make(shot.item(out, job.seed), job, out / "stills")


def facts(shot: Shot, video: Path) -> Line:
    """What the video's own record says of it, and what was asked for."""
    row: Line = {
        "id": shot.line["id"],
        "prompt": shot.line["prompt"],
        "kind": shot.kind,
        "photo": shot.photo,
        "text": shot.line["text"],
        "actions": [action["name"] for action in shot.line["actions"]],
    }
    record = read_record(video)
    return row | {
        "sha256": digest(video),
        "seed": record.settings.seed,
        "device": record.device,
        "frames": record.clip.frames if record.clip else 0,
        "spatial": record.plan.spatial,
        "temporal": record.plan.temporal,
        "segments": [segment.model_dump() for segment in record.plan.segments],
        "read": [str(reading) for reading in record.readings],
    }


def measured(shot: Shot, out: Path, judge: Any) -> Line:
    """Drift, SSIM where the still is there, and the judge's verdict where there is a judge."""
    folder, stills = out / "videos" / shot.kind, out / "stills" / shot.kind
    still = (stills / name_of(shot.line)).with_suffix(".png")
    seen: Any = judge or (lambda frames: {})
    row = mini_report.measure([shot.line], folder, stills if still.is_file() else None, seen)[0]
    unknown = {"video", *(() if judge else WORDS), *(() if still.is_file() else ("ssim",))}
    return {key: value for key, value in row.items() if key not in unknown}


def faces(shots: Sequence[Shot], out: Path, workers: int) -> dict[str, Line]:
    """What dlib says of each video: similarity as `stillmotion evaluate` has it, over all frames; the rank of
    the person among all photos by the mean descriptor. NotComputed where there is no dlib.
    """
    photos = sorted((out / "dataset" / "raw").glob("*/image.png"))
    descriptors = over(mini_report.descriptors, photos, workers)
    known = {photo.parent.name: found[0] for photo, found in zip(photos, descriptors, strict=True)}
    videos = over(mini_report.descriptors, [out / "videos" / shot.name for shot in shots], workers)
    rows = {}
    for shot, frames in zip(shots, videos, strict=True):
        own, found = known[shot.line["id"]], [face for face in frames if face is not None]
        row: Line = {"similarity": 0.0, "rank": None, "face_frames": len(found)}
        if found and own is not None:
            others = [face for who, face in known.items() if who != shot.line["id"]]
            row["rank"] = held_out.named([own, *others], {shot.name: frames})["videos"][0]["rank"]
            distances = [float(np.linalg.norm(face - own)) for face in found]
            row["similarity"] = round(float(np.mean([max(0.0, 1 - each) for each in distances])), 4)
        rows[shot.name] = row
    return rows


def earlier(out: Path) -> dict[str, Line]:
    """The rows of figures.json whose videos are still those that were measured."""
    path = out / "figures.json"
    rows = json.loads(path.read_text(encoding="utf-8"))["videos"] if path.is_file() else {}
    files = {name: out / "videos" / name for name in rows}
    return {
        name: row
        for name, row in rows.items()
        if files[name].is_file() and digest(files[name]) == row.get("sha256")
    }


def summary(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The means of a section's videos of one kind, each with the number of things that it is the mean of."""
    made = [row for row in rows if "error" not in row]
    labels = [{**row["asked"], **row["kept"]} for row in made if "asked" in row]
    seen = [row for row in made if "face_frames" in row]
    return {
        "videos": len(rows),
        "top1": mean(row["rank"] == 1 for row in seen),
        "similarity": mean(row["similarity"] for row in seen),
        "face_frames": mean(row["face_frames"] / row["frames"] for row in seen),
        "ssim": mean(row.get("ssim") for row in made),
        "drift": mean(row.get("drift") for row in made),
        "action": mean(row.get("action") for row in made),
        "in order": mean(row.get("in order") for row in made),
        "attributes": mean(there for each in labels for there in each.values()),
    }


def strips(shots: Sequence[Shot], out: Path, kept: Mapping[str, Line]) -> None:
    """The strip of each video that is new or has none."""
    for shot in shots:
        video, path = out / "videos" / shot.name, (out / "sheets" / shot.name).with_suffix(".jpg")
        if video.is_file() and not (shot.name in kept and path.is_file()):
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(held_out.strip([out / shot.photo, video], 160)).save(path, quality=85)


def gallery(
    out: Path, order: dict[str, Any], device: str | None, workers: int, make_only: bool
) -> dict[str, Any]:
    """Make what is missing, measure what can be, write the page; returns the figures."""
    check_order(out, order)
    lines = dataset(out / "dataset", order["people"], PROMPTS, order["seed"])
    page = sections(lines, order["seed"])
    shots = list({shot.name: shot for section in page for shot in section.shots}.values())
    kept = earlier(out)
    job = Job(out / "videos", order["preset"], device, {"quality": order["quality"]}, order["seed"])
    missing = [shot for shot in shots if shot.name not in kept]
    reasons = list(over(partial(make, out=out, job=job), missing, workers))
    failed = {shot.name: why for shot, why in zip(missing, reasons, strict=True) if why is not None}
    if len(failed) == len(shots):
        raise StillmotionError(f"no video could be made: {next(iter(failed.values()))}")
    shutil.rmtree(job.out / WORK, ignore_errors=True)
    strips(shots, out, kept)

    made = [shot for shot in shots if shot.name not in failed]
    judge, people = (None, {}) if make_only else judges(made, out, device, workers)
    rows: dict[str, Line] = {}
    for shot in shots:
        if shot.name in failed:
            rows[shot.name] = {"id": shot.line["id"], "prompt": shot.line["prompt"], "kind": shot.kind,
                               "text": shot.line["text"], "error": failed[shot.name]}  # fmt: skip
            continue
        own = facts(shot, out / "videos" / shot.name)
        new = measured(shot, out, judge) | people.get(shot.name, {})
        rows[shot.name] = {**kept.get(shot.name, {}), **own, **new}
    figures = {
        "order": order,
        "sections": [
            {
                "title": section.title,
                "text": section.text,
                "videos": [shot.name for shot in section.shots],
                "summary": {
                    kind: summary([rows[shot.name] for shot in section.shots if shot.kind == kind])
                    for kind in dict.fromkeys(shot.kind for shot in section.shots)
                },
            }
            for section in page
        ],
        "videos": rows,
    }
    write_text(out / "figures.json", json.dumps(figures, indent=1) + "\n")
    gallery_page.write(figures, out)
    return figures


def judges(shots: Sequence[Shot], out: Path, device: str | None, workers: int) -> tuple[Any, dict[str, Line]]:
    """The judge or None, and what dlib says or nothing; what is missing is told on stderr."""
    judge, people = None, {}
    try:
        judge = attributes.load(device=device)
    except attributes.JudgeMissing as error:
        print(f"not computed: {error}", file=sys.stderr)
    try:
        people = faces(shots, out, workers)
    except NotComputed as error:
        print(f"not computed: {error}", file=sys.stderr)
    return judge, people


def main() -> int:
    """The command; returns the exit code."""
    parser = command("gallery", "Videos from fixed seeds, as a page.", "make videos and look for faces")
    parser.add_argument("--people", type=int, default=12)
    parser.add_argument("--make-only", action="store_true", help="measure another time: no dlib, no judge")
    args = parser.parse_args()
    order = {key: getattr(args, key) for key in ("people", "seed", "quality", "preset")}
    try:
        gallery(args.output, order, args.device, args.workers, args.make_only)
    except StillmotionError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(args.output / "README.md")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
