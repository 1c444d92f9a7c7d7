"""docs/evaluate.md: its options, metrics and examples are the program's."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import numpy as np
import pytest

from stillmotion.cli.evaluate import command
from stillmotion.evaluate.judges import JUDGES, known_metrics
from stillmotion.evaluate.types import Evaluation, Sample, VideoResult

PAGE = (Path(__file__).parents[2] / "docs" / "evaluate.md").read_text(encoding="utf-8")


def test_options_are_those_of_the_command() -> None:
    own = {f"--{name.replace('_', '-')}" for name in inspect.signature(command).parameters} - {"--videos"}
    rows = set(re.findall(r"^\| `(--[a-z-]+)", PAGE, re.MULTILINE))
    assert rows == own - {"--references"}


def test_metrics_are_known() -> None:
    table = PAGE[PAGE.index("## What can be measured") : PAGE.index("## Reading")]
    assert set(re.findall(r"`([a-z]+_[a-z_]+|clipscore)`", table)) <= set(known_metrics())


def test_json_fields_are_the_schemas() -> None:
    block = PAGE[PAGE.index("## The JSON") : PAGE.index("Exit codes")]
    for name in (*Evaluation.model_fields, *VideoResult.model_fields):
        assert f'"{name}"' in block, name


def test_the_judge_of_the_page_works(monkeypatch: pytest.MonkeyPatch) -> None:
    block = PAGE[PAGE.index("## A judge of your own") :]
    code = "\n".join(line[4:] for line in block.splitlines() if line.startswith("    ") or not line)
    monkeypatch.setattr("stillmotion.evaluate.judges.JUDGES", dict(JUDGES))
    exec(code, {})
    from stillmotion.evaluate import judges

    spec = judges.JUDGES["brightness"]
    frames = np.full((2, 4, 4, 3), 51, np.uint8)
    measured = spec.load("cpu").measure(Sample("a", "b", Path("c.mp4"), frames, 8.0, frames[0], "d"))
    assert measured.values == {"brightness": pytest.approx(0.2)}
