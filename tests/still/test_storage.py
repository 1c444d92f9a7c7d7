"""A first frame on disk and back."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from stillmotion.errors import InputError
from stillmotion.still import Candidate, FirstFrame, load_first_frame, save


def first_frame() -> FirstFrame:
    random = np.random.default_rng(0)
    images = [random.integers(0, 256, (24, 32, 3), dtype=np.uint8) for _ in range(3)]
    alike = (0.25, None, 0.5)
    made = zip(images, alike, (7, 2**63 - 1, 9), strict=True)
    return FirstFrame(tuple(Candidate(*each) for each in made), 2)


def test_there_and_back(tmp_path: Path) -> None:
    first = first_frame()
    save(first, tmp_path / "still")
    save(first, tmp_path / "still")  # again, over itself
    back = load_first_frame(tmp_path / "still")
    assert back.chosen == 2 and back.similarity == 0.5
    for mine, theirs in zip(back.candidates, first.candidates, strict=True):
        assert np.array_equal(mine.image, theirs.image)
        assert (mine.similarity, mine.seed) == (theirs.similarity, theirs.seed)
    names = sorted(path.name for path in (tmp_path / "still").iterdir())
    assert names == ["candidate_0.png", "candidate_1.png", "candidate_2.png", "still.json"]
    assert [path.name for path in tmp_path.iterdir()] == ["still"]


def test_a_failed_save_leaves_the_old_one(tmp_path: Path) -> None:
    save(first_frame(), tmp_path / "still")
    broken = FirstFrame((Candidate(np.zeros((2, 2), dtype=np.complex64), None, 0),), 0)
    with pytest.raises(TypeError):
        save(broken, tmp_path / "still")
    assert load_first_frame(tmp_path / "still").chosen == 2
    assert [path.name for path in tmp_path.iterdir()] == ["still"]


def test_another_choice_by_hand(tmp_path: Path) -> None:
    save(first_frame(), tmp_path)
    index = json.loads((tmp_path / "still.json").read_text())
    (tmp_path / "still.json").write_text(json.dumps({**index, "chosen": 0}))
    assert load_first_frame(tmp_path).similarity == 0.25


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"chosen": 3}, "chosen: 3"),
        ({"chosen": -1}, "chosen"),
        ({"candidates": []}, "candidates"),
        ({"surprise": 1}, "surprise"),
        ({"candidates": [{"image": "../../secret.png", "similarity": None, "seed": 1}]}, "image"),
    ],
)
def test_a_damaged_index(tmp_path: Path, change: dict[str, object], says: str) -> None:
    save(first_frame(), tmp_path)
    index = json.loads((tmp_path / "still.json").read_text())
    (tmp_path / "still.json").write_text(json.dumps({**index, **change}))
    with pytest.raises(InputError, match=r"still\.json") as caught:
        load_first_frame(tmp_path)
    assert says in str(caught.value) and "\n" not in str(caught.value)


def test_missing_and_foreign_files(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"still\.json: cannot be read"):
        load_first_frame(tmp_path / "absent")
    save(first_frame(), tmp_path)
    (tmp_path / "candidate_1.png").write_bytes(b"GIF89a")
    with pytest.raises(InputError, match=r"candidate_1\.png: no PNG"):
        load_first_frame(tmp_path)
    (tmp_path / "candidate_1.png").unlink()
    with pytest.raises(InputError, match=r"candidate_1\.png"):
        load_first_frame(tmp_path)
