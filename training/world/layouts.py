"""The layouts that a data set of the world can have: the same people, pictures and prompts in each.

`stillmotion.batch.layouts` reads them; `docs/datasets.md` shows them. The reference code's layout holds its
intermediates too: a first frame of each prompt's scene and both halves of the prompt, from the world's truth.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.world import captions
from training.world.actions import Action
from training.world.people import Person
from training.world.scenes import Scene

SECONDS = 2.0
"""What the timed captions of track 2 divide among a prompt's actions."""


@dataclass(frozen=True)
class Shoot:
    """One prompt of one person: its words, its photo's path, and what the world makes of it.

    `rng` is where the prompt's own wording left it; layouts draw further wordings from it.
    """

    id: str
    number: int
    photo: str
    text: str
    person: Person
    scene: Scene
    actions: tuple[Action, ...]
    scene_seed: int
    rng: np.random.Generator


Draw = Callable[[Shoot], NDArray[np.uint8]]
"""The scene of a shoot at rest, (H, W, 3)."""
Write = Callable[[Path, Sequence[Shoot], Draw], None]


def photo_of(layout: str, person: str) -> str:
    """Where a person's reference picture lies in a layout, from the data set's folder on."""
    return f"raw/{person}/image.png" if layout in ("vip200k", "reference") else f"images/{person}.png"


def writer_of(layout: str) -> Write:
    """What writes a layout's prompts; ValueError for a layout that there is not."""
    if layout not in _WRITERS:
        raise ValueError(f"there is no layout {layout!r}; take one of {', '.join(LAYOUTS)}")
    return _WRITERS[layout]


def _write_text(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text + "\n", encoding="utf-8")


def _vip200k(out: Path, shoots: Sequence[Shoot], draw: Draw) -> None:
    for shoot in shoots:
        _write_text(out / "raw" / shoot.id / f"prompt{shoot.number}.txt", shoot.text)


def _reference(out: Path, shoots: Sequence[Shoot], draw: Draw) -> None:
    from PIL import Image

    _vip200k(out, shoots, draw)
    tables: dict[str, list[tuple[str, str]]] = {"raw": [], "refined": []}
    for shoot in shoots:
        spatial = captions.spatial(shoot.person, shoot.scene, shoot.rng, held_out=True)
        temporal = captions.temporal(shoot.person, shoot.scene, shoot.actions, shoot.rng, held_out=True)
        name = f"{shoot.id}/prompt{shoot.number}"
        _write_text(out / "t2i" / f"{name}.txt", spatial)
        _write_text(out / "i2v" / f"{name}.txt", temporal)
        Image.fromarray(draw(shoot)).save(out / "i2v" / f"{name}.jpg", quality=95)
        # As the reference code has it: from the folder above the data set on.
        tables["raw"].append((f"./vip200k/i2v/{name}.jpg", shoot.text))
        tables["refined"].append((f"./vip200k/i2v/{name}.jpg", temporal))
    for kind, rows in tables.items():
        _write_table(out / f"data_{kind}.csv", ("image_path", "prompt"), rows, encoding="utf-8-sig")


def _track1(out: Path, shoots: Sequence[Shoot], draw: Draw) -> None:
    _write_json(out / "eval.json", [{"img": shoot.photo, "prompt": shoot.text} for shoot in shoots])


def _track2(out: Path, shoots: Sequence[Shoot], draw: Draw) -> None:
    entries = []
    for shoot in shoots:
        timed = []
        for action in shoot.actions:
            start, end = round(action.start * SECONDS, 1), round(action.end * SECONDS, 1)
            what = captions.temporal(shoot.person, shoot.scene, (action.name,), shoot.rng, held_out=True)
            timed.append({"start": start, "end": end, "description": what})
        entries.append({"img_paths": [shoot.photo], "class_label": shoot.person.gender,
                        "global_prompt": shoot.text, "temporal_captions": timed})  # fmt: skip
    _write_json(out / "eval.json", entries)


def _csv(out: Path, shoots: Sequence[Shoot], draw: Draw) -> None:
    rows = [(shoot.id, f"prompt{shoot.number}", shoot.photo, shoot.text) for shoot in shoots]
    _write_table(out / "data.csv", ("id", "prompt_id", "image", "prompt"), rows, encoding="utf-8")


def _jsonl(out: Path, shoots: Sequence[Shoot], draw: Draw) -> None:
    lines = [
        {"id": shoot.id, "prompt_id": f"prompt{shoot.number}", "images": [shoot.photo], "prompt": shoot.text}
        for shoot in shoots
    ]
    (out / "data.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")


def _write_table(path: Path, columns: Sequence[str], rows: Sequence[Sequence[str]], encoding: str) -> None:
    with path.open("w", encoding=encoding, newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([columns, *rows])


def _write_json(path: Path, entries: list[dict[str, Any]]) -> None:
    path.write_text(json.dumps(entries, indent=1) + "\n", encoding="utf-8")


_WRITERS: dict[str, Write] = {
    "vip200k": _vip200k,
    "reference": _reference,
    "track1": _track1,
    "track2": _track2,
    "csv": _csv,
    "jsonl": _jsonl,
}
LAYOUTS = tuple(_WRITERS)
