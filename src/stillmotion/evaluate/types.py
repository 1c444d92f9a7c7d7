"""What judges are given and what they answer, and the evaluation that comes of it: the values between all
rooms of this folder.

Metrics are named as in ``docs/evaluate.md``. Nothing here computes; `Evaluation` is the JSON on disk.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field


@dataclass(frozen=True, eq=False)
class Sample:
    """One video to judge: ``frames`` (T, H, W, 3) RGB uint8, ``fps`` in frames per second, ``reference``
    (H, W, 3) RGB uint8, ``prompt`` the user's own words, never the rewritten ones.
    """

    id: str
    prompt_id: str
    path: Path
    frames: NDArray[np.uint8]
    fps: float
    reference: NDArray[np.uint8]
    prompt: str


@dataclass(frozen=True)
class Measured:
    """One judge's answer about one video.

    ``values``: metric -> figure of this video. ``curves``: metric -> figure of each judged frame, None where
    the frame has none. ``face_frames``: how many of ``judged_frames`` have a face. ``flags``: what a reader
    of the figure must know ("no face").
    """

    values: Mapping[str, float]
    curves: Mapping[str, tuple[float | None, ...]] = field(default_factory=dict)
    face_frames: int | None = None
    judged_frames: int | None = None
    flags: tuple[str, ...] = ()


class NotComputed(Exception):
    """A metric cannot be computed here: the text says why, and the command that helps."""


class Judge(Protocol):
    """Measures one or several metrics of one video at a time; loaded once for all videos.

    ``measure`` raises NotComputed where it turns out that none of its figures can be had on this machine.
    Any other exception is the fault of this one video, which then has no figure of these metrics and counts
    as failed.
    """

    @property
    def metrics(self) -> tuple[str, ...]:
        """The metrics that ``measure`` gives."""
        ...

    def measure(self, sample: Sample) -> Measured:
        """The figures of one video."""
        ...


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Interval(_Part):
    """A mean over ``n`` videos with the bounds of its 95 % interval (bootstrap over the videos)."""

    mean: float
    low: float
    high: float
    n: int


class VideoResult(_Part):
    """One video of the dataset. ``file`` is relative to the folder of the videos; ``frames`` how many were
    decoded, ``face_frames`` in how many of the ``judged_frames`` a face was found (None: nobody looked).

    ``error`` says why a video is missing from the figures, or from some of them.
    """

    id: str
    prompt_id: str
    file: str
    frames: int = 0
    face_frames: int | None = None
    judged_frames: int | None = None
    metrics: dict[str, float] = Field(default_factory=dict)
    curves: dict[str, tuple[float | None, ...]] = Field(default_factory=dict)
    flags: tuple[str, ...] = ()
    error: str | None = None
    prompt: str = ""
    reference: str = ""


class Counts(_Part):
    """``videos`` that the dataset asks for, ``failed``: missing, unreadable or not judged by some judge,
    ``without_face``: no judged frame has a face; ``face_frames`` of all ``judged_frames`` have one.
    """

    videos: int
    failed: int
    without_face: int
    face_frames: int = 0
    judged_frames: int = 0


class Evaluation(_Part):
    """The whole answer. ``summary`` per metric, ``not_computed`` the reason per metric, ``protocol`` per
    metric how it was computed, in a line. ``videos_folder`` and ``references`` are the paths as the user
    gave them.
    """

    schema_version: Literal[1] = 1
    made_by: Literal["stillmotion"] = "stillmotion"
    version: str = ""
    videos_folder: str = ""
    references: str = ""
    videos: tuple[VideoResult, ...]
    summary: dict[str, Interval]
    not_computed: dict[str, str] = Field(default_factory=dict)
    protocol: dict[str, str] = Field(default_factory=dict)
    counts: Counts
