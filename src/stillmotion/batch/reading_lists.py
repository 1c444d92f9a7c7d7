"""Layouts that are one file: the 2026 challenge's two tracks, CSV and JSONL."""

from __future__ import annotations

import csv
import difflib
import io
import json
import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NoReturn

from pydantic import ValidationError

from stillmotion.batch.reading import (
    MOST_FACES,
    MOST_LIST,
    Dataset,
    Item,
    Reader,
    failed,
    shown,
    text_of,
    wrong_name,
    wrong_path,
)
from stillmotion.errors import InputError
from stillmotion.prompts.timeline import read_timeline
from stillmotion.request import Request, explain

PHOTO_FIELDS = ("image", "images", "image_path", "img", "img_paths", "face", "faces")
ITEM_FIELDS = ("prompt", "id", "prompt_id", "output")
OPTION_FIELDS = tuple(
    name for name in Request.model_fields if name not in ("faces", "prompt", "preset", "writer")
)
"""What a row may set for itself. Models are loaded once for all rows, and a row may not name a server."""

_TRACK1 = {"img", "prompt"}
_TRACK2 = {"img_paths", "class_label", "global_prompt", "temporal_captions"}
_SECONDS = re.compile(r"\s*(\d{1,3}(?:\.\d+)?)\s*s?\s*")
_LONGEST = 999.0
"""Seconds: what a time in a prompt can say."""


class Unreadable(ValueError):
    """What a list holds cannot be parsed; the text says what and where."""


def read_json(file: Path, named: Path) -> Dataset:
    """The 2026 challenge's eval.json; which of the tracks it is, its first object says."""
    reader = Reader("track1", file.parent, named)
    name = shown(file.name)
    data = reader.bytes_of(reader.root / file.name, name, MOST_LIST)
    entries: Any = []
    try:
        entries = parse_json(text_of(data)) if data is not None else []
        if not isinstance(entries, list):
            raise Unreadable("is not a list of objects; write [{...}, {...}], or one object a line as .jsonl")
    except ValueError as error:
        raise failed(named, [f"{name}: {error}"]) from None
    first = entries[0] if entries and isinstance(entries[0], dict) else {}
    is_track2 = bool({"global_prompt", "temporal_captions", "img_paths"} & first.keys())
    reader.layout = "track2" if is_track2 else "track1"
    known, unknown = (_TRACK2 if is_track2 else _TRACK1), Counter[str]()
    for number, entry in enumerate(entries, 1):
        where = f"{name}: item {number}"
        if not isinstance(entry, dict):
            reader.problem(where, f"is no object but {type(entry).__name__}; write {{...}}")
            continue
        unknown.update(entry.keys() - known)
        _add_entry(reader, where, number, entry, is_track2)
    if unknown:
        names = ", ".join(shown(field) for field in sorted(unknown)[:5])
        reader.warnings.append(f"{name}: fields that {reader.layout} does not have were passed over: {names}")
    return reader.finish()


def read_jsonl(file: Path, named: Path) -> Dataset:
    """One object a line, with Request's names and types."""
    reader = Reader("jsonl", file.parent, named)
    data = reader.bytes_of(reader.root / file.name, shown(file.name), MOST_LIST)
    rows = _Rows(reader, strict=True)
    for line, text in enumerate(_lines(reader, file, data), 1):
        if not text.strip():
            continue
        where = f"{shown(file.name)}:{line}"
        try:
            fields = parse_json(text)
            if not isinstance(fields, dict):
                raise Unreadable(f"is no object but {type(fields).__name__}; write {{...}}")
        except ValueError as error:
            reader.problem(where, str(error))
        else:
            rows.add(fields, where)
    return reader.finish()


def read_csv(file: Path, named: Path) -> Dataset:
    """A header and one video a row; commas, semicolons or tabs, several photos with | between them."""
    reader = Reader("csv", file.parent, named)
    name = shown(file.name)
    data = reader.bytes_of(reader.root / file.name, name, MOST_LIST)
    try:
        text = text_of(data) if data is not None else ""
        head = text.partition("\n")[0]
        mark = next((mark for mark in "\t,;" if mark in head), ",")
        table = csv.reader(io.StringIO(text, newline=""), delimiter=mark, strict=True)
        columns = [column.strip() for column in next(table, [])]
        if data is not None:
            _check_columns(reader, name, columns)
        rows, begin = _Rows(reader, strict=False), table.line_num + 1
        for row in table if not reader.problems else ():
            where, begin = f"{name}:{begin}", table.line_num + 1
            if len(row) > len(columns):
                reader.problem(where, f"has {len(row)} columns, the header {len(columns)}; quote the prompt")
            elif any(cell.strip() for cell in row):
                rows.add({c: v for c, v in zip(columns, row, strict=False) if v.strip()}, where)
    except csv.Error as error:
        reader.problem(name, f"is no CSV from line {table.line_num} on ({error}); check its quotes")
    except ValueError as error:
        reader.problem(name, str(error))
    return reader.finish()


def parse_json(text: str) -> Any:
    """JSON without its traps: names that come twice, NaN, numbers and nesting without bound. Unreadable says
    what is wrong.
    """
    try:
        return json.loads(text, object_pairs_hook=_object, parse_constant=_no_number)
    except Unreadable:
        raise
    except json.JSONDecodeError as error:
        at = f"line {error.lineno}, " if "\n" in text else ""
        raise Unreadable(
            f"is no JSON ({error.msg.removesuffix(' at')} at {at}column {error.colno}); correct it"
        ) from None
    except (ValueError, RecursionError) as error:
        raise Unreadable(f"is no JSON that can be read ({shown(error)}); correct it") from None


def timed_prompt(overall: str, captions: list[tuple[float, float, str]]) -> str:
    """Captions with their seconds as a timed prompt behind what holds for all of it.

    >>> timed_prompt("A man.", [(0, 2, "he waves"), (2, 4.5, "he nods.")])
    'A man. 0-2s: he waves; 2-4.5s: he nods'

    Raises InputError where reading it gives other times: a caption that holds times of its own.
    """
    parts = [f"{_number(start)}-{_number(end)}s: {text.rstrip(' .;,')}" for start, end, text in captions]
    before = " ".join(overall.split())
    closing = "" if not before or before[-1] in ".!?;:,\u3002\uff01\uff1f" else "."
    prompt = f"{before}{closing} {'; '.join(parts)}".strip()
    read = [(part.start, part.end) for part in read_timeline(prompt).segments]
    if read != [(float(_number(start)), float(_number(end))) for start, end, _ in captions]:
        raise InputError("a text holds times of its own; take them out of global_prompt and descriptions")
    return prompt


def _add_entry(reader: Reader, where: str, number: int, entry: dict[str, Any], is_track2: bool) -> None:
    """One object of the challenge's lists; its number in the list is its id and names its video."""
    photos = entry.get("img_paths", entry.get("img"))
    names = [photos] if isinstance(photos, str) else photos
    faces = _photos(reader, where, "img_paths" if is_track2 else "img", names, ("", "images"))
    text: str | None
    prompt: str | None
    if is_track2:
        prompt, text = _track2_prompt(reader, where, entry)
    else:
        prompt = text = reader.prompt(entry.get("prompt"), where)
    if faces and prompt is not None and text is not None:
        reader.add(Item(str(number), "1", faces, prompt, f"{number}.mp4", {}, text), where)


def _track2_prompt(reader: Reader, where: str, entry: dict[str, Any]) -> tuple[str | None, str | None]:
    """The timed prompt of an object of track 2, and the text that its scores use; None where it has none."""
    captions = entry.get("temporal_captions") or []
    overall: str | None = ""
    if entry.get("global_prompt") or not captions:
        overall = reader.prompt(entry.get("global_prompt"), where, "global_prompt", read_times=not captions)
    label = entry.get("class_label")
    if not isinstance(label, str | int | None | list) or isinstance(label, bool):
        reader.problem(where, f"class_label must be text, not {type(label).__name__}")
    if not isinstance(captions, list):
        reader.problem(where, f"temporal_captions must be a list, not {type(captions).__name__}")
        return None, None
    timed = [_caption(reader, f"{where}: temporal_captions {n}", c) for n, c in enumerate(captions, 1)]
    whole = [caption for caption in timed if caption]
    if overall is None or len(whole) < len(timed):
        return None, None
    if not whole:
        return overall, overall
    try:
        prompt = timed_prompt(overall, whole)
    except InputError as error:
        reader.problem(where, f"temporal_captions: {str(error).removeprefix('prompt: ')}")
        return None, None
    return reader.prompt(prompt, where, read_times=False), overall or " ".join(text for _, _, text in whole)


def _caption(reader: Reader, where: str, caption: object) -> tuple[float, float, str] | None:
    """Start and end in seconds and the words of one entry of temporal_captions."""
    if not isinstance(caption, dict):
        reader.problem(where, f"is no object but {type(caption).__name__}; write {{start, end, description}}")
        return None
    start, end = _seconds(caption.get("start")), _seconds(caption.get("end"))
    if start is None or end is None:
        name = "start" if start is None else "end"
        reader.problem(
            where, f"{name}: {shown(caption.get(name))} is no time; give seconds up to {_LONGEST:g}"
        )
        return None
    words = reader.prompt(caption.get("description"), where, "description", read_times=False)
    return (start, end, " ".join(words.split())) if words is not None else None


def _seconds(value: object) -> float | None:
    if isinstance(value, str) and (match := _SECONDS.fullmatch(value)):
        value = float(match[1])
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if math.isfinite(value) and 0 <= value <= _LONGEST else None


def _number(seconds: float) -> str:
    """Seconds to a thousandth, without an exponent: as a prompt can say them."""
    return f"{seconds:.3f}".rstrip("0").rstrip(".")


def _photos(
    reader: Reader, where: str, field: str, names: object, folders: tuple[str, ...] = ("",)
) -> tuple[Path, ...]:
    """The photos of these names; a person of several photos has each of them once."""
    if not isinstance(names, list) or not names or not all(isinstance(name, str) for name in names):
        given = "is missing" if names is None else "is no path or list of paths"
        reader.problem(where, f"{field} {given}; name the photo of the person")
        return ()
    if len(names) > MOST_FACES:
        reader.problem(where, f"{field} names {len(names)} photos; at most {MOST_FACES} are read")
        return ()
    found = [reader.named_photo(name, where, folders) for name in names]
    return () if None in found else tuple(dict.fromkeys(photo for photo in found if photo))


class _Rows:
    """Rows of CSV or JSONL as they come; numbers those without an id, and the prompts of an id."""

    def __init__(self, reader: Reader, strict: bool) -> None:
        self._reader = reader
        self._strict = strict
        self._number = 0
        self._prompts: Counter[str] = Counter()

    def add(self, fields: Mapping[str, Any], where: str) -> None:
        """Take one row in; strict rows have JSON's types, others are text."""
        self._number += 1
        reader, before = self._reader, len(self._reader.problems)
        for name in fields:
            if name not in (*PHOTO_FIELDS, *ITEM_FIELDS, *OPTION_FIELDS):
                reader.problem(where, _unknown(name))
        faces = _photos(reader, where, "image", self._names(fields, where))
        prompt = reader.prompt(fields.get("prompt"), where)
        names = self._place(fields, where)
        options = self._options(fields, where)
        if faces and prompt is not None and names and len(reader.problems) == before:
            reader.add(Item(names[0], names[1], faces, prompt, names[2], options, prompt), where)

    def _names(self, fields: Mapping[str, Any], where: str) -> object:
        """The names of a row's photos, of whichever field holds them."""
        given = [name for name in PHOTO_FIELDS if fields.get(name) is not None]
        if len(given) > 1:
            self._reader.problem(where, f"has both {given[0]} and {given[1]}; put all photos in one")
        value = fields[given[0]] if given else None
        if not isinstance(value, str):
            return value
        return [value] if self._strict else [name.strip() for name in value.split("|")]

    def _place(self, fields: Mapping[str, Any], where: str) -> tuple[str, str, str] | None:
        """The row's id, prompt_id and output, those that it leaves out filled in."""
        given: dict[str, str] = {}
        for name in ("id", "prompt_id", "output"):
            value = fields.get(name)
            if value is None:
                continue
            if isinstance(value, bool) or not isinstance(value, str | int):
                self._reader.problem(where, f"{name} must be text, not {type(value).__name__}")
                return None
            given[name] = str(value).strip()
        wrong = [f"{name}: {fault}" for name, value in given.items() if (fault := _fault(name, value))]
        for each in wrong:
            self._reader.problem(where, each)
        if wrong:
            return None
        if "id" not in given:
            number = str(self._number)
            return number, given.get("prompt_id", "1"), given.get("output", f"{number}.mp4")
        self._prompts[given["id"]] += 1
        prompt_id = given.get("prompt_id", f"prompt{self._prompts[given['id']]}")
        return given["id"], prompt_id, given.get("output", f"{given['id']}/{prompt_id}.mp4")

    def _options(self, fields: Mapping[str, Any], where: str) -> dict[str, Any]:
        """The row's own fields of Request, in their types."""
        own = {name: fields[name] for name in OPTION_FIELDS if fields.get(name) is not None}
        if not own:
            return {}
        try:
            request = Request.model_validate({"prompt": "a", **own}, strict=self._strict)
        except ValidationError as error:
            self._reader.problem(where, explain(error))
            return {}
        return request.model_dump(include=set(own))


def _fault(name: str, value: str) -> str | None:
    """What is wrong with an id, a prompt_id or an output of the user's."""
    if name != "output":
        return wrong_name(value)
    wrong = wrong_path(value)
    parts = value.split("/")
    wrong = wrong or next((fault for part in parts if (fault := wrong_name(part))), None)
    if wrong:
        return wrong
    if not value.endswith(".mp4") or any(part.lower().endswith(".mp4") for part in parts[:-1]):
        return f"'{shown(value)}' is no video's name; let it end in .mp4"
    return None


def _unknown(name: str) -> str:
    if name in ("preset", "writer"):
        return f"{name} is one for the whole batch; give it as --{name}"
    near = difflib.get_close_matches(name, (*PHOTO_FIELDS, *ITEM_FIELDS, *OPTION_FIELDS), 1)
    way_out = f"did you mean {near[0]}?" if near else "take it out; docs/datasets.md lists the fields"
    return f"'{shown(name)}' is no field of a row; {way_out}"


def _check_columns(reader: Reader, name: str, columns: list[str]) -> None:
    """A header whose columns are known, unique and enough; the rows are not looked at otherwise."""
    for column in columns:
        if column not in (*PHOTO_FIELDS, *ITEM_FIELDS, *OPTION_FIELDS):
            reader.problem(f"{name}: header", _unknown(column))
    twice = [column for column, count in Counter(columns).items() if count > 1]
    if twice:
        reader.problem(f"{name}: header", f"names the column {shown(twice[0])} twice; rename one")
    if "prompt" not in columns or not set(columns) & set(PHOTO_FIELDS):
        reader.problem(f"{name}: header", "needs the columns image and prompt in its first line")


def _lines(reader: Reader, file: Path, data: bytes | None) -> Iterator[str]:
    try:
        yield from text_of(data).split("\n") if data is not None else ()
    except ValueError as error:
        reader.problem(shown(file.name), str(error))


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        twice = next(name for name, count in Counter(name for name, _ in pairs).items() if count > 1)
        raise Unreadable(f"names the field {shown(twice)} twice in one object; keep one")
    return found


def _no_number(name: str) -> NoReturn:
    raise Unreadable(f"holds {name}, which is no number of JSON; give a number")
