"""From a plan's timeline to the parts that are sampled one after another. Arithmetic only.

A part is one run of the video model. Its first ``overlap`` frames are the last ones of the clip so far, given
to the model and dropped from its output, so nothing is doubled. Rules:

- Wan's video VAE maps 4k+1 frames to k+1 latent frames, so the first part has 4k+1 frames, every overlap has
  4k+1 and every later part adds a multiple of 4: the clip always has 4k+1 frames.
- A segment ends where the next one starts (gaps belong to the earlier one). Its end is snapped to the
  nearest 4k+1 of the whole clip, never of the segment alone: rounding does not add up.
- The last end is rounded up and the surplus (at most 3 frames) cut off: the clip has round(end * fps) frames.
- A segment that is longer than ``num_frames`` is split into equal parts with the same text.
- A plan without a timeline is one part of ``num_frames``.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from stillmotion.errors import InputError

TEMPORAL = 4
"""Frames per latent frame after the first, of every Wan VAE."""


class Timed(Protocol):
    """A plan's segment: ``start`` and ``end`` in seconds from the clip's beginning, and what happens then."""

    @property
    def start(self) -> float: ...
    @property
    def end(self) -> float: ...
    @property
    def text(self) -> str: ...


class TimedPlan(Protocol):
    """What this room reads of a plan: the prompt for motion, and the timeline, empty where there is none."""

    @property
    def temporal(self) -> str: ...
    @property
    def segments(self) -> Sequence[Timed]: ...


@dataclass(frozen=True)
class Part:
    """One run of the model: ``num_frames`` are sampled, of which the first ``overlap`` are dropped."""

    index: int
    text: str
    num_frames: int
    overlap: int

    @property
    def new_frames(self) -> int:
        """Frames that this part adds to the clip."""
        return self.num_frames - self.overlap


@dataclass(frozen=True)
class Timeline:
    """All parts in order, and the number of frames that the finished clip is cut to."""

    parts: tuple[Part, ...]
    total_frames: int


def seed_of(seed: int, index: int) -> int:
    """The seed of part ``index``: 63 bits of SHA-256, so neighbouring seeds and parts share no noise."""
    digest = hashlib.sha256(f"stillmotion motion {seed} {index}".encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def timeline(temporal: str, segments: Sequence[Timed], num_frames: int, fps: int, overlap: int) -> Timeline:
    """The parts for a plan: ``num_frames`` is the most one part samples, ``overlap`` below it; both 4k+1.

    InputError naming ``num_frames`` or the segment where no such parts exist.
    """
    check_num_frames(num_frames)
    if not segments:
        return Timeline((Part(0, temporal, num_frames, 0),), num_frames)
    if num_frames < overlap + TEMPORAL:
        raise InputError(
            f"num_frames: {num_frames} leaves no room after the {overlap} frames that each part takes over; "
            f"take at least {overlap + TEMPORAL}"
        )
    ordered = sorted(segments, key=lambda segment: segment.start)
    parts: list[Part] = []
    begin = 0
    for segment, end in zip(ordered, _ends(ordered, fps), strict=True):
        for length in _split(begin, end, num_frames, overlap):
            kept = overlap if parts else 0
            parts.append(Part(len(parts), segment.text, length + kept, kept))
        begin = end
    return Timeline(tuple(parts), max(1, round(ordered[-1].end * fps)))


def check_num_frames(num_frames: int) -> None:
    """InputError naming the nearest valid numbers unless ``num_frames`` is 4k+1."""
    if num_frames < 1 or num_frames % TEMPORAL != 1:
        below = max(1, (num_frames - 1) // TEMPORAL * TEMPORAL + 1)
        raise InputError(
            f"num_frames: {num_frames} is not a multiple of 4 plus 1; take {below} or {below + TEMPORAL}"
        )


def _ends(ordered: Sequence[Timed], fps: int) -> list[int]:
    """The clip's length in frames (4k+1) at the end of each segment."""
    ends: list[int] = []
    before = 0
    for index, segment in enumerate(ordered):
        last = index == len(ordered) - 1
        end = segment.end if last else ordered[index + 1].start
        if not (math.isfinite(segment.start) and math.isfinite(end) and segment.start >= 0):
            raise InputError(
                f"segments: {segment.start} to {end} s is not a time span; give seconds from 0 on"
            )
        # Half up, not Python's half to even: that would give neighbouring equal segments unequal lengths.
        steps = (
            math.ceil((round(end * fps) - 1) / TEMPORAL) if last else math.floor((end * fps + 1) / TEMPORAL)
        )
        length = TEMPORAL * steps + 1
        if length < before + TEMPORAL:
            raise InputError(
                f"segments: '{_short(segment.text)}' from {segment.start:g} to {end:g} s is shorter than "
                f"{TEMPORAL} frames at {fps} fps; make it at least {TEMPORAL / fps:.2g} s, or raise fps"
            )
        ends.append(length)
        before = length
    return ends


def _split(begin: int, end: int, num_frames: int, overlap: int) -> list[int]:
    """New frames of each part between two lengths of the clip, as equal as multiples of 4 allow."""
    lengths: list[int] = []
    if begin == 0:
        # The first part is 4k+1 long and takes nothing over; it carries the odd frame.
        room = num_frames - overlap
        count = 1 if end <= num_frames else 1 + math.ceil((end - num_frames) / room)
        first = min(num_frames, TEMPORAL * math.ceil((end - 1) / TEMPORAL / count) + 1)
        lengths.append(first)
        begin = first
    while begin < end:
        count = math.ceil((end - begin) / (num_frames - overlap))
        length = TEMPORAL * math.ceil((end - begin) / TEMPORAL / count)
        lengths.append(length)
        begin += length
    return lengths


def _short(text: str) -> str:
    """The text's beginning on one line, for messages."""
    line = " ".join(text.split())
    return line if len(line) <= 40 else line[:39] + "…"
