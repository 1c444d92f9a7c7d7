"""Timed prompts: "0-2s: she waves; 2-5s: she turns left" becomes segments, checked for order and overlap."""

from __future__ import annotations

import re
from dataclasses import dataclass

from stillmotion.errors import InputError

_WORD_NUMBERS = {
    "one": 1,
    "two": 2,
    "three": 3,
    "four": 4,
    "five": 5,
    "six": 6,
    "seven": 7,
    "eight": 8,
    "nine": 9,
    "ten": 10,
    "half a": 0.5,
    "a": 1,
}
_NUMBER = r"(?:\d{1,4}(?:[.,]\d+)?|half a|one|two|three|four|five|six|seven|eight|nine|ten)"
_UNIT = r"(?:s|secs?\.?|seconds?)(?![a-z])"
_CLOCK = r"(?:\d{1,2}:)?\d{1,2}:\d{2}(?:[.,]\d+)?"
_TO = r"\s*(?:-->|->|-|\u2013|\u2014|~|\.\.\.?|to|until|till)\s*"
_POINT = rf"(?:{_CLOCK}|\d{{1,3}}(?:[.,]\d+)?)"
_RANGE = (
    rf"(?P<a>{_CLOCK}){_TO}(?P<b>{_CLOCK})(?:\s*{_UNIT})?"
    rf"|(?:t\s*=\s*)?(?P<c>\d{{1,3}}(?:[.,]\d+)?)\s*(?:{_UNIT})?{_TO}(?P<d>\d{{1,3}}(?:[.,]\d+)?)\s*-?{_UNIT}"
    rf"|(?:seconds?|secs?|sec\.|time|t)\s*[:=]?\s*(?P<e>\d{{1,3}}(?:[.,]\d+)?){_TO}(?P<f>\d{{1,3}}(?:[.,]\d+)?)"
)
_BARE_RANGE = rf"(?P<g>\d{{1,3}}(?:[.,]\d+)?){_TO}(?P<h>\d{{1,3}}(?:[.,]\d+)?)"
_RELATIVE = (
    rf"(?:and\s+|then,?\s+|and then,?\s+)?(?:for|in|during|over|within)?\s*(?:the|its)?\s*"
    rf"(?P<which>first|initial|opening|next|following|last|final|remaining)\s+(?P<n>{_NUMBER})\s*-?{_UNIT}"
)
_OPENING = re.compile(
    rf"(?:(?P<open>[\[(\u3010{{<])\s*(?:{_RANGE}|{_BARE_RANGE})\s*[\])\u3011}}>]"
    rf"|(?:(?:and|then|next|finally|and then),?\s+)?(?:from|between|at|during|in)?\s*(?:the\s+)?"
    rf"(?:{_RANGE.replace('?P<', '?P<z')})"
    rf"|{_RELATIVE})(?P<after>\s*[:,\uff1a]|\s+-\s|\s*[\u2013\u2014]|\s+|$)",
    re.IGNORECASE,
)
_BETWEEN = re.compile(
    rf"(?:then,?\s+|and\s+)?between\s+(?:seconds?\s+)?(?P<p>{_POINT})\s*(?:{_UNIT})?\s+and\s+"
    rf"(?P<q>{_POINT})\s*(?:{_UNIT})?\s*[,:]?\s*",
    re.IGNORECASE,
)
_MAX_SEGMENTS = 64


@dataclass(frozen=True, slots=True)
class TimedText:
    """What happens from `start` to `end`, in seconds, in the prompt's own words."""

    start: float
    end: float
    text: str


@dataclass(frozen=True, slots=True)
class Timeline:
    """A prompt cut at its times: what stands before them all, and the segments. An untimed prompt is all
    preamble.
    """

    preamble: str
    segments: tuple[TimedText, ...]


@dataclass(frozen=True, slots=True)
class _Marker:
    begin: int
    end: int
    start_s: float | None
    end_s: float | None
    relative: str = ""
    seconds: float = 0.0


def read_timeline(prompt: str) -> Timeline:
    """Cut a checked prompt at its time marks.

    Raises `InputError` for a range that ends before it begins, for ranges out of order or overlapping, and
    for a range without text. Gaps between ranges are allowed.
    """
    markers = _markers(prompt)
    if not markers or (
        len(markers) == 1
        and markers[0].relative
        and re.search(r"\b(then|after)\b", prompt[markers[0].end :], re.I)
    ):
        return Timeline(prompt, ())
    if len(markers) > _MAX_SEGMENTS:
        raise InputError(f"prompt has {len(markers)} timed segments; at most {_MAX_SEGMENTS} are read")
    trailing = bool(_text_of(prompt[: markers[0].begin])) and not _text_of(prompt[markers[-1].end :])
    spans = _trailing_texts(prompt, markers) if trailing else _leading_texts(prompt, markers)
    preamble = "" if trailing else prompt[: markers[0].begin].strip().rstrip(",;:-\u2013\u2014 ")
    segments: list[TimedText] = []
    clock = 0.0
    for marker, text in zip(markers, spans, strict=True):
        start, end = _times(marker, clock)
        _check(start, end, text, segments)
        segments.append(TimedText(start, end, text))
        clock = end
    return Timeline(preamble, tuple(segments))


def _markers(prompt: str) -> list[_Marker]:
    found: list[_Marker] = []
    at = 0
    while at < len(prompt):
        if not _is_boundary(prompt, at):
            at += 1
            continue
        marker = _marker_at(prompt, at)
        if marker is None:
            at += 1
        else:
            found.append(marker)
            at = max(marker.end, at + 1)
    return found


def _is_boundary(prompt: str, at: int) -> bool:
    """Whether a time mark may begin here: at the start, after punctuation, or at a bracket."""
    if prompt[at].isspace():
        return False
    before = prompt[:at].rstrip()
    return (
        not before
        or prompt[at] in "[(\u3010{<"
        or before[-1] in ".;,:!?\u3002\uff1b\uff0c|/\u2022*-\u2013\u2014"
        or "\n" in prompt[len(before) : at]
        or before.rsplit(None, 1)[-1].lower() in ("and", "then")
        or _word_start(prompt, at, ("from", "between"))
    )


def _word_start(prompt: str, at: int, words: tuple[str, ...]) -> bool:
    return prompt[at - 1].isspace() and prompt[at : at + 8].lower().startswith(
        tuple(word + " " for word in words)
    )


def _marker_at(prompt: str, at: int) -> _Marker | None:
    between = _BETWEEN.match(prompt, at)
    if between:
        timed = re.search(_UNIT, between.group(), re.I) or ":" in between.group("p")
        if timed:
            return _Marker(at, between.end(), _seconds(between.group("p")), _seconds(between.group("q")))
    match = _OPENING.match(prompt, at)
    if match is None or match.end() == at:
        return None
    groups = match.groupdict()
    if groups["which"]:
        number = groups["n"].lower()
        return _Marker(
            at,
            match.end(),
            None,
            None,
            groups["which"].lower(),
            _WORD_NUMBERS.get(number) or float(number.replace(",", ".")),
        )
    for first, second in (
        ("a", "b"),
        ("c", "d"),
        ("e", "f"),
        ("g", "h"),
        ("za", "zb"),
        ("zc", "zd"),
        ("ze", "zf"),
    ):
        if groups.get(first):
            return _Marker(at, match.end(), _seconds(groups[first]), _seconds(groups[second]))
    return None


def _seconds(text: str) -> float:
    seconds = 0.0
    for part in text.replace(",", ".").split(":"):
        seconds = seconds * 60 + float(part)
    return seconds


def _text_of(piece: str) -> str:
    piece = piece.strip()
    piece = re.sub(r"^[\s:;,.\-\u2013\u2014|/)\]>\uff1a\u3002\uff0c\uff1b]+", "", piece)
    piece = re.sub(r"[\s;,|/\-\u2013\u2014(\[<\uff0c\uff1b]+$", "", piece)
    piece = re.sub(r"(?:[,;]\s*|\s+)(?:and|then|and then)$", "", piece, flags=re.I)
    return piece if any(character.isalnum() for character in piece) else ""


def _leading_texts(prompt: str, markers: list[_Marker]) -> list[str]:
    ends = [marker.begin for marker in markers[1:]] + [len(prompt)]
    return [_text_of(prompt[marker.end : end]) for marker, end in zip(markers, ends, strict=True)]


def _trailing_texts(prompt: str, markers: list[_Marker]) -> list[str]:
    begins = [0] + [marker.end for marker in markers[:-1]]
    texts = [_text_of(prompt[begin : marker.begin]) for begin, marker in zip(begins, markers, strict=True)]
    return [re.sub(r"^(?:and then|then|and),?\s+", "", text, flags=re.I) for text in texts]


def _times(marker: _Marker, clock: float) -> tuple[float, float]:
    if not marker.relative:
        assert marker.start_s is not None and marker.end_s is not None
        return marker.start_s, marker.end_s
    start = 0.0 if marker.relative in ("first", "initial", "opening") else clock
    return start, start + marker.seconds


def _check(start: float, end: float, text: str, before: list[TimedText]) -> None:
    name = f"prompt: the segment {start:g}-{end:g}s"
    if end <= start:
        raise InputError(f"{name} ends before it begins; write start-end, for example 0-2s")
    if before and start < before[-1].start:
        raise InputError(
            f"{name} comes after {before[-1].start:g}-{before[-1].end:g}s; put the segments in order of time"
        )
    if before and start < before[-1].end:
        last = before[-1]
        raise InputError(
            f"{name} overlaps {last.start:g}-{last.end:g}s; let it start at {last.end:g}s or later"
        )
    if not text:
        raise InputError(f"{name} has no text; say what happens in it")
