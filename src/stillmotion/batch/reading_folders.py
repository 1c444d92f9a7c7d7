"""Layouts that are folders of people: VIP-200K's, and what the method's reference code makes of it."""

from __future__ import annotations

import csv
import io
import os
import re
from collections import Counter
from pathlib import Path

from stillmotion.batch.reading import (
    MOST_FACES,
    MOST_LIST,
    Dataset,
    Item,
    Reader,
    natural,
    shown,
    text_of,
    wrong_name,
    wrong_path,
)

_PHOTO = re.compile(r"image(?:[_-]?\d+)?\.(?:png|webp|jpe?g)", re.IGNORECASE)
_PROMPT = re.compile(r"prompt(\d{1,6})\.txt", re.IGNORECASE)
_FRAME = re.compile(r"(?:.*/)?([^/]+)/(prompt\d{1,6})\.(?:png|webp|jpe?g)", re.IGNORECASE)
_PERSON = re.compile(r"id\d+", re.IGNORECASE)
_LITTER = ("__MACOSX", "Thumbs.db", "desktop.ini")


def has_people(path: Path) -> bool:
    """Whether one of a folder's folders looks like a person's."""
    for entry in os.scandir(path):
        if not entry.name.startswith(".") and entry.is_dir():
            if _PERSON.fullmatch(entry.name):
                return True
            names = os.listdir(entry.path)
            if any(map(_PHOTO.fullmatch, names)) and any(map(_PROMPT.fullmatch, names)):
                return True
    return False


def read_vip200k(root: Path, folder: str, named: Path) -> Dataset:
    """``folder`` of ``root`` ("raw", or "" for the root itself) holds idNNN/{image.png, promptK.txt}."""
    reader = Reader("vip200k", root, named)
    counts: dict[str, int] = {}
    for person in _folders(reader, reader.root / folder):
        names = _files(person)
        photos = [name for name in names if _PHOTO.fullmatch(name)]
        prompts = [name for name in names if _PROMPT.fullmatch(name)]
        where = reader.place(person)
        if not photos and not prompts and not _PERSON.fullmatch(person.name):
            reader.warnings.append(f"{where}: holds neither a photo nor a prompt and was passed over")
            continue
        if not _good_name(reader, person):
            continue
        faces = _faces(reader, person, photos)
        if not photos:
            reader.problem(where, "holds no photo; put image.png, image.webp or image.jpg there")
        _check_numbers(reader, where, prompts)
        counts[person.name] = len(prompts)
        for name in prompts:
            _add(reader, person.name, name, faces, reader.text_file(person / name))
    _warn_of_uneven(reader, counts)
    return reader.finish()


def read_reference_folders(root: Path, folder: str) -> Dataset:
    """The reference code's i2v/ or t2i/ without its tables: idNNN/promptK.txt, photos as in ``_person``."""
    reader = Reader("reference", root, root)
    reader.warnings.append(f"the prompts are those of {folder}/, rewritten once already: --prompts raw fits")
    for person in _folders(reader, reader.root / folder):
        prompts = [name for name in _files(person) if _PROMPT.fullmatch(name)]
        if not _good_name(reader, person):
            continue
        _check_numbers(reader, reader.place(person), prompts)
        for name in prompts:
            frame = f"i2v/{person.name}/{Path(name).stem}.jpg"
            faces = _person(reader, person.name, frame, reader.place(person / name))
            _add(reader, person.name, name, faces, reader.text_file(person / name))
    return reader.finish()


def is_reference_table(file: Path) -> bool:
    """Whether a CSV has the reference code's two columns and names pictures of its i2v folder."""
    if not file.is_file():
        return False
    with file.open("rb") as opened:
        head = opened.read(4096).decode("utf-8-sig", errors="replace").splitlines()
    return len(head) > 1 and head[0].strip() == "image_path,prompt" and "i2v/" in head[1].split(",")[0]


def read_reference_table(file: Path, named: Path) -> Dataset:
    """data_raw.csv or data_refined.csv: image_path (./vip200k/i2v/id001/prompt1.jpg) and prompt.

    The pictures of image_path are first frames, so the person's photo is taken from raw/ where it is there.
    """
    reader = Reader("reference", file.parent, named)
    if "refined" in file.name:
        reader.warnings.append("the prompts are the refined ones, rewritten once already: --prompts raw fits")
    data = reader.bytes_of(reader.root / file.name, shown(file.name), MOST_LIST)
    for line, row in _rows(reader, file.name, data) if data is not None else ():
        where = f"{shown(file.name)}:{line}"
        if len(row) != 2:
            reader.problem(where, f"has {len(row)} columns, not image_path and prompt; quote the prompt")
            continue
        path, prompt = row[0].strip(), reader.prompt(row[1], where)
        match = _FRAME.fullmatch(path)
        wrong = wrong_path(path) or (match and wrong_name(match[1]))
        if wrong or not match:
            name = f"'{shown(path)}' does not end in idNNN/promptK.jpg"
            reader.problem(where, f"image_path: {wrong or name + '; give the path of a first frame'}")
            continue
        faces = _person(reader, match[1], path, where)
        if faces and prompt is not None:
            _take(reader, match[1], match[2], faces, prompt, where)
    return reader.finish()


def _rows(reader: Reader, name: str, data: bytes) -> list[tuple[int, list[str]]]:
    """The rows below the header with the line that each begins in; empty ones are left out."""
    found: list[tuple[int, list[str]]] = []
    try:
        rows = csv.reader(io.StringIO(text_of(data), newline=""), strict=True)
        header = [column.strip() for column in next(rows, [])]
        if header != ["image_path", "prompt"]:
            reader.problem(shown(name), f"begins with {shown(header)}; its columns are image_path,prompt")
            return []
        begin = rows.line_num + 1
        for row in rows:
            if any(row):
                found.append((begin, row))
            begin = rows.line_num + 1
    except (csv.Error, ValueError) as error:
        what = str(error) if isinstance(error, ValueError) else f"is no CSV ({error}); check its quotes"
        reader.problem(shown(name), what)
    return found


def _person(reader: Reader, person: str, frame: str, where: str) -> tuple[Path, ...]:
    """The photos of a person of the reference layout: raw/idNNN/image.*, or else the first frame itself."""
    if person in reader.people:
        return reader.people[person]
    folder = reader.root / "raw" / person
    photos = [name for name in _files(folder) if _PHOTO.fullmatch(name)] if folder.is_dir() else []
    if photos:
        reader.people[person] = _faces(reader, folder, photos)
        return reader.people[person]
    note = "there is no raw/ with the photos of these people: their first frames are taken instead"
    if note not in reader.warnings:
        reader.warnings.append(note)
    parts = [part for part in frame.split("/") if part not in ("", ".")]
    # The tables name pictures from the folder above on, whatever the data set's own folder is called now.
    names = ["/".join(parts[start:]) for start in range(max(1, len(parts) - 2))]
    name = next((each for each in names if os.path.lexists(reader.root / each)), names[-1])
    photo = reader.photo(reader.root / name, f"{where}: {shown(name)}")
    return (photo,) if photo else ()


def _folders(reader: Reader, folder: Path) -> list[Path]:
    """The folders of people, in the order of their numbers; files beside them are mentioned."""
    if reader.inside(folder, shown(folder.name)) is None:
        return []
    found, others = [], []
    for name in sorted(os.listdir(folder), key=natural):
        if name.startswith(".") or name in _LITTER:
            continue
        path = folder / name
        if not path.is_dir():
            others.append(shown(name))
        elif reader.inside(path, reader.place(path)) is not None:
            found.append(path)
    if others and folder != reader.root:
        more = f" and {len(others) - 3} more" if len(others) > 3 else ""
        reader.warnings.append(f"{reader.place(folder)}: passed over {', '.join(others[:3])}{more}")
    if not found:
        reader.problem(shown(folder.name), "holds no folder of a person; make idNNN folders in it")
    return found


def _files(folder: Path) -> list[str]:
    return sorted(os.listdir(folder), key=natural)


def _good_name(reader: Reader, person: Path) -> bool:
    wrong = wrong_name(person.name)
    if wrong:
        reader.problem(reader.place(person), f"the folder's name {wrong}")
    return not wrong


def _faces(reader: Reader, folder: Path, names: list[str]) -> tuple[Path, ...]:
    """A person's photos; a name with two endings is not two photos, and which one counts is open."""
    where = reader.place(folder)
    stems = Counter(Path(name).stem.casefold() for name in names)
    twice = [stem for stem, count in stems.items() if count > 1]
    if twice:
        same = [name for name in names if Path(name).stem.casefold() == twice[0]]
        reader.problem(where, f"holds {' and '.join(same)}; keep one, or name the second {twice[0]}2")
    if len(names) > MOST_FACES:
        reader.problem(where, f"holds {len(names)} photos; at most {MOST_FACES} are read")
    # By the stem, so that image.webp comes before image2.jpg.
    names = sorted(names, key=lambda name: natural(Path(name).stem))[:MOST_FACES]
    photos = (reader.photo(folder / name, reader.place(folder / name)) for name in names)
    return tuple(photo for photo in photos if photo)


def _check_numbers(reader: Reader, where: str, prompts: list[str]) -> None:
    """prompt1 to promptK without a gap and without a number that two files share."""
    numbers = Counter(int(match[1]) for match in map(_PROMPT.fullmatch, prompts) if match)
    if not numbers:
        reader.problem(where, "holds no prompt; write prompt1.txt")
    for number, count in numbers.items():
        if count > 1:
            reader.problem(where, f"holds {count} files for prompt {number}; keep one")
    missing = sorted(set(range(1, max(numbers, default=0))) - set(numbers))
    for number in missing[:20]:
        reader.problem(where, f"prompt{number}.txt is missing; add it or number the prompts without a gap")


def _add(reader: Reader, person: str, name: str, faces: tuple[Path, ...], prompt: str | None) -> None:
    if faces and prompt is not None:
        _take(reader, person, Path(name).stem, faces, prompt, f"{shown(person)}/{name}")


def _take(
    reader: Reader, person: str, prompt_id: str, faces: tuple[Path, ...], prompt: str, where: str
) -> None:
    output = f"{person}/{prompt_id}.mp4"
    reader.add(Item(person, prompt_id, faces, prompt, output, {}, prompt), where)


def _warn_of_uneven(reader: Reader, counts: dict[str, int]) -> None:
    """Not every person has as many prompts as most have: said, since it may be meant."""
    usual = Counter(counts.values()).most_common(1)[0][0] if counts else 0
    fewer = [person for person, count in counts.items() if count != usual]
    if fewer:
        names = ", ".join(fewer[:5]) + (", ..." if len(fewer) > 5 else "")
        reader.warnings.append(f"{len(fewer)} of {len(counts)} people have not {usual} prompts: {names}")
