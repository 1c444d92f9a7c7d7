"""What a file says about how it was made: enough to make it again on the same machine, and no photo.

The record is JSON in the file's own metadata: the ``comment`` of an MP4, the ``Comment`` text of a PNG.
It holds no time and no duration, so that the same request makes the same bytes.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from stillmotion.errors import InputError
from stillmotion.prompts import Plan, Reading
from stillmotion.request import Request, Settings

NOTICE = "AI-generated: this picture or video was made by a machine and shows no real event."
LIMIT = 2**20
"""The longest record that is read, in characters; ours have a few thousand."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Photo(_Part):
    """An input picture: the path as the user gave it and the SHA-256 (hex) of the file; never its pixels."""

    path: Path
    sha256: str


class StillFacts(_Part):
    """The first frame: each candidate's seed and similarity (cosine to the reference, None: no face)."""

    seeds: tuple[int, ...]
    similarities: tuple[float | None, ...]
    chosen: int

    @property
    def similarity(self) -> float | None:
        """The chosen candidate's."""
        return self.similarities[self.chosen]


class ClipFacts(_Part):
    """The clip: sizes in pixels, ``sha256`` (hex) over its RGB bytes before encoding, frame by frame."""

    frames: int
    width: int
    height: int
    fps: float
    sha256: str


class Record(_Part):
    """All of it. ``readings`` are the plan's words that the preset's vocabulary has others for; ``image`` is
    a first frame that the user gave; ``edited`` names steps of the run folder that a person changed by hand;
    ``parts`` are the models; ``versions`` this package and its libraries.
    """

    made_by: Literal["stillmotion"] = "stillmotion"
    notice: str = NOTICE
    schema_version: Literal[1] = 1
    request: Request
    settings: Settings
    photos: tuple[Photo, ...]
    image: Photo | None = None
    plan: Plan
    readings: tuple[Reading, ...] = ()
    still: StillFacts | None = None
    clip: ClipFacts | None = None
    edited: tuple[str, ...] = ()
    parts: dict[str, str]
    versions: dict[str, str]
    device: str


@dataclass(frozen=True)
class Result:
    """What ``generate`` made: the file, its record, notes for the user, the run folder if it was kept."""

    path: Path
    record: Record
    notes: tuple[str, ...] = ()
    run: Path | None = None


def read_record(path: Path) -> Record:
    """The record inside an MP4 or PNG; InputError where the file has none."""
    if not path.is_file():
        raise InputError(f"{path}: there is no such file")
    comment = _comment(path)
    if comment is None or len(comment) > LIMIT:
        raise InputError(
            f"{path}: holds no record of stillmotion; was it re-encoded or made by another program?"
        )
    try:
        return Record.model_validate_json(comment)
    except ValidationError:
        raise InputError(
            f"{path}: its comment is no record that this version reads; use the version that made it"
        ) from None


def _comment(path: Path) -> str | None:
    """The comment in a file's metadata; None where it is no MP4 or PNG or has none."""
    with path.open("rb") as file:
        start = file.read(12)
    if start.startswith(b"\x89PNG"):
        return _png_comment(path)
    return _mp4_comment(path) if start[4:8] == b"ftyp" else None


def _png_comment(path: Path) -> str | None:
    from PIL import Image

    try:
        with Image.open(path, formats=("PNG",)) as picture:
            texts: dict[str, Any] = getattr(picture, "text", {})
    except (OSError, ValueError, Image.DecompressionBombError):
        return None
    return texts.get("Comment")


def _mp4_comment(path: Path) -> str | None:
    import av

    try:
        with av.open(str(path), format="mp4", metadata_errors="replace") as container:
            return container.metadata.get("comment")
    except (av.FFmpegError, OSError, ValueError):
        return None
