"""Data sets made by tests: photos of noise, texts, folders and lists, and what is wrong with them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from stillmotion.batch.layouts import Dataset, DatasetError, read
from stillmotion.errors import InputError


def photo(path: Path, seed: int = 0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 255, (48, 40, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path)
    return path


def text_file(path: Path, text: str | bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def vip200k(root: Path, people: int = 2, prompts: int = 3) -> Path:
    for person in range(1, people + 1):
        folder = root / "raw" / f"id{person:03d}"
        photo(folder / ("image.png", "image.webp", "image.jpg")[person % 3], person)
        for number in range(1, prompts + 1):
            text_file(folder / f"prompt{number}.txt", f"Person {person} waves, take {number}.\n")
    return root


def json_file(root: Path, entries: Any, name: str = "eval.json") -> Path:
    return text_file(root / name, json.dumps(entries))


def problems_of(path: Path) -> tuple[str, ...]:
    with pytest.raises(DatasetError) as caught:
        read(path)
    error = caught.value
    assert isinstance(error, InputError)
    assert error.exit_code == 2
    assert error.problems
    for line in (str(error), *error.problems):
        assert "\n" not in line
        assert line.isprintable()
    assert error.problems[0] in str(error)
    return error.problems


def only_problem(path: Path) -> str:
    (problem,) = problems_of(path)
    return problem


def outputs(dataset: Dataset) -> list[str]:
    return [item.output for item in dataset.items]
