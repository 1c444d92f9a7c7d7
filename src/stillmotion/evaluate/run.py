"""Every video of a dataset through every judge: `evaluate`.

A video is decoded once for all judges that are in memory together. What fails fails for that video alone and
is counted; what cannot be computed here is named with its reason. Nothing is written.
"""

from __future__ import annotations

import gc
import logging
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stillmotion.errors import InputError, StillmotionError
from stillmotion.evaluate.intervals import interval
from stillmotion.evaluate.judges import JUDGES, PROTOCOLS, JudgeSpec, chosen
from stillmotion.evaluate.types import (
    Counts,
    Evaluation,
    Judge,
    Measured,
    NotComputed,
    Sample,
    VideoResult,
)
from stillmotion.evaluate.video import read_video
from stillmotion.identity.photos import load_image
from stillmotion.identity.types import Pixels
from stillmotion.libraries import is_out_of_memory, one_line
from stillmotion.progress import Progress, silent

if TYPE_CHECKING:
    from stillmotion.batch.layouts import Item

LOG = logging.getLogger("stillmotion")
SHARE = 0.6
"""Of the free memory, for judges; the rest is for frames and whatever else the machine does."""
UNJUDGED = "no video could be judged; the errors of the videos say why"


def evaluate(
    videos: Path,
    references: Path,
    metrics: Sequence[str] | None = None,
    device: str | None = None,
    progress: Progress = silent,
) -> Evaluation:
    """Judge the videos below ``videos``, one for each item of the dataset ``references``, at its output path.

    ``metrics``: names as in `judges.known_metrics`, all where None. ``device``: "cpu", "cuda", or None for
    what the machine has. The same files give the same figures. Raises DatasetError where the dataset is
    wrong, InputError for an unknown metric or a folder that is not there.
    """
    from stillmotion import __version__
    from stillmotion.batch.layouts import read

    wanted = chosen(metrics)
    if not videos.is_dir():
        raise InputError(f"{videos}: is no folder; give the one that holds the videos, as batch wrote it")
    dataset = read(references)
    for warning in dataset.warnings:
        LOG.warning(warning)
    where = device or ("cuda" if import_module("torch").cuda.is_available() else "cpu")
    hearing = _Hearing(videos, dataset.items, wanted, where, progress)
    hearing.run()
    summary, not_computed = hearing.summary()
    return Evaluation(
        version=__version__,
        videos_folder=str(videos),
        references=str(references),
        videos=tuple(case.result() for case in hearing.cases),
        summary=summary,
        not_computed=not_computed,
        protocol={metric: PROTOCOLS[metric] for metric in summary if metric in PROTOCOLS},
        counts=Counts(
            videos=len(hearing.cases),
            failed=sum(bool(case.errors) for case in hearing.cases),
            without_face=sum(case.face_frames == 0 for case in hearing.cases),
        ),
    )


@dataclass(eq=False)
class _Case:
    """One video and what is known of it so far; ``lost`` where it cannot be looked at."""

    item: Item
    frames: int = 0
    face_frames: int | None = None
    judged_frames: int | None = None
    metrics: dict[str, float] = field(default_factory=dict)
    curves: dict[str, tuple[float | None, ...]] = field(default_factory=dict)
    flags: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    lost: bool = False

    def take(self, measured: Measured, wanted: Sequence[str]) -> None:
        """Add a judge's answer, as far as it was asked for; the first that looked for faces counts them."""
        self.metrics |= {name: float(v) for name, v in measured.values.items() if name in wanted}
        self.curves |= {name: _finite(c) for name, c in measured.curves.items() if name in wanted}
        self.flags += [flag for flag in measured.flags if flag not in self.flags]
        if self.face_frames is None and measured.face_frames is not None:
            self.face_frames, self.judged_frames = measured.face_frames, measured.judged_frames

    def result(self) -> VideoResult:
        """The case as it is reported."""
        return VideoResult(
            id=self.item.id,
            prompt_id=self.item.prompt_id,
            file=self.item.output,
            frames=self.frames,
            face_frames=self.face_frames,
            judged_frames=self.judged_frames,
            metrics=self.metrics,
            curves=self.curves,
            flags=tuple(self.flags),
            error="; ".join(self.errors) or None,
            prompt=self.item.text,
            reference=str(self.item.faces[0]),
        )


class _Hearing:
    """All videos before all judges, as many judges at a time as fit into memory."""

    def __init__(
        self, videos: Path, items: Sequence[Item], wanted: Sequence[str], device: str, progress: Progress
    ) -> None:
        self.cases = [_Case(item) for item in items]
        self._videos, self._wanted, self._device, self._progress = videos, wanted, device, progress
        self._reasons: dict[str, str] = {}
        self._reference: tuple[Path, Pixels] | None = None

    def run(self) -> None:
        """Fill the cases."""
        asked = {name: spec for name, spec in JUDGES.items() if set(spec.metrics) & set(self._wanted)}
        groups = together(asked, free_memory(self._device) * SHARE)
        for number, names in enumerate(groups, 1):
            judges = {name: judge for name in names if (judge := self._load(name)) is not None}
            # Where no judge is left the first round still finds the videos that are missing.
            if judges or number == 1:
                step = "evaluate" if len(groups) == 1 else f"evaluate: round {number} of {len(groups)}"
                self._round(judges, step)
            judges.clear()
            _forget(self._device)

    def summary(self) -> tuple[dict[str, Any], dict[str, str]]:
        """Per metric its interval over the videos that have it, or else why there is none."""
        intervals, reasons = {}, {}
        for metric in self._wanted:
            values = [case.metrics[metric] for case in self.cases if metric in case.metrics]
            if values:
                intervals[metric] = interval(values)
            else:
                reasons[metric] = self._reasons.get(metric, UNJUDGED)
        return intervals, reasons

    def _load(self, name: str) -> Judge | None:
        try:
            return JUDGES[name].load(self._device)
        except (NotComputed, StillmotionError, ImportError) as fault:
            self._cannot(name, one_line(fault, 1000))
            return None

    def _cannot(self, name: str, reason: str) -> None:
        """A judge is out for good: its metrics have no figure of any video, and the reason."""
        for metric in JUDGES[name].metrics:
            self._reasons[metric] = reason
            for case in self.cases:
                case.metrics.pop(metric, None)
                case.curves.pop(metric, None)

    def _round(self, judges: dict[str, Judge], step: str) -> None:
        self._progress(step, 0, len(self.cases))
        for done, case in enumerate(self.cases, 1):
            if not case.lost:
                self._hear(case, judges)
            self._progress(step, done, len(self.cases))

    def _hear(self, case: _Case, judges: dict[str, Judge]) -> None:
        """One video before the judges of this round; one that gives up is taken off the bench."""
        try:
            sample = self._sample(case.item)
        except InputError as fault:
            # The path is the result's "file"; where the folder lay is nobody's business later.
            case.errors.append(one_line(fault, 500).removeprefix(f"{self._videos / case.item.output}: "))
            case.lost = True
            return
        case.frames = len(sample.frames)
        for name, judge in list(judges.items()):
            try:
                measured = _checked(judge.measure(sample), JUDGES[name])
            except NotComputed as reason:
                self._cannot(name, one_line(reason, 1000))
                del judges[name]
            except Exception as fault:
                # A judge is anyone's small class: its fault with one video must not cost the others.
                said = "out of memory" if is_out_of_memory(fault) else one_line(fault, 300)
                case.errors.append(f"{', '.join(JUDGES[name].metrics)}: {said}")
                LOG.debug("%s, %s", case.item.output, name, exc_info=True)
            else:
                case.take(measured, self._wanted)

    def _sample(self, item: Item) -> Sample:
        path = self._videos / item.output
        video = read_video(path)
        if self._reference is None or self._reference[0] != item.faces[0]:
            # The same array for all prompts of a person: judges know a reference again by it.
            self._reference = (item.faces[0], load_image(item.faces[0]))
        return Sample(
            id=item.id,
            prompt_id=item.prompt_id,
            path=path,
            frames=video.frames,
            fps=video.fps,
            reference=self._reference[1],
            prompt=item.text,
        )


def together(specs: Mapping[str, JudgeSpec], memory: float) -> list[list[str]]:
    """Judges in their order, in groups that fit into ``memory`` GiB; one too large for it stands alone."""
    groups: list[list[str]] = []
    used = 0.0
    for name, spec in specs.items():
        if not groups or used + spec.memory > memory:
            groups.append([])
            used = 0.0
        groups[-1].append(name)
        used += spec.memory
    return groups


def free_memory(device: str) -> float:
    """GiB that are free on a device."""
    if device.startswith("cuda"):
        return float(import_module("torch").cuda.mem_get_info()[0]) / 2**30
    return float(import_module("psutil").virtual_memory().available) / 2**30


def _checked(measured: Measured, spec: JudgeSpec) -> Measured:
    """A judge's answer with a finite figure for each of its metrics; ValueError otherwise."""
    for metric in spec.metrics:
        if not math.isfinite(measured.values.get(metric, math.nan)):
            raise ValueError(f"the judge gave no finite figure of {metric}")
    return measured


def _finite(curve: Sequence[float | None]) -> tuple[float | None, ...]:
    return tuple(float(one) if one is not None and math.isfinite(one) else None for one in curve)


def _forget(device: str) -> None:
    """Give the memory of judges that nobody holds any more back to the machine."""
    gc.collect()
    if device.startswith("cuda"):
        import_module("torch").cuda.empty_cache()
