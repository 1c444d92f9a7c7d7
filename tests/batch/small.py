"""A data set of two people in the VIP-200K layout, and the batch that the tests make of it with "tiny"."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import tiny

from stillmotion.batch.engine import Summary, run
from stillmotion.batch.job import Job
from stillmotion.batch.layouts import Dataset, Item, read
from stillmotion.output import read_record

QUICK: dict[str, Any] = {"quality": "draft", "num_frames": 5}
PROMPTS = ("A woman in a red coat waves", "A woman in a blue hat turns left")


def write(root: Path, people: int = 2) -> Path:
    """The data set's folder; each person has a photo of their own and two prompts."""
    for number in range(1, people + 1):
        folder = root / "raw" / f"id{number:03}"
        folder.mkdir(parents=True)
        tiny.write_photo(folder / "image.png", tint=10 * number)
        for place, prompt in enumerate(PROMPTS, 1):
            (folder / f"prompt{place}.txt").write_text(prompt)
    return root


def dataset(root: Path, people: int = 2) -> Dataset:
    return read(write(root, people))


def job(out: Path, **changes: Any) -> Job:
    values: dict[str, Any] = {"preset": "tiny", "options": QUICK, "seed": 3}
    return Job(out, **(values | changes))


def make(data: Dataset, out: Path, **options: Any) -> Summary:
    return run(data, job(out), **options)


def lines(out: Path, name: str = "manifest.jsonl") -> list[dict[str, Any]]:
    return [json.loads(line) for line in (out / name).read_text().splitlines()]


def frames(out: Path) -> dict[str, str]:
    """Each video's frame hash, as the record inside the file has it."""
    found = {}
    for path in sorted(out.rglob("*.mp4")):
        clip = read_record(path).clip
        assert clip
        found[path.relative_to(out).as_posix()] = clip.sha256
    return found


def files(out: Path) -> list[str]:
    return sorted(p.relative_to(out).as_posix() for p in out.rglob("*") if p.is_file())


def times(out: Path, outputs: Sequence[str]) -> Mapping[str, int]:
    return {output: os.stat(out / output).st_mtime_ns for output in outputs}


def replaced(data: Dataset, number: int, **changes: Any) -> Dataset:
    """The data set with one item changed."""
    items = list(data.items)
    items[number] = Item(**{**vars(items[number]), **changes})
    return Dataset(data.layout, data.root, tuple(items))
