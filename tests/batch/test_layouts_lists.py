"""Layouts that are one file: the 2026 challenge's tracks, CSV and JSONL, and all ways to write them wrong."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from made_datasets import json_file, only_problem, outputs, photo, problems_of, text_file

from stillmotion.batch.layouts import read
from stillmotion.batch.reading_lists import timed_prompt
from stillmotion.errors import InputError
from stillmotion.prompts import decouple
from stillmotion.request import Request

# the 2026 challenge


def test_track_1(tmp_path: Path) -> None:
    for number in (1, 2):
        photo(tmp_path / "images" / f"{number}.png", number)
    entries = [
        {"img": "images/1.png", "prompt": "She waves."},
        {"img": "2.png", "prompt": "He nods.", "x": 1},
    ]
    dataset = read(json_file(tmp_path, entries).parent)
    assert dataset.layout == "track1"
    assert [(i.id, i.prompt_id, i.output) for i in dataset.items] == [
        ("1", "1", "1.mp4"),
        ("2", "1", "2.mp4"),
    ]
    assert dataset.items[1].faces == (tmp_path.resolve() / "images/2.png",)
    assert "x" in dataset.warnings[0]
    assert read(tmp_path / "eval.json").items == dataset.items


def test_track_2_becomes_a_timed_prompt(tmp_path: Path) -> None:
    for number in (1, 2):
        photo(tmp_path / "images" / f"{number}.png", number)
    captions = [
        {"start": 0, "end": 1.5, "description": "The man waves;"},
        {"start": "1.5", "end": "4s", "description": "he turns left, then nods."},
    ]
    entry = {"img_paths": ["images/1.png", "images/2.png"], "class_label": "man",
             "global_prompt": "A man in a kitchen", "temporal_captions": captions}  # fmt: skip
    dataset = read(json_file(tmp_path, [entry, entry | {"temporal_captions": []}], "test.json"))
    assert dataset.layout == "track2"
    first, second = dataset.items
    assert [face.name for face in first.faces] == ["1.png", "2.png"]
    assert first.prompt == "A man in a kitchen. 0-1.5s: The man waves; 1.5-4s: he turns left, then nods"
    assert first.text == "A man in a kitchen"
    plan = decouple(first.prompt, "A man")
    assert [(s.start, s.end) for s in plan.segments] == [(0, 1.5), (1.5, 4)]
    assert "kitchen" in plan.spatial
    assert second.prompt == second.text == "A man in a kitchen"
    del entry["global_prompt"]
    (only,) = read(json_file(tmp_path, [entry], "test.json")).items
    assert only.prompt.startswith("0-1.5s: The man waves;")
    assert only.text == "The man waves; he turns left, then nods."


def test_a_timed_prompt_says_small_and_long_times_without_an_exponent() -> None:
    assert timed_prompt("", [(0.00001, 0.1, "a"), (0.1, 120.125, "b")]) == "0-0.1s: a; 0.1-120.125s: b"
    with pytest.raises(InputError, match="times of its own"):
        timed_prompt("First. 0-1s: she nods", [(1, 2, "she waves")])


@pytest.mark.parametrize(
    ("caption", "complaint"),
    [
        ({"start": 2, "end": 1, "description": "x"}, "ends before it begins"),
        ({"start": 0, "end": 1001, "description": "x"}, "end: 1001 is no time"),
        ({"start": -1, "end": 1, "description": "x"}, "start: -1 is no time"),
        ({"start": True, "end": 1, "description": "x"}, "start: True is no time"),
        ({"start": 0, "description": "x"}, "end: None is no time"),
        ({"start": 0, "end": 1, "description": " "}, "description is empty"),
        ({"start": 0, "end": 1}, "description is missing"),
        ({"start": 0, "end": 1, "description": ["x"]}, "description must be text"),
        ("0-1s", "is no object but str"),
    ],
)
def test_wrong_captions_of_track_2(tmp_path: Path, caption: Any, complaint: str) -> None:
    photo(tmp_path / "1.png")
    entry = {"img_paths": ["1.png"], "global_prompt": "A man.", "temporal_captions": [caption]}
    problem = only_problem(json_file(tmp_path, [entry]))
    assert problem.startswith("eval.json: item 1: temporal_captions")
    assert complaint in problem


def test_overlapping_captions_are_refused(tmp_path: Path) -> None:
    photo(tmp_path / "1.png")
    captions = [{"start": s, "end": s + 2, "description": "she waves"} for s in (0, 1)]
    entry = {"img_paths": ["1.png"], "global_prompt": "A woman.", "temporal_captions": captions}
    assert "overlaps 0-2s" in only_problem(json_file(tmp_path, [entry]))


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ('{"img": "1.png"}', "is not a list"),
        ('[{"img": "1.png", "prompt": "a"},]', "is no JSON"),
        ('[{"img": "1.png", "prompt": "a", "prompt": "b"}]', "names the field prompt twice"),
        ('[{"img": "1.png", "prompt": NaN}]', "holds NaN"),
        ("[" * 100_000, "is no JSON that can be read"),
        ('[{"img": "1.png", "prompt": 7}]', "item 1: prompt must be text, not int"),
        ('[{"img": "1.png"}]', "item 1: prompt is missing"),
        ('[{"prompt": "She waves"}]', "item 1: img is missing"),
        ('[{"img": [], "prompt": "She waves"}]', "item 1: img is no path"),
        ('[{"img": 3, "prompt": "She waves"}]', "item 1: img is no path"),
        ('["She waves"]', "item 1: is no object but str"),
        ('[{"img": "9.png", "prompt": "She waves"}]', "item 1: 9.png: there is no such file"),
        ("[]", "holds no prompt"),
        (b"\xff\xfe[\0", "is UTF-16"),
        ("", "is empty"),
    ],
)
def test_wrong_lists_of_the_challenge(tmp_path: Path, content: str | bytes, complaint: str) -> None:
    photo(tmp_path / "1.png")
    assert complaint in only_problem(text_file(tmp_path / "eval.json", content))


PATHS = {
    "../1.png": "leaves the data set's folder",
    "images/../../1.png": "leaves the data set's folder",
    "/etc/passwd": "absolute path",
    "~/1.png": "absolute path",
    "C:/1.png": "absolute path",
    "images\\1.png": "backslash",
    "https://x.org/1.png": "is an address",
    "data:image/png;base64,AAAA": "is an address",
    "file:///etc/passwd": "is an address",
    "a\0.png": "control character",
    "a\x1b[31m.png": "control character",
    "out.png": "leads out of the data set",
    "linked/1.png": "leads out of the data set",
    " ": "is no path",
    "a" * 1200: "is no path",
    "a" * 300: "cannot be read",
    "images": "is a folder",
}


@pytest.mark.parametrize("name", PATHS, ids=lambda name: ascii(name)[:24])
@pytest.mark.parametrize("layout", ["track1", "csv", "jsonl"])
def test_no_name_leads_out_of_the_data_set(tmp_path: Path, layout: str, name: str) -> None:
    root = tmp_path / "set"
    (root / "images").mkdir(parents=True)
    photo(tmp_path / "1.png")
    (root / "out.png").symlink_to(tmp_path / "1.png")
    (root / "linked").symlink_to(tmp_path)
    if layout == "track1":
        file = json_file(root, [{"img": name, "prompt": "She waves."}])
    elif layout == "jsonl":
        file = json_file(root, {"image": name, "prompt": "She waves."}, "data.jsonl")
    else:
        if "\0" in name or not name.strip():
            pytest.skip("CSV has no such cell")
        file = root / "data.csv"
        with file.open("w", newline="") as opened:
            csv.writer(opened).writerows([["image", "prompt"], [name, "She waves."]])
    assert PATHS[name] in only_problem(file)


# CSV and JSONL


def _table(root: Path, rows: list[list[str]], mark: str = ",", encoding: str = "utf-8") -> Path:
    file = root / "data.csv"
    with file.open("w", newline="", encoding=encoding) as opened:
        csv.writer(opened, delimiter=mark).writerows(rows)
    return file


@pytest.mark.parametrize(("mark", "encoding"), [(",", "utf-8"), (";", "utf-8-sig"), ("\t", "utf-8")])
def test_csv(tmp_path: Path, mark: str, encoding: str) -> None:
    for name in ("a.png", "b.jpg"):
        photo(tmp_path / "photos" / name)
    rows = [["id", "image", "prompt", "seed", "detail", "guidance_scale"],
            ["anna", "photos/a.png|photos/b.jpg", "She waves; then,\nshe nods.", "7", "false", "4.5"],
            ["anna", "photos/a.png", "Sie lächelt.", "", "", ""],
            ["", "photos/b.jpg", "He nods.", "", "", ""]]  # fmt: skip
    dataset = read(_table(tmp_path, rows, mark, encoding))
    assert dataset.layout == "csv"
    assert outputs(dataset) == ["anna/prompt1.mp4", "anna/prompt2.mp4", "3.mp4"]
    first, second, third = dataset.items
    assert [face.name for face in first.faces] == ["a.png", "b.jpg"]
    assert dict(first.options) == {"seed": 7, "detail": False, "guidance_scale": 4.5}
    assert first.prompt == "She waves; then,\nshe nods."
    assert dict(second.options) == {}
    assert (third.id, third.prompt_id) == ("3", "1")
    assert read(tmp_path).items == dataset.items


def test_jsonl(tmp_path: Path) -> None:
    for name in ("a.png", "b.jpg"):
        photo(tmp_path / name)
    lines = [
        {"images": ["a.png", "b.jpg"], "prompt": "She waves.", "seed": 3, "mode": "r2v", "lora_weight": 1},
        {"face": "a.png", "prompt": "She nods.", "id": 7, "prompt_id": "nod", "output": "out/nod.mp4"},
    ]
    file = text_file(tmp_path / "set.jsonl", "\n".join(map(json.dumps, lines)) + "\n\n")
    first, second = read(file).items
    assert (first.id, first.prompt_id, first.output) == ("1", "1", "1.mp4")
    assert dict(first.options) == {"seed": 3, "mode": "r2v", "lora_weight": 1.0}
    assert len(first.faces) == 2
    assert (second.id, second.prompt_id, second.output) == ("7", "nod", "out/nod.mp4")
    request = Request(faces=first.faces, prompt=first.prompt, **first.options)
    assert request.mode == "r2v"


ROWS: list[tuple[dict[str, Any], str]] = [
    ({"promt": "x"}, "did you mean prompt?"),
    ({"preset": "paper"}, "--preset"),
    ({"writer": "openai:http://x.org/v1"}, "--writer"),
    ({"seed": "seven"}, "seed: "),
    ({"seed": 1.5}, "seed: "),
    ({"seed": True}, "seed: "),
    ({"mode": "fast"}, "mode: "),
    ({"num_frames": 100_000}, "num_frames: "),
    ({"negative_prompt": "a\x1bb"}, "negative_prompt: "),
    ({"id": "../x"}, "id: "),
    ({"id": ".hidden"}, "id: "),
    ({"id": "a/b"}, "id: "),
    ({"id": "trailing."}, "id: "),
    ({"id": {"a": 1}}, "id must be text"),
    ({"prompt_id": ""}, "prompt_id: "),
    ({"output": "../x.mp4"}, "output: "),
    ({"output": "/x.mp4"}, "output: "),
    ({"output": "a.mp4/b.mp4"}, "output: "),
    ({"output": ".work/b.mp4"}, "output: "),
    ({"output": "x.mov"}, "let it end in .mp4"),
    ({"face": "a.png"}, "has both image and face"),
    ({"image": ["a.png"] * 9}, "names 9 photos"),
    ({"image": ["a.png", 3]}, "is no path or list"),
    ({"image": None}, "image is missing"),
    ({"prompt": None}, "prompt is missing"),
    ({"prompt": "..."}, "has no word"),
    ({"prompt": "x" * 4100}, "4100 characters"),
    ({"prompt": "She\u202e waves"}, "U+202E"),
]


@pytest.mark.parametrize(("fields", "complaint"), ROWS, ids=lambda value: ascii(value)[:40])
def test_a_wrong_row(tmp_path: Path, fields: dict[str, Any], complaint: str) -> None:
    photo(tmp_path / "a.png")
    good = {"image": "a.png", "prompt": "She waves."}
    text_file(tmp_path / "data.jsonl", "\n".join(map(json.dumps, [good, good | fields, good])))
    problem = only_problem(tmp_path)
    assert problem.startswith("data.jsonl:2: ")
    assert complaint in problem


@pytest.mark.parametrize(
    ("rows", "complaint"),
    [
        ([{"id": "a", "prompt_id": "x"}] * 2, "id a with x is already at data.jsonl:1"),
        ([{"output": "a.mp4"}, {"output": "A.mp4"}], "writes A.mp4, as data.jsonl:1 does"),
        ([{"output": "2.mp4"}, {}], "writes 2.mp4, as data.jsonl:1 does"),
    ],
)
def test_duplicates(tmp_path: Path, rows: list[dict[str, Any]], complaint: str) -> None:
    photo(tmp_path / "a.png")
    good = {"image": "a.png", "prompt": "She waves."}
    text_file(tmp_path / "data.jsonl", "\n".join(json.dumps(good | row) for row in rows))
    problem = only_problem(tmp_path)
    assert problem.startswith("data.jsonl:2: ")
    assert complaint in problem


@pytest.mark.parametrize(
    ("table", "complaint"),
    [
        ("image,prompt,colour\na.png,She waves,red\n", "data.csv: header: 'colour' is no field"),
        ("image,prompt,prompt\na.png,She waves,x\n", "names the column prompt twice"),
        ("picture;text\n", "needs the columns image and prompt"),
        ("image,prompt\na.png,She waves, and nods\n", "data.csv:2: has 3 columns, the header 2"),
        ('image,prompt\na.png,She waves\na.png,"She nods\n', "is no CSV from line"),
        ("image,prompt\na.png\n", "data.csv:2: prompt is missing"),
        ("image,prompt,seed\na.png,She waves,x\n", "data.csv:2: seed: "),
        ("image,prompt\na.png|b.png,She waves\n", "data.csv:2: b.png: there is no such file"),
        (b"image,prompt\na.png,caf\xe9\n", "not UTF-8 text (byte 0xe9 in line 2)"),
        ("image,prompt\na.png," + "x" * 140_000 + "\n", "field larger"),
    ],
)
def test_a_wrong_csv(tmp_path: Path, table: str | bytes, complaint: str) -> None:
    photo(tmp_path / "a.png")
    text_file(tmp_path / "data.csv", table)
    assert any(complaint in problem for problem in problems_of(tmp_path))


def test_line_numbers_are_those_of_the_file(tmp_path: Path) -> None:
    photo(tmp_path / "a.png")
    text_file(tmp_path / "data.csv", 'image,prompt\n\na.png,"two\nlines"\na.png,"..."\n')
    assert only_problem(tmp_path).startswith("data.csv:5: ")


@pytest.mark.parametrize(
    "timed",
    [
        "2-5s: she waves; 0-2s: she turns",
        "[0:02-0:05] she waves [0:00-0:02] she turns",
        "[2-5] she waves [0-2] she turns",
        "From 2 to 5 seconds, she waves. From 0 to 2 seconds, she turns.",
        "Between 2 and 5 seconds she waves. Between 0 and 2 seconds she turns.",
        "t=2-5: she waves; t=0-2: she turns",
        "2s \u2013 5s: she waves; 0s \u2013 2s: she turns",
        "00:02 --> 00:05: she waves. 00:00 --> 00:02: she turns.",
        "She waves (2-5s), then she turns (0-2s)",
        "2..5 s: she waves; 0..2 s: she turns",
    ],
)
def test_times_out_of_order_are_found_before_any_work(tmp_path: Path, timed: str) -> None:
    photo(tmp_path / "1.png")
    assert "order of time" in only_problem(json_file(tmp_path, [{"img": "1.png", "prompt": timed}]))
