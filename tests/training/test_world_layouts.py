"""The world's data sets, written in every layout and read back. Needs moderngl and the exported body."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from stillmotion.batch.layouts import Dataset, read
from stillmotion.prompts import decouple
from training.world import DEFAULT_BUST
from training.world.actions import Action
from training.world.layouts import LAYOUTS
from training.world.samples import write_dataset

pytest.importorskip("moderngl")
pytestmark = pytest.mark.skipif(
    not DEFAULT_BUST.is_file(), reason=f"{DEFAULT_BUST} is made by: python -m training.world export"
)
PEOPLE, PROMPTS, SIZE = range(2), 3, 64


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("world")
    for layout in LAYOUTS:
        write_dataset(folder / layout, PEOPLE, PROMPTS, size=SIZE, seed=0, bust=DEFAULT_BUST, layout=layout)
    return {layout: folder / layout for layout in LAYOUTS}


def _content(dataset: Dataset) -> list[tuple[str, bytes]]:
    """What scores compare a video with, and the photo's pixels, in order."""
    return [(item.text, np.asarray(Image.open(item.faces[0])).tobytes()) for item in dataset.items]


def test_every_layout_is_found_and_holds_the_same_people_and_prompts(written: dict[str, Path]) -> None:
    first = _content(read(written["vip200k"]))
    assert len(first) == len(PEOPLE) * PROMPTS
    for layout, path in written.items():
        dataset = read(path)
        assert dataset.layout == layout
        assert dataset.warnings == ()
        assert _content(dataset) == first
        assert len({item.output for item in dataset.items}) == len(first)
        if layout != "track2":
            assert [item.prompt for item in dataset.items] == [item.text for item in dataset.items]
        if not layout.startswith("track"):
            assert dataset.items[4].output == "id001/prompt2.mp4"


def test_vip200k_says_what_it_said_before_there_were_other_layouts(written: dict[str, Path]) -> None:
    root = written["vip200k"]
    assert (root / "raw/id000/prompt2.txt").read_text() == (
        "Dressed in a cobalt blue v-necked jumper, a woman drops her jaw with a wall of bricks behind her in "
        "glowing neon signs.\n"
    )
    files = sorted(path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file())
    names = ("image.png", "prompt1.txt", "prompt2.txt", "prompt3.txt")
    assert files == [f"raw/id00{i}/{name}" for i in (0, 1) for name in names] + ["truth.jsonl"]
    truth = [json.loads(line) for line in (root / "truth.jsonl").read_text().splitlines()]
    assert [line["text"] for line in truth] == [item.text for item in read(root).items]


def test_track_2_divides_the_clip_among_the_actions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    actions = (Action("wave", end=0.5), Action("smile", start=0.5))
    monkeypatch.setattr("training.world.samples.actions_of", lambda seed: actions)
    write_dataset(tmp_path, range(1), 1, size=SIZE, seed=0, bust=DEFAULT_BUST, layout="track2")
    (item,) = read(tmp_path).items
    plan = decouple(item.prompt, "A woman")
    assert [(segment.start, segment.end) for segment in plan.segments] == [(0, 1), (1, 2)]


def test_the_command_writes_a_layout_and_refuses_an_unknown_one(tmp_path: Path) -> None:
    def command(layout: str) -> subprocess.CompletedProcess[str]:
        words = [
            "--identities",
            "1",
            "--prompts",
            "1",
            "--size",
            "64",
            "--layout",
            layout,
            "-o",
            str(tmp_path),
        ]
        program = [sys.executable, "-m", "training.world", "dataset", *words]
        return subprocess.run(program, capture_output=True, text=True, check=False)

    assert command("jsonl").returncode == 0
    assert read(tmp_path).layout == "jsonl"
    assert command("excel").returncode == 2
    with pytest.raises(ValueError, match="no layout 'excel'"):
        write_dataset(tmp_path, PEOPLE, 1, size=SIZE, seed=0, bust=DEFAULT_BUST, layout="excel")
