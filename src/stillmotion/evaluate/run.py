"""Every video of a dataset through every judge: `evaluate`.

A video is decoded once for all judges that are in memory together. What fails fails for that video alone and
is counted; what cannot be computed here is named with its reason. Nothing is written but the answers, for the
next time.
"""

from __future__ import annotations

import gc
import logging
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from hashlib import sha256
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stillmotion.errors import InputError, StillmotionError
from stillmotion.evaluate import judges as judges_room
from stillmotion.evaluate.answers import Answer, Answers, fingerprint, key_of
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
from stillmotion.evaluate.video import check_video, read_video
from stillmotion.files import digest
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
    again: bool = False,
) -> Evaluation:
    """Judge the videos below ``videos``, one for each item of the dataset ``references``, at its output path.

    ``metrics``: names as in `judges.known_metrics`, all where None. ``device``: "cpu", "cuda", or None for
    what the machine has. The same files give the same figures, and what was measured before is not measured
    again unless ``again`` says so. Raises DatasetError where the dataset is
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
    hearing = _Hearing(videos, dataset.items, wanted, where, progress, Answers(videos, again))
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
            face_frames=sum(case.face_frames or 0 for case in hearing.cases),
            judged_frames=sum(case.judged_frames or 0 for case in hearing.cases),
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
        self.metrics |= {name: value for name, value in measured.values.items() if name in wanted}
        self.curves |= {name: curve for name, curve in measured.curves.items() if name in wanted}
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
        self,
        videos: Path,
        items: Sequence[Item],
        wanted: Sequence[str],
        device: str,
        progress: Progress,
        answers: Answers,
    ) -> None:
        self.cases = [_Case(item) for item in items]
        self._videos, self._wanted, self._device, self._progress = videos, wanted, device, progress
        self._answers = answers
        self._reasons: dict[str, str] = {}
        self._out: set[str] = set()
        self._judges: dict[str, Judge] = {}
        self._reference: tuple[Path, Pixels, str] | None = None

    def run(self) -> None:
        """Fill the cases."""
        asked = {name: spec for name, spec in JUDGES.items() if set(spec.metrics) & set(self._wanted)}
        groups = together(asked, free_memory(self._device) * SHARE)
        for number, names in enumerate(groups, 1):
            step = "evaluate" if len(groups) == 1 else f"evaluate: round {number} of {len(groups)}"
            prints = {name: self._print(name) for name in names}
            self._progress(step, 0, len(self.cases))
            for done, case in enumerate(self.cases, 1):
                if not case.lost:
                    self._hear(case, {name: prints[name] for name in names if name not in self._out})
                self._progress(step, done, len(self.cases))
            self._judges.clear()
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

    def _print(self, name: str) -> str | None:
        """What a judge's answers depend on besides the video; None for a judge whose code is not ours."""
        spec = JUDGES[name]
        if spec.load.__module__ != judges_room.__name__:
            return None
        return key_of(name, fingerprint(spec.needs), self._device)

    def _cannot(self, name: str, reason: str) -> None:
        """A judge is out for good: its metrics have no figure of any video, and the reason."""
        self._out.add(name)
        for metric in JUDGES[name].metrics:
            self._reasons[metric] = reason
            for case in self.cases:
                case.metrics.pop(metric, None)
                case.curves.pop(metric, None)

    def _hear(self, case: _Case, prints: Mapping[str, str | None]) -> None:
        """One video before the judges of this round, those that have not answered yet."""
        try:
            shown = _Exhibit(case.item, self._videos / case.item.output, self._reference_of(case.item))
            for name, print_ in prints.items():
                key = None if print_ is None else key_of(print_, *shown.prints)
                answer = None if key is None else self._answers.find(key)
                if answer is None:
                    answer = self._ask(name, case, shown.sample)
                    if answer is not None and key is not None:
                        self._answers.keep(key, answer)
                if answer is not None:
                    case.frames = answer.frames
                    case.take(answer.measured, self._wanted)
            if case.frames == 0:
                # No judge looked at it; that it can be read is still worth knowing.
                case.frames = len(shown.sample.frames)
        except InputError as fault:
            # The path is the result's "file"; where the folder lay is nobody's business later.
            case.errors.append(one_line(fault, 500).removeprefix(f"{self._videos / case.item.output}: "))
            case.lost = True

    def _ask(self, name: str, case: _Case, sample: Sample) -> Answer | None:
        """A judge's answer; None where it has none for this video, or is out for good."""
        case.frames = len(sample.frames)
        try:
            if name not in self._judges:
                self._judges[name] = _load(name, self._device)
            measured = _checked(self._judges[name].measure(sample), JUDGES[name])
        except NotComputed as reason:
            self._cannot(name, one_line(reason, 1000))
        except Exception as fault:
            # A judge is anyone's small class: its fault with one video must not cost the others.
            said = "out of memory" if is_out_of_memory(fault) else one_line(fault, 300)
            case.errors.append(f"{', '.join(JUDGES[name].metrics)}: {said}")
            LOG.debug("%s, %s", case.item.output, name, exc_info=True)
        else:
            return Answer(len(sample.frames), measured)
        return None

    def _reference_of(self, item: Item) -> tuple[Pixels, str]:
        """Pixels and hash of an item's photo; the same array for all prompts of a person, by which judges
        know it again.
        """
        path = item.faces[0]
        if self._reference is None or self._reference[0] != path:
            pixels = load_image(path)
            self._reference = (path, pixels, sha256(pixels.tobytes()).hexdigest())
        return self._reference[1:]


@dataclass(eq=False)
class _Exhibit:
    """A video that is decoded when the first judge wants to see it."""

    item: Item
    path: Path
    reference: tuple[Pixels, str]

    @cached_property
    def sample(self) -> Sample:
        """What judges are shown; InputError where the video cannot be read."""
        video = read_video(self.path)
        return Sample(
            id=self.item.id,
            prompt_id=self.item.prompt_id,
            path=self.path,
            frames=video.frames,
            fps=video.fps,
            reference=self.reference[0],
            prompt=self.item.text,
        )

    @cached_property
    def prints(self) -> tuple[str, ...]:
        """What an answer about it depends on; InputError where the video is none."""
        check_video(self.path)
        return digest(self.path), self.reference[1], self.item.text


def _load(name: str, device: str) -> Judge:
    """A judge; NotComputed where it cannot be had on this machine."""
    try:
        return JUDGES[name].load(device)
    except (StillmotionError, ImportError) as fault:
        raise NotComputed(one_line(fault, 1000)) from None


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
    """A judge's answer with a finite figure for each of its metrics, else ValueError; curves made finite."""
    for metric in spec.metrics:
        if not math.isfinite(measured.values.get(metric, math.nan)):
            raise ValueError(f"the judge gave no finite figure of {metric}")
    values = {name: float(value) for name, value in measured.values.items()}
    curves = {name: _finite(curve) for name, curve in measured.curves.items()}
    return replace(measured, values=values, curves=curves)


def _finite(curve: Sequence[float | None]) -> tuple[float | None, ...]:
    return tuple(float(one) if one is not None and math.isfinite(one) else None for one in curve)


def _forget(device: str) -> None:
    """Give the memory of judges that nobody holds any more back to the machine."""
    gc.collect()
    if device.startswith("cuda"):
        import_module("torch").cuda.empty_cache()
