"""Layouts of folders, how a data set is found, and large ones: all that is wrong is told before any work."""

from __future__ import annotations

import csv
import json
import os
import pickle
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from made_datasets import json_file, only_problem, outputs, photo, problems_of, text_file, vip200k

from stillmotion.batch import layouts, reading
from stillmotion.batch.layouts import DatasetError, read

# VIP-200K


def test_vip200k_is_read_in_the_order_of_its_numbers(tmp_path: Path) -> None:
    dataset = read(vip200k(tmp_path, people=2, prompts=11))
    assert dataset.layout == "vip200k"
    assert dataset.root == tmp_path.resolve()
    assert outputs(dataset) == [f"id{i:03d}/prompt{k}.mp4" for i in (1, 2) for k in range(1, 12)]
    item = dataset.items[10]
    assert (item.id, item.prompt_id) == ("id001", "prompt11")
    assert item.faces == (tmp_path.resolve() / "raw/id001/image.webp",)
    assert item.prompt == item.text == "Person 1 waves, take 11."
    assert dict(item.options) == {}
    assert dataset.warnings == ()
    assert pickle.loads(pickle.dumps(dataset)) == dataset


@pytest.mark.parametrize("named", ["raw", ".", ".."])
def test_vip200k_by_the_folder_itself_or_one_above(tmp_path: Path, named: str) -> None:
    root = vip200k(tmp_path / "above" / "set")
    assert outputs(read(root / named)) == outputs(read(root))
    assert read(root / named).items == read(root).items


def test_several_photos_of_a_person(tmp_path: Path) -> None:
    folder = vip200k(tmp_path, people=1) / "raw" / "id001"
    for name in ("image10.png", "image2.jpg", "image_3.jpeg", "notes.txt"):
        photo(folder / name) if name != "notes.txt" else text_file(folder / name, "x")
    names = [face.name for face in read(tmp_path).items[0].faces]
    assert names == ["image.webp", "image2.jpg", "image10.png", "image_3.jpeg"]


def test_a_byte_order_mark_and_line_breaks_in_prompts(tmp_path: Path) -> None:
    folder = vip200k(tmp_path, people=1, prompts=1) / "raw" / "id001"
    text_file(folder / "prompt1.txt", "\ufeff  She waves.\r\nThen she nods. \n\n")
    assert read(tmp_path).items[0].prompt == "She waves.\r\nThen she nods."


def test_fewer_prompts_than_the_others_and_stray_files_are_mentioned(tmp_path: Path) -> None:
    raw = vip200k(tmp_path, people=3) / "raw"
    (raw / "id002" / "prompt3.txt").unlink()
    text_file(raw / "readme.md", "hello")
    text_file(raw / ".DS_Store", "x")
    (raw / "scripts").mkdir()
    dataset = read(tmp_path)
    assert len(dataset.items) == 8
    assert len(dataset.warnings) == 3
    assert any("readme.md" in warning for warning in dataset.warnings)
    assert any("scripts" in warning for warning in dataset.warnings)
    assert any("id002" in warning and "3 prompts" in warning for warning in dataset.warnings)


def test_all_problems_are_told_at_once(tmp_path: Path) -> None:
    raw = vip200k(tmp_path, people=9) / "raw"
    (raw / "id001" / "prompt2.txt").unlink()
    text_file(raw / "id002" / "prompt1.txt", b"")
    text_file(raw / "id002" / "prompt2.txt", " \n")
    text_file(raw / "id003" / "prompt1.txt", b"caf\xe9 scene")
    text_file(raw / "id003" / "prompt3.txt", "She waves.".encode("utf-16"))
    text_file(raw / "id004" / "prompt1.txt", "She waves \x1b[31m.")
    text_file(raw / "id004" / "prompt2.txt", "word " * 900)
    text_file(raw / "id004" / "prompt3.txt", "2-5s: she waves; 1-2s: she nods")
    next(iter((raw / "id005").glob("image.*"))).unlink()
    photo(raw / "id006" / "image.jpg")
    cut = raw / "id007" / "image.webp"
    cut.write_bytes(cut.read_bytes()[:700])
    text_file(raw / "id008" / "prompt01.txt", "She waves.")
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
    problems = problems_of(tmp_path)
    for parts in expected:
        assert any(p.startswith(parts[0]) and all(x in p for x in parts) for p in problems), parts
    assert len(problems) == len(expected)
    with pytest.raises(DatasetError, match=r"14 problems, the first: raw/id001: prompt2.txt is missing"):
        read(tmp_path)


def test_a_photo_shared_by_many_prompts_is_told_once(tmp_path: Path) -> None:
    raw = vip200k(tmp_path, people=1, prompts=5) / "raw"
    text_file(raw / "id001" / "image.webp", "no picture at all")
    assert only_problem(tmp_path).startswith("raw/id001/image.webp: is not a picture")


def test_links_that_lead_out_and_pipes_are_refused(tmp_path: Path) -> None:
    root = vip200k(tmp_path / "set", people=3, prompts=1)
    raw = root / "raw"
    secret = text_file(tmp_path / "secret.txt", "She waves.")
    (raw / "id001" / "prompt1.txt").unlink()
    (raw / "id001" / "prompt1.txt").symlink_to(secret)
    (raw / "id002" / "prompt1.txt").unlink()
    os.mkfifo(raw / "id002" / "prompt1.txt")
    portrait = next(iter((raw / "id003").glob("image.*")))
    portrait.unlink()
    portrait.symlink_to(photo(tmp_path / "other.png"))
    (raw / "id004").symlink_to(tmp_path)
    problems = problems_of(root)
    assert sum("leads out of the data set" in problem for problem in problems) == 3
    assert any("id002/prompt1.txt: is not a regular file" in problem for problem in problems)
    assert len(problems) == 4


def test_links_inside_and_a_link_to_the_whole_are_fine(tmp_path: Path) -> None:
    root = vip200k(tmp_path / "set", people=1, prompts=1)
    (root / "raw/id001/prompt2.txt").symlink_to("prompt1.txt")
    (tmp_path / "link").symlink_to(root)
    assert len(read(tmp_path / "link").items) == 2


def test_folders_whose_names_differ_in_case_write_one_file(tmp_path: Path) -> None:
    raw = vip200k(tmp_path, people=1, prompts=1) / "raw"
    photo(raw / "ID001" / "image.png")
    text_file(raw / "ID001" / "prompt1.txt", "She waves.")
    if len(os.listdir(raw)) < 2:
        pytest.skip("the file system does not tell case apart")
    assert "give it another id" in only_problem(tmp_path)


# the reference code's


def _reference(root: Path) -> Path:
    vip200k(root, people=2, prompts=2)
    rows = {"raw": [], "refined": []}  # type: dict[str, list[list[str]]]
    for person in ("id001", "id002"):
        for number in (1, 2):
            name = f"{person}/prompt{number}"
            photo(root / "i2v" / f"{name}.jpg", number)
            text_file(root / "i2v" / f"{name}.txt", f"A man, refined {name}.")
            text_file(root / "t2i" / f"{name}.txt", f"A man, spatial {name}, close-up")
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
    assert outputs(raw) == outputs(refined) == [f"id{i:03d}/prompt{k}.mp4" for i in (1, 2) for k in (1, 2)]
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
    assert only_problem(root).startswith("data_raw.csv:3: i2v/id001/prompt2.jpg: there is no such file")


def test_the_reference_codes_folders_without_tables(tmp_path: Path) -> None:
    root = _reference(tmp_path)
    for name in ("data_raw.csv", "data_refined.csv"):
        (root / name).unlink()
    assert read(root).layout == "vip200k"  # raw/ still holds what the user wrote
    (root / "raw").rename(root / "i2v-photos")
    assert read(root).items[2].prompt == "A man, refined id002/prompt1."
    (root / "i2v").rename(root / "frames")
    (root / "i2v-photos").rename(root / "raw2")
    assert all("i2v/id00" in problem for problem in problems_of(root))  # t2i/ alone has no picture


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
    text_file(root / "data_raw.csv", table)
    assert complaint in only_problem(root)


# finding


def _two_lists(root: Path) -> None:
    text_file(root / "a.csv", "image,prompt\n")
    text_file(root / "b.jsonl", "{}\n")


def _two_sets(root: Path) -> None:
    vip200k(root / "one")
    vip200k(root / "two")


def _person(root: Path) -> None:
    photo(root / "image.png")
    text_file(root / "prompt1.txt", "She waves.")


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
    assert complaint in only_problem(tmp_path)


def test_paths_that_are_none(tmp_path: Path) -> None:
    assert "there is no such file or folder" in only_problem(tmp_path / "absent")
    assert "is an address" in only_problem(Path("https://x.org/data.csv"))
    assert "is neither a folder nor" in only_problem(text_file(tmp_path / "set.xlsx", "x"))
    assert "there is no such file" in only_problem(Path("a\nb"))
    os.mkfifo(tmp_path / "pipe.csv")
    assert "is not a regular file" in only_problem(tmp_path / "pipe.csv")


def test_an_error_travels_between_processes(tmp_path: Path) -> None:
    error = DatasetError("set: 2 problems, the first: a", ("a", "b"))
    again = pickle.loads(pickle.dumps(error))
    assert (str(again), again.problems) == (str(error), ("a", "b"))


# size


def test_ten_thousand_rows_take_seconds(tmp_path: Path) -> None:
    for number in range(20):
        photo(tmp_path / f"{number}.png", number)
    words = "In a bright kitchen, a woman in a white apron chops 3 onions, then she turns around. " * 5
    lines = [{"image": f"{n % 20}.png", "prompt": f"{words} {n}", "seed": n} for n in range(10_000)]
    file = text_file(tmp_path / "data.jsonl", "\n".join(map(json.dumps, lines)))
    begin = time.process_time()
    dataset = read(file)
    assert time.process_time() - begin < 5
    assert len(dataset.items) == 10_000
    assert dataset.items[-1].options["seed"] == 9_999


def test_ten_thousand_prompts_in_folders_and_timed_ones_take_seconds(tmp_path: Path) -> None:
    vip200k(tmp_path / "set", people=20, prompts=250)
    photo(tmp_path / "1.png")
    captions = [{"start": s, "end": s + 2.5, "description": "The woman waves slowly."} for s in (0, 2.5)]
    entry = {"img_paths": ["1.png"], "global_prompt": "A woman in a garden.", "temporal_captions": captions}
    file = json_file(tmp_path, [entry] * 5_000)
    begin = time.process_time()
    assert len(read(tmp_path / "set").items) + len(read(file).items) == 10_000
    assert time.process_time() - begin < 10


def test_more_than_the_cap_is_one_clear_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MOST_ITEMS", 5)
    vip200k(tmp_path, people=2, prompts=3)
    assert only_problem(tmp_path) == "holds more than 5 videos; split it into several data sets"


def test_the_layouts_named_are_those_that_the_world_writes() -> None:
    from training.world.layouts import LAYOUTS

    assert LAYOUTS == layouts.LAYOUTS
