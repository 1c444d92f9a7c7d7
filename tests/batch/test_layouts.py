"""Every layout read from real files, and every way in which one can be wrong, told before any work."""

from __future__ import annotations

import csv
import json
import os
import pickle
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from stillmotion.batch import layouts, reading
from stillmotion.batch.layouts import Dataset, DatasetError, read
from stillmotion.batch.reading_lists import timed_prompt
from stillmotion.errors import InputError
from stillmotion.prompts import decouple
from stillmotion.request import Request


def _photo(path: Path, seed: int = 0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 255, (48, 40, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path)
    return path


def _text(path: Path, text: str | bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def _vip200k(root: Path, people: int = 2, prompts: int = 3) -> Path:
    for person in range(1, people + 1):
        folder = root / "raw" / f"id{person:03d}"
        _photo(folder / ("image.png", "image.webp", "image.jpg")[person % 3], person)
        for number in range(1, prompts + 1):
            _text(folder / f"prompt{number}.txt", f"Person {person} waves, take {number}.\n")
    return root


def _json(root: Path, entries: Any, name: str = "eval.json") -> Path:
    return _text(root / name, json.dumps(entries))


def _problems(path: Path) -> tuple[str, ...]:
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


def _only(path: Path) -> str:
    (problem,) = _problems(path)
    return problem


def _outputs(dataset: Dataset) -> list[str]:
    return [item.output for item in dataset.items]


# VIP-200K


def test_vip200k_is_read_in_the_order_of_its_numbers(tmp_path: Path) -> None:
    dataset = read(_vip200k(tmp_path, people=2, prompts=11))
    assert dataset.layout == "vip200k"
    assert dataset.root == tmp_path.resolve()
    assert _outputs(dataset) == [f"id{i:03d}/prompt{k}.mp4" for i in (1, 2) for k in range(1, 12)]
    item = dataset.items[10]
    assert (item.id, item.prompt_id) == ("id001", "prompt11")
    assert item.faces == (tmp_path.resolve() / "raw/id001/image.webp",)
    assert item.prompt == item.text == "Person 1 waves, take 11."
    assert dict(item.options) == {}
    assert dataset.warnings == ()
    assert pickle.loads(pickle.dumps(dataset)) == dataset


@pytest.mark.parametrize("named", ["raw", ".", ".."])
def test_vip200k_by_the_folder_itself_or_one_above(tmp_path: Path, named: str) -> None:
    root = _vip200k(tmp_path / "above" / "set")
    assert _outputs(read(root / named)) == _outputs(read(root))
    assert read(root / named).items == read(root).items


def test_several_photos_of_a_person(tmp_path: Path) -> None:
    folder = _vip200k(tmp_path, people=1) / "raw" / "id001"
    for name in ("image10.png", "image2.jpg", "image_3.jpeg", "notes.txt"):
        _photo(folder / name) if name != "notes.txt" else _text(folder / name, "x")
    names = [face.name for face in read(tmp_path).items[0].faces]
    assert names == ["image.webp", "image2.jpg", "image10.png", "image_3.jpeg"]


def test_a_byte_order_mark_and_line_breaks_in_prompts(tmp_path: Path) -> None:
    folder = _vip200k(tmp_path, people=1, prompts=1) / "raw" / "id001"
    _text(folder / "prompt1.txt", "\ufeff  She waves.\r\nThen she nods. \n\n")
    assert read(tmp_path).items[0].prompt == "She waves.\r\nThen she nods."


def test_fewer_prompts_than_the_others_and_stray_files_are_mentioned(tmp_path: Path) -> None:
    raw = _vip200k(tmp_path, people=3) / "raw"
    (raw / "id002" / "prompt3.txt").unlink()
    _text(raw / "readme.md", "hello")
    _text(raw / ".DS_Store", "x")
    (raw / "scripts").mkdir()
    dataset = read(tmp_path)
    assert len(dataset.items) == 8
    assert len(dataset.warnings) == 3
    assert any("readme.md" in warning for warning in dataset.warnings)
    assert any("scripts" in warning for warning in dataset.warnings)
    assert any("id002" in warning and "3 prompts" in warning for warning in dataset.warnings)


def test_all_problems_are_told_at_once(tmp_path: Path) -> None:
    raw = _vip200k(tmp_path, people=9) / "raw"
    (raw / "id001" / "prompt2.txt").unlink()
    _text(raw / "id002" / "prompt1.txt", b"")
    _text(raw / "id002" / "prompt2.txt", " \n")
    _text(raw / "id003" / "prompt1.txt", b"caf\xe9 scene")
    _text(raw / "id003" / "prompt3.txt", "She waves.".encode("utf-16"))
    _text(raw / "id004" / "prompt1.txt", "She waves \x1b[31m.")
    _text(raw / "id004" / "prompt2.txt", "word " * 900)
    _text(raw / "id004" / "prompt3.txt", "2-5s: she waves; 1-2s: she nods")
    next(iter((raw / "id005").glob("image.*"))).unlink()
    _photo(raw / "id006" / "image.jpg")
    cut = raw / "id007" / "image.webp"
    cut.write_bytes(cut.read_bytes()[:700])
    _text(raw / "id008" / "prompt01.txt", "She waves.")
    (raw / "id010").mkdir()
    expected = [
        ("raw/id001: prompt2.txt is missing",),
        ("raw/id002/prompt1.txt: is empty",),
        ("raw/id002/prompt2.txt: prompt is empty",),
        ("raw/id003/prompt1.txt: is not UTF-8", "0xe9", "line 1"),
        ("raw/id003/prompt3.txt: is UTF-16",),
        ("raw/id004/prompt1.txt: ", "U+001B"),
        ("raw/id004/prompt2.txt: ", "4499 characters"),
        ("raw/id004/prompt3.txt: ", "order of time"),
        ("raw/id005: holds no photo",),
        ("raw/id006: holds image.jpg and image.png",),
        ("raw/id007/image.webp: ", "damaged"),
        ("raw/id008: holds 2 files for prompt 1",),
        ("raw/id010: holds no photo",),
        ("raw/id010: holds no prompt",),
    ]
    problems = _problems(tmp_path)
    for parts in expected:
        assert any(p.startswith(parts[0]) and all(x in p for x in parts) for p in problems), parts
    assert len(problems) == len(expected)
    with pytest.raises(DatasetError, match=r"14 problems, the first: raw/id001: prompt2.txt is missing"):
        read(tmp_path)


def test_a_photo_shared_by_many_prompts_is_told_once(tmp_path: Path) -> None:
    raw = _vip200k(tmp_path, people=1, prompts=5) / "raw"
    _text(raw / "id001" / "image.webp", "no picture at all")
    assert _only(tmp_path).startswith("raw/id001/image.webp: is not a picture")


def test_links_that_lead_out_and_pipes_are_refused(tmp_path: Path) -> None:
    root = _vip200k(tmp_path / "set", people=3, prompts=1)
    raw = root / "raw"
    secret = _text(tmp_path / "secret.txt", "She waves.")
    (raw / "id001" / "prompt1.txt").unlink()
    (raw / "id001" / "prompt1.txt").symlink_to(secret)
    (raw / "id002" / "prompt1.txt").unlink()
    os.mkfifo(raw / "id002" / "prompt1.txt")
    photo = next(iter((raw / "id003").glob("image.*")))
    photo.unlink()
    photo.symlink_to(_photo(tmp_path / "other.png"))
    (raw / "id004").symlink_to(tmp_path)
    problems = _problems(root)
    assert sum("leads out of the data set" in problem for problem in problems) == 3
    assert any("id002/prompt1.txt: is not a regular file" in problem for problem in problems)
    assert len(problems) == 4


def test_links_inside_and_a_link_to_the_whole_are_fine(tmp_path: Path) -> None:
    root = _vip200k(tmp_path / "set", people=1, prompts=1)
    (root / "raw/id001/prompt2.txt").symlink_to("prompt1.txt")
    (tmp_path / "link").symlink_to(root)
    assert len(read(tmp_path / "link").items) == 2


def test_folders_whose_names_differ_in_case_write_one_file(tmp_path: Path) -> None:
    raw = _vip200k(tmp_path, people=1, prompts=1) / "raw"
    _photo(raw / "ID001" / "image.png")
    _text(raw / "ID001" / "prompt1.txt", "She waves.")
    if len(os.listdir(raw)) < 2:
        pytest.skip("the file system does not tell case apart")
    assert "give it another id" in _only(tmp_path)


# the reference code's


def _reference(root: Path) -> Path:
    _vip200k(root, people=2, prompts=2)
    rows = {"raw": [], "refined": []}  # type: dict[str, list[list[str]]]
    for person in ("id001", "id002"):
        for number in (1, 2):
            name = f"{person}/prompt{number}"
            _photo(root / "i2v" / f"{name}.jpg", number)
            _text(root / "i2v" / f"{name}.txt", f"A man, refined {name}.")
            _text(root / "t2i" / f"{name}.txt", f"A man, spatial {name}, close-up")
            rows["raw"].append([f"./vip200k/i2v/{name}.jpg", f'Raw {name}, "quoted", with commas.'])
            rows["refined"].append([f"./vip200k/i2v/{name}.jpg", f"A man, refined {name}."])
    for kind, lines in rows.items():
        with (root / f"data_{kind}.csv").open("w", encoding="utf-8-sig", newline="") as file:
            csv.writer(file).writerows([["image_path", "prompt"], *lines])
    return root


def test_the_reference_codes_tables(tmp_path: Path) -> None:
    root = _reference(tmp_path / "renamed")
    raw, refined = read(root), read(root / "data_refined.csv")
    assert raw.layout == refined.layout == "reference"
    assert _outputs(raw) == _outputs(refined) == [f"id{i:03d}/prompt{k}.mp4" for i in (1, 2) for k in (1, 2)]
    assert raw.items[3].prompt == 'Raw id002/prompt2, "quoted", with commas.'
    assert refined.items[3].prompt == "A man, refined id002/prompt2."
    assert raw.items[3].faces == (root.resolve() / "raw/id002/image.jpg",)
    assert not raw.warnings
    assert "--prompts raw" in refined.warnings[0]


def test_first_frames_stand_in_where_there_are_no_photos(tmp_path: Path) -> None:
    root = _reference(tmp_path)
    (root / "raw").rename(tmp_path.parent / f"{tmp_path.name}-raw")
    dataset = read(root)
    assert dataset.items[1].faces == (root.resolve() / "i2v/id001/prompt2.jpg",)
    assert len(dataset.warnings) == 1
    (root / "i2v/id001/prompt2.jpg").unlink()
    assert _only(root).startswith("data_raw.csv:3: i2v/id001/prompt2.jpg: there is no such file")


def test_the_reference_codes_folders_without_tables(tmp_path: Path) -> None:
    root = _reference(tmp_path)
    for name in ("data_raw.csv", "data_refined.csv"):
        (root / name).unlink()
    assert read(root).layout == "vip200k"  # raw/ still holds what the user wrote
    (root / "raw").rename(root / "i2v-photos")
    assert read(root).items[2].prompt == "A man, refined id002/prompt1."
    (root / "i2v").rename(root / "frames")
    (root / "i2v-photos").rename(root / "raw2")
    assert all("i2v/id00" in problem for problem in _problems(root))  # t2i/ alone has no picture


@pytest.mark.parametrize(
    ("table", "complaint"),
    [
        (b"image_path,text\na,b\n", "its columns are image_path,prompt"),
        (b"image_path,prompt\n../i2v/id001/prompt1.jpg,She waves\n", "leaves the data set's folder"),
        (b"image_path,prompt\n/data/i2v/id001/prompt1.jpg,She waves\n", "absolute path"),
        (b"image_path,prompt\nhttps://x.org/id001/prompt1.jpg,She waves\n", "is an address"),
        (b"image_path,prompt\ni2v/cover.jpg,She waves\n", "does not end in idNNN/promptK.jpg"),
        (b"image_path,prompt\ni2v/id001/prompt1.jpg,She waves, smiles\n", "3 columns"),
        (b'image_path,prompt\ni2v/id001/prompt1.jpg,"She waves\n', "is no CSV"),
        (b"image_path,prompt\ni2v/id001/prompt1.jpg,\n", "prompt is empty"),
        (b"image_path,prompt\n", "holds no prompt"),
        (b"", "is empty"),
    ],
)
def test_a_wrong_table_of_the_reference_code(tmp_path: Path, table: bytes, complaint: str) -> None:
    root = _reference(tmp_path)
    _text(root / "data_raw.csv", table)
    assert complaint in _only(root)


# the 2026 challenge


def test_track_1(tmp_path: Path) -> None:
    for number in (1, 2):
        _photo(tmp_path / "images" / f"{number}.png", number)
    entries = [
        {"img": "images/1.png", "prompt": "She waves."},
        {"img": "2.png", "prompt": "He nods.", "x": 1},
    ]
    dataset = read(_json(tmp_path, entries).parent)
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
        _photo(tmp_path / "images" / f"{number}.png", number)
    captions = [
        {"start": 0, "end": 1.5, "description": "The man waves;"},
        {"start": "1.5", "end": "4s", "description": "he turns left, then nods."},
    ]
    entry = {"img_paths": ["images/1.png", "images/2.png"], "class_label": "man",
             "global_prompt": "A man in a kitchen", "temporal_captions": captions}  # fmt: skip
    dataset = read(_json(tmp_path, [entry, entry | {"temporal_captions": []}], "test.json"))
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
    (only,) = read(_json(tmp_path, [entry], "test.json")).items
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
    _photo(tmp_path / "1.png")
    entry = {"img_paths": ["1.png"], "global_prompt": "A man.", "temporal_captions": [caption]}
    problem = _only(_json(tmp_path, [entry]))
    assert problem.startswith("eval.json: item 1: temporal_captions")
    assert complaint in problem


def test_overlapping_captions_are_refused(tmp_path: Path) -> None:
    _photo(tmp_path / "1.png")
    captions = [{"start": s, "end": s + 2, "description": "she waves"} for s in (0, 1)]
    entry = {"img_paths": ["1.png"], "global_prompt": "A woman.", "temporal_captions": captions}
    assert "overlaps 0-2s" in _only(_json(tmp_path, [entry]))


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
    _photo(tmp_path / "1.png")
    assert complaint in _only(_text(tmp_path / "eval.json", content))


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
    _photo(tmp_path / "1.png")
    (root / "out.png").symlink_to(tmp_path / "1.png")
    (root / "linked").symlink_to(tmp_path)
    if layout == "track1":
        file = _json(root, [{"img": name, "prompt": "She waves."}])
    elif layout == "jsonl":
        file = _json(root, {"image": name, "prompt": "She waves."}, "data.jsonl")
    else:
        if "\0" in name or not name.strip():
            pytest.skip("CSV has no such cell")
        file = root / "data.csv"
        with file.open("w", newline="") as opened:
            csv.writer(opened).writerows([["image", "prompt"], [name, "She waves."]])
    assert PATHS[name] in _only(file)


# CSV and JSONL


def _table(root: Path, rows: list[list[str]], mark: str = ",", encoding: str = "utf-8") -> Path:
    file = root / "data.csv"
    with file.open("w", newline="", encoding=encoding) as opened:
        csv.writer(opened, delimiter=mark).writerows(rows)
    return file


@pytest.mark.parametrize(("mark", "encoding"), [(",", "utf-8"), (";", "utf-8-sig"), ("\t", "utf-8")])
def test_csv(tmp_path: Path, mark: str, encoding: str) -> None:
    for name in ("a.png", "b.jpg"):
        _photo(tmp_path / "photos" / name)
    rows = [["id", "image", "prompt", "seed", "detail", "guidance_scale"],
            ["anna", "photos/a.png|photos/b.jpg", "She waves; then,\nshe nods.", "7", "false", "4.5"],
            ["anna", "photos/a.png", "Sie lächelt.", "", "", ""],
            ["", "photos/b.jpg", "He nods.", "", "", ""]]  # fmt: skip
    dataset = read(_table(tmp_path, rows, mark, encoding))
    assert dataset.layout == "csv"
    assert _outputs(dataset) == ["anna/prompt1.mp4", "anna/prompt2.mp4", "3.mp4"]
    first, second, third = dataset.items
    assert [face.name for face in first.faces] == ["a.png", "b.jpg"]
    assert dict(first.options) == {"seed": 7, "detail": False, "guidance_scale": 4.5}
    assert first.prompt == "She waves; then,\nshe nods."
    assert dict(second.options) == {}
    assert (third.id, third.prompt_id) == ("3", "1")
    assert read(tmp_path).items == dataset.items


def test_jsonl(tmp_path: Path) -> None:
    for name in ("a.png", "b.jpg"):
        _photo(tmp_path / name)
    lines = [
        {"images": ["a.png", "b.jpg"], "prompt": "She waves.", "seed": 3, "mode": "r2v", "lora_weight": 1},
        {"face": "a.png", "prompt": "She nods.", "id": 7, "prompt_id": "nod", "output": "out/nod.mp4"},
    ]
    file = _text(tmp_path / "set.jsonl", "\n".join(map(json.dumps, lines)) + "\n\n")
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
    _photo(tmp_path / "a.png")
    good = {"image": "a.png", "prompt": "She waves."}
    _text(tmp_path / "data.jsonl", "\n".join(map(json.dumps, [good, good | fields, good])))
    problem = _only(tmp_path)
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
    _photo(tmp_path / "a.png")
    good = {"image": "a.png", "prompt": "She waves."}
    _text(tmp_path / "data.jsonl", "\n".join(json.dumps(good | row) for row in rows))
    problem = _only(tmp_path)
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
    _photo(tmp_path / "a.png")
    _text(tmp_path / "data.csv", table)
    assert any(complaint in problem for problem in _problems(tmp_path))


def test_line_numbers_are_those_of_the_file(tmp_path: Path) -> None:
    _photo(tmp_path / "a.png")
    _text(tmp_path / "data.csv", 'image,prompt\n\na.png,"two\nlines"\na.png,"..."\n')
    assert _only(tmp_path).startswith("data.csv:5: ")


# finding


def _two_lists(root: Path) -> None:
    _text(root / "a.csv", "image,prompt\n")
    _text(root / "b.jsonl", "{}\n")


def _two_sets(root: Path) -> None:
    _vip200k(root / "one")
    _vip200k(root / "two")


def _person(root: Path) -> None:
    _photo(root / "image.png")
    _text(root / "prompt1.txt", "She waves.")


@pytest.mark.parametrize(
    ("make", "complaint"),
    [
        (lambda root: None, "is no data set"),
        (_two_lists, "holds several lists (a.csv, b.jsonl)"),
        (_two_sets, "holds several data sets (one, two)"),
        (_person, "folder of one person"),
        (lambda root: (root / "raw").mkdir(), "raw: holds no folder of a person"),
    ],
)
def test_what_is_no_data_set(tmp_path: Path, make: Callable[[Path], None], complaint: str) -> None:
    make(tmp_path)
    assert complaint in _only(tmp_path)


def test_paths_that_are_none(tmp_path: Path) -> None:
    assert "there is no such file or folder" in _only(tmp_path / "absent")
    assert "is an address" in _only(Path("https://x.org/data.csv"))
    assert "is neither a folder nor" in _only(_text(tmp_path / "set.xlsx", "x"))
    assert "there is no such file" in _only(Path("a\nb"))
    os.mkfifo(tmp_path / "pipe.csv")
    assert "is not a regular file" in _only(tmp_path / "pipe.csv")


def test_an_error_travels_between_processes(tmp_path: Path) -> None:
    error = DatasetError("set: 2 problems, the first: a", ("a", "b"))
    again = pickle.loads(pickle.dumps(error))
    assert (str(again), again.problems) == (str(error), ("a", "b"))


# size


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
    _photo(tmp_path / "1.png")
    assert "order of time" in _only(_json(tmp_path, [{"img": "1.png", "prompt": timed}]))


def test_ten_thousand_rows_take_seconds(tmp_path: Path) -> None:
    for number in range(20):
        _photo(tmp_path / f"{number}.png", number)
    words = "In a bright kitchen, a woman in a white apron chops 3 onions, then she turns around. " * 5
    lines = [{"image": f"{n % 20}.png", "prompt": f"{words} {n}", "seed": n} for n in range(10_000)]
    file = _text(tmp_path / "data.jsonl", "\n".join(map(json.dumps, lines)))
    begin = time.process_time()
    dataset = read(file)
    assert time.process_time() - begin < 5
    assert len(dataset.items) == 10_000
    assert dataset.items[-1].options["seed"] == 9_999


def test_ten_thousand_prompts_in_folders_and_timed_ones_take_seconds(tmp_path: Path) -> None:
    _vip200k(tmp_path / "set", people=20, prompts=250)
    _photo(tmp_path / "1.png")
    captions = [{"start": s, "end": s + 2.5, "description": "The woman waves slowly."} for s in (0, 2.5)]
    entry = {"img_paths": ["1.png"], "global_prompt": "A woman in a garden.", "temporal_captions": captions}
    file = _json(tmp_path, [entry] * 5_000)
    begin = time.process_time()
    assert len(read(tmp_path / "set").items) + len(read(file).items) == 10_000
    assert time.process_time() - begin < 10


def test_more_than_the_cap_is_one_clear_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MOST_ITEMS", 5)
    _vip200k(tmp_path, people=2, prompts=3)
    assert _only(tmp_path) == "holds more than 5 videos; split it into several data sets"


def test_the_layouts_named_are_those_that_the_world_writes() -> None:
    from training.world.layouts import LAYOUTS

    assert LAYOUTS == layouts.LAYOUTS
