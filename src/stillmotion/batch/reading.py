"""What every layout is read with: safe names, whole texts, photos that decode, one list of complaints.

A data set comes from elsewhere, so its names are not trusted: nothing outside its folder is opened, nothing
is fetched, and no name that it holds becomes a path of ours before it was looked at.
"""

from __future__ import annotations

import os
import re
import stat
import unicodedata
import warnings
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from stillmotion.errors import InputError
from stillmotion.prompts.text import check_prompt
from stillmotion.prompts.timeline import read_timeline

MOST_ITEMS = 100_000
"""The most videos of one data set; VIP-200K's test set has 1,000."""
MOST_FACES = 8
"""The most photos of one person, as in Request."""
MOST_TEXT = 64 * 2**10
"""Bytes of one prompt's file: four times what the longest prompt can take."""
MOST_LIST = 256 * 2**20
"""Bytes of one CSV, JSON or JSONL file."""

_NAME = re.compile(r"\w[\w.+ -]{0,99}")
_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]+:/|data:|www\.", re.IGNORECASE)
_DRIVE = re.compile(r"[A-Za-z]:")
_MAY_BE_TIMED = re.compile(
    r"sec|\d\s*-?\s*s(?![a-z])|\d\s*(?:-+>?|[\u2013\u2014~]|\.\.+|to|until|till|and)\s*\d", re.IGNORECASE
)
"""What every time range of a prompt holds: most prompts need not be searched for them letter by letter."""
_LINE_BREAKS = str.maketrans("\t\n\r", "   ")
_MARKS = ((b"\xff\xfe", "UTF-16"), (b"\xfe\xff", "UTF-16"))


@dataclass(frozen=True)
class Item:
    """One video to make.

    ``prompt`` is as the user wrote it, timed where the layout has times; ``text`` is what scores compare
    the video with. ``output`` is a relative POSIX path that ends in .mp4 and is unique in its data set.
    ``options`` are further fields of Request.
    """

    id: str
    prompt_id: str
    faces: tuple[Path, ...]
    prompt: str
    output: str
    options: Mapping[str, Any] = field(hash=False)
    text: str


@dataclass(frozen=True)
class Dataset:
    """A data set that was read and found whole; ``root`` is absolute and holds every file of it."""

    layout: str
    root: Path
    items: tuple[Item, ...]
    warnings: tuple[str, ...] = ()


class DatasetError(InputError):
    """A data set that cannot be used; ``problems`` are all of them, each one line with its way out."""

    def __init__(self, message: str, problems: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.problems = problems or (message,)


def failed(path: Path | str, problems: list[str]) -> DatasetError:
    """The error for these problems: one line with their number and the first."""
    if len(problems) == 1:
        return DatasetError(f"{shown(path)}: {problems[0]}", tuple(problems))
    line = (
        f"{shown(path)}: {len(problems)} problems, the first: {problems[0]}; put them right and start again"
    )
    return DatasetError(line, tuple(problems))


def shown(value: object, longest: int = 80) -> str:
    """A value of the user's on one printable line of bounded length."""
    text = str(value)
    text = text if text.isprintable() else repr(text)[1:-1]
    return text if len(text) <= longest else f"{text[: longest - 3]}..."


def natural(name: str) -> tuple[tuple[int, int, str], ...]:
    """The key that sorts prompt10 after prompt9."""
    pieces = re.findall(r"[0-9]+|[^0-9]+", name)
    return tuple((0, int(p), "") if p[0] in "0123456789" else (1, 0, p.casefold()) for p in pieces)


def text_of(data: bytes) -> str:
    """Bytes as text; ValueError saying what they are instead of UTF-8 (with or without its mark)."""
    for mark, name in _MARKS:
        if data.startswith(mark):
            raise ValueError(f"is {name}; save it as UTF-8")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ValueError(
            f"is not UTF-8 text (byte {data[error.start]:#04x} in line {line}); save it as UTF-8"
        ) from None


def wrong_name(name: str) -> str | None:
    """Why a name may not become a folder or a file of the submission; None for a good one."""
    if not _NAME.fullmatch(name) or name[-1] in ". ":
        return f"'{shown(name)}' is no plain name; take letters, digits, '-' and '_'"
    return None


def wrong_path(name: str) -> str | None:
    """Why a path in a data set is not one below its own folder; None for a good one.

    Windows' forms are refused everywhere, so that a data set means the same on every system.
    """
    if not name.strip() or len(name) > 1000:
        wrong = "is no path; give a file of the data set"
    elif not name.isprintable():
        wrong = "holds a control character; rename the file"
    elif _ADDRESS.match(name):
        wrong = "is an address, and nothing is fetched; save the picture and give the file"
    elif name[0] in "/~" or _DRIVE.match(name):
        wrong = "is an absolute path; give it from the data set's folder on"
    elif "\\" in name:
        wrong = "holds a backslash; write / between folders"
    elif ".." in name.split("/"):
        wrong = "leaves the data set's folder; keep the file inside it"
    else:
        return None
    return f"'{shown(name)}' {wrong}"


class Reader:
    """One data set while it is read: items and complaints so far, and the photos that are still to be tried.

    Every method that finds something wrong notes it and returns None; only ``finish`` and a data set beyond
    the caps raise.
    """

    def __init__(self, layout: str, root: Path, named: Path) -> None:
        self.layout = layout
        self.root = Path(os.path.realpath(root))
        self.named = named
        self.problems: list[str] = []
        self.warnings: list[str] = []
        self.people: dict[str, tuple[Path, ...]] = {}
        self._items: list[Item] = []
        self._outputs: dict[str, str] = {}
        self._ids: dict[tuple[str, str], str] = {}
        self._photos: dict[Path, str] = {}
        self._names: dict[str, Path | None] = {}

    def problem(self, where: str, what: str) -> None:
        """Note what is wrong at a place of the data set, with the way out."""
        self.problems.append(f"{where}: {what}")

    def place(self, path: Path) -> str:
        """A path as it is shown: from the data set's folder on."""
        return shown(path.relative_to(self.root).as_posix(), 200)

    def inside(self, path: Path, where: str) -> Path | None:
        """The path, unless a link on the way leads out of the data set."""
        real = os.path.realpath(path)
        if real == str(self.root) or real.startswith(os.path.join(self.root, "")):
            return path
        self.problem(where, "is a link that leads out of the data set; copy the file into it")
        return None

    def photo(self, path: Path, where: str) -> Path | None:
        """A photo of the data set, noted to be tried; a path named before is looked at once."""
        if path in self._photos:
            return path
        if self.inside(path, where) is None:
            return None
        self._photos[path] = where
        return path

    def named_photo(self, name: str, where: str, folders: tuple[str, ...] = ("",)) -> Path | None:
        """A photo by the name that a list gives it, looked for in these folders of the data set."""
        if name not in self._names:
            self._names[name] = self._find_photo(name, where, folders)
        return self._names[name]

    def _find_photo(self, name: str, where: str, folders: tuple[str, ...]) -> Path | None:
        wrong = wrong_path(name)
        if wrong:
            self.problem(where, wrong)
            return None
        candidates = [self.root / folder / name for folder in folders]
        found = next((path for path in candidates if os.path.lexists(path)), candidates[0])
        return self.photo(found, f"{where}: {shown(name)}")

    def text_file(self, path: Path) -> str | None:
        """The prompt in a text file, without the white space around it, checked."""
        where = self.place(path)
        data = self.bytes_of(path, where, MOST_TEXT)
        if data is None:
            return None
        try:
            text = text_of(data)
        except ValueError as error:
            self.problem(where, str(error))
            return None
        return self.prompt(text, where)

    def bytes_of(self, path: Path, where: str, most: int) -> bytes | None:
        """The bytes of a regular file inside the data set of at most ``most`` bytes."""
        if self.inside(path, where) is None:
            return None
        try:
            kind = path.stat()
            if not stat.S_ISREG(kind.st_mode):
                self.problem(where, "is not a regular file; put the file itself there")
            elif kind.st_size == 0:
                self.problem(where, "is empty; write it or take it out")
            elif kind.st_size > most:
                self.problem(where, f"is larger than {most >> 10} KiB; shorten or split it")
            else:
                return path.read_bytes()
        except FileNotFoundError:
            self.problem(where, "there is no such file; check the path")
        except OSError as error:
            self.problem(where, f"cannot be read ({error.strerror}); check its permissions")
        return None

    def prompt(self, value: object, where: str, name: str = "prompt", read_times: bool = True) -> str | None:
        """A prompt that the writers will take, as the user wrote it but for the white space around it.

        ``read_times`` False leaves out whether its times are in order.
        """
        if value is None:
            self.problem(where, f"{name} is missing; write what the person looks like and does")
            return None
        if not isinstance(value, str):
            self.problem(where, f"{name} must be text, not {type(value).__name__}")
            return None
        text = value.strip(" \t\r\n")
        try:
            checked = text if _is_plain(text) else check_prompt(text, name)
            if read_times and _MAY_BE_TIMED.search(checked):
                read_timeline(checked)
        except InputError as error:
            self.problem(where, str(error))
            return None
        return text

    def add(self, item: Item, where: str) -> None:
        """Take an item in; two items may not share an id with its prompt, nor an output."""
        if len(self._items) >= MOST_ITEMS:
            raise self._too_many()
        output = unicodedata.normalize("NFC", item.output).casefold()
        pair = (item.id, item.prompt_id)
        if pair in self._ids:
            first = self._ids[pair]
            self.problem(where, f"id {item.id} with {item.prompt_id} is already at {first}; number it anew")
        elif output in self._outputs:
            first = self._outputs[output]
            self.problem(where, f"writes {item.output}, as {first} does; give it another id or output")
        else:
            self._ids[pair] = self._outputs[output] = where
            self._items.append(item)

    def finish(self) -> Dataset:
        """The data set; DatasetError with everything that is wrong, broken photos among it."""
        self._try_photos()
        if not self.problems and not self._items:
            self.problems.append("holds no prompt; see docs/datasets.md for the layouts")
        if self.problems:
            raise failed(self.named, self.problems)
        return Dataset(self.layout, self.root, tuple(self._items), tuple(self.warnings))

    def _try_photos(self) -> None:
        """Decode every photo once, in a few threads: the decoders let go of the interpreter meanwhile."""
        pool = ThreadPoolExecutor(min(8, os.cpu_count() or 1))
        # Each thread silences Pillow's remarks for itself; here the filters are put back in order.
        with warnings.catch_warnings():
            try:
                faults = pool.map(_fault_of, self._photos)
                for (path, where), fault in zip(self._photos.items(), faults, strict=True):
                    if fault:
                        reason = fault.removeprefix(f"{path}: ").removeprefix(f"{str(path)!r}: ")
                        self.problem(where, reason)
            finally:
                pool.shutdown(cancel_futures=True)

    def _too_many(self) -> DatasetError:
        return failed(self.named, [f"holds more than {MOST_ITEMS:,} videos; split it into several data sets"])


def _fault_of(path: Path) -> str | None:
    """What is wrong with a photo, decoded by the same code that will read it."""
    from stillmotion.identity.photos import load_image

    try:
        load_image(path)
    except InputError as error:
        return str(error)
    return None


def _is_plain(text: str) -> bool:
    """Whether ``check_prompt`` has nothing to look for: printable ASCII of ordinary length with a word."""
    return (
        text.isascii()
        and len(text) < 3900
        and text.translate(_LINE_BREAKS).isprintable()
        and any(character.isalnum() for character in text)
    )
