"""A data set by its path: which layout it has, and its items, all of it checked before any work starts.

    vip200k     raw/idNNN/{image.png, prompt1.txt .. promptK.txt}: VIP-200K, the 2025 challenge
    reference   data_{raw,refined}.csv, i2v/, t2i/: what the method's reference code leaves behind
    track1      eval.json with {img, prompt}: the 2026 challenge
    track2      eval.json with {img_paths, class_label, global_prompt, temporal_captions}
    csv, jsonl  one row or object for each video

``docs/datasets.md`` shows each of them.
"""

from __future__ import annotations

import os
from pathlib import Path

from stillmotion.batch.reading import Dataset, DatasetError, Item, failed, shown
from stillmotion.batch.reading_folders import (
    has_people,
    is_reference_table,
    read_reference_folders,
    read_reference_table,
    read_vip200k,
)
from stillmotion.batch.reading_lists import read_csv, read_json, read_jsonl

__all__ = ["LAYOUTS", "Dataset", "DatasetError", "Item", "read"]

LAYOUTS = ("vip200k", "reference", "track1", "track2", "csv", "jsonl")
_TABLES = ("data_raw.csv", "data_refined.csv")
_LISTS = ("eval.json", "data.json", "data.jsonl", "data.csv")
_ENDINGS = (".json", ".jsonl", ".ndjson", ".csv")
_SEE = "docs/datasets.md shows the layouts"


def read(path: Path) -> Dataset:
    """The data set at ``path``: a folder, or the list itself.

    Raises DatasetError, whose ``problems`` are everything that is wrong with it: names, files, texts,
    photos (each one is decoded), duplicates. Nothing is written and nothing outside its folder is opened.
    """
    path = Path(path)
    try:
        if path.is_dir():
            return _read_folder(path)
        if path.exists():
            return _read_file(path, path)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise failed(path, [f"cannot be read ({shown(reason)}); check the path"]) from None
    if "://" in str(path) or str(path).startswith(("http:", "https:")):
        raise failed(path, ["is an address, and nothing is fetched; download it and give the folder"])
    raise failed(path, ["there is no such file or folder; check the path"])


def _read_folder(path: Path) -> Dataset:
    """What the folder is itself, or else what the only data set one level below it is."""
    dataset = _read_as_set(path)
    if dataset is not None:
        return dataset
    if has_people(path):
        return read_vip200k(path, "", path)
    lists = _lists_in(path)
    if len(lists) == 1:
        return _read_file(lists[0], path)
    if lists:
        names = ", ".join(shown(each.name) for each in lists[:4])
        raise failed(path, [f"holds several lists ({names}); give the file itself"])
    below = [
        Path(entry) for entry in sorted(os.scandir(path), key=lambda entry: entry.name) if _is_set(entry)
    ]
    if len(below) == 1:
        dataset = _read_as_set(below[0])
        if dataset is not None:
            return dataset
    if below:
        names = ", ".join(shown(each.name) for each in below[:4])
        raise failed(path, [f"holds several data sets ({names}); give one of them"])
    if any(each.name.lower().startswith("prompt") for each in path.glob("*.txt")):
        raise failed(path, ["is the folder of one person; give the folder above it"])
    raise failed(path, [f"is no data set; {_SEE}"])


def _read_as_set(path: Path) -> Dataset | None:
    """A folder that its own files and folders tell to be a data set."""
    for name in _TABLES:
        if (path / name).is_file():
            return read_reference_table(path / name, path)
    if (path / "raw").is_dir():
        return read_vip200k(path, "raw", path)
    for name in ("i2v", "t2i"):
        if (path / name).is_dir():
            return read_reference_folders(path, name)
    return _read_file(path / "eval.json", path) if (path / "eval.json").is_file() else None


def _is_set(entry: os.DirEntry[str]) -> bool:
    if entry.name.startswith(".") or not entry.is_dir():
        return False
    inside = ("raw", "i2v", "t2i", "eval.json", *_TABLES)
    return any(os.path.exists(os.path.join(entry.path, name)) for name in inside)


def _lists_in(path: Path) -> list[Path]:
    """The lists of a folder: those of the usual names where there are any, else all."""
    usual = [path / name for name in _LISTS if (path / name).is_file()]
    every = (each for each in sorted(path.iterdir()) if each.suffix.lower() in _ENDINGS)
    return usual or [each for each in every if each.is_file() and not each.name.startswith(".")]


def _read_file(file: Path, named: Path) -> Dataset:
    ending = file.suffix.lower()
    if ending == ".csv":
        if file.name in _TABLES or is_reference_table(file):
            return read_reference_table(file, named)
        return read_csv(file, named)
    if ending in (".jsonl", ".ndjson"):
        return read_jsonl(file, named)
    if ending == ".json":
        return read_json(file, named)
    raise failed(named, [f"is neither a folder nor a .csv, .json or .jsonl file; {_SEE}"])
