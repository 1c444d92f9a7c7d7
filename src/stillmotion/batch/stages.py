"""The batch's stages: one stage's models, loaded once, and one item after another taken through them.

A stage is a step of the pipeline, run in the item's own run folder: what an earlier stage finished there is
loaded, and what an interrupted one left is gone on with. The last stage writes the video as well.
"""

from __future__ import annotations

import errno
import json
import logging
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from stillmotion.batch.job import WORK, Job, request_of, run_of, target_of
from stillmotion.errors import (
    CheckpointError,
    InputError,
    MissingExtraError,
    MissingWeightsError,
    StillmotionError,
)
from stillmotion.files import digest, write_folder, write_text
from stillmotion.libraries import one_line
from stillmotion.motion import check
from stillmotion.pipeline import Pipeline
from stillmotion.request import Request, settle
from stillmotion.runs import RunFolder, key
from stillmotion.steps import RESULTS, Models

if TYPE_CHECKING:
    from stillmotion.batch.layouts import Item
    from stillmotion.identity.types import Analyzer, Identity
    from stillmotion.motion.models import MotionModels
    from stillmotion.output.record import Photo, Result
    from stillmotion.presets import Preset
    from stillmotion.prompts import Writer
    from stillmotion.still.models import StillModels

STAGES = ("identity", "plan", "still", "motion")
"""In their order; "motion" writes the mp4 as well."""
Value = TypeVar("Value")
DISK_FAULTS = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO)
"""What no other item would survive either."""
SECONDS = "seconds.json"
SHARED = ".identities"
"""Below ``DIR/.work``: the people who were read, for all items and processes of the batch."""
LOG = logging.getLogger("stillmotion")


@dataclass(frozen=True)
class Outcome:
    """What became of one item in one stage.

    ``error`` None: the stage is done. Otherwise its reason in one line, and ``retry`` whether another try
    may help: not where the item itself is wrong. ``seconds`` were spent in this call. The last stage's
    ``figures`` are the manifest's: output_sha256, frames_sha256, seconds (each stage's), and all else.
    """

    output: str
    stage: str
    error: str | None = None
    retry: bool = False
    seconds: float = 0.0
    figures: Mapping[str, Any] = field(default_factory=dict)


def stages_of(request: Request) -> tuple[str, ...]:
    """The stages that this request passes: r2v makes no still."""
    return tuple(stage for stage in STAGES if stage != "still" or request.mode == "decoupled")


class KeptModels(Models):
    """Models that are loaded when the first item needs them and kept for the next.

    A person whose photos were read for one item is not read again for another: ``shared`` holds the
    identities of all processes that work in one batch.
    """

    def __init__(self, preset: Preset, device: str, shared: Path) -> None:
        super().__init__(preset, device)
        self.fault: Exception | None = None
        self._shared = shared
        self._kept: dict[Any, Any] = {}
        self._open = ExitStack()
        self._person: tuple[str, Identity] | None = None

    def still(self) -> StillModels:
        """SDXL and HyperLoRA."""
        return self._keep("still", super().still)

    def motion(self) -> MotionModels:
        """The video model."""
        return self._keep("motion", super().motion)

    def analyzer(self, name: str) -> Analyzer:
        """What sees faces."""
        parent = super().analyzer
        return self._keep(("analyzer", name), lambda: parent(name))

    def token_counter(self) -> Callable[[str], int] | None:
        """CLIP's measure of a prompt."""
        return self._keep("tokens", super().token_counter)

    def writer(self, name: str) -> Writer | str:
        """The writer; one with a model of its own keeps it loaded."""

        def build() -> Writer:
            from stillmotion.prompts.writers import writer_for

            made: Any = writer_for(name)
            chosen: Writer = self._open.enter_context(made) if hasattr(made, "__enter__") else made
            return chosen

        return self._keep(("writer", name), build)

    def read(self, photos: tuple[Photo, ...]) -> Identity:
        """The identity, from the shared ones where these photos were read before."""
        from stillmotion import identity as room

        name = key(photos=[(str(photo.path), photo.sha256) for photo in photos], by=self.preset.analyzer)
        folder = self._shared / name
        try:
            return room.load(folder)
        except CheckpointError:
            found = super().read(photos)
        try:
            folder.parent.mkdir(parents=True, exist_ok=True)
            write_folder(folder, lambda part: room.save(found, part))
        except OSError:
            # Another process may have been first, and its copy is as good.
            if not folder.is_dir():
                raise
        return found

    def load_identity(self, folder: Path) -> Identity:
        """The identity in a run folder: the same object for the same person, whose LoRA is then known."""
        from stillmotion import identity as room

        content = digest(folder)
        if self._person is None or self._person[0] != content:
            self._person = content, room.load(folder)
        return self._person[1]

    def release(self) -> None:
        """Let every model go, and hand its memory back."""
        self._kept.clear()
        self._person, self.fault = None, None
        self._open.close()
        super().let_go()

    def let_go(self) -> None:
        """Nothing: the next item needs the models; to collect garbage takes longer than a small one does."""

    def _keep(self, name: Any, load: Callable[[], Value]) -> Value:
        if name not in self._kept:
            try:
                self._kept[name] = load()
            except Exception as fault:
                self.fault = fault
                raise
        value: Value = self._kept[name]
        return value


class Worker:
    """One stage's models, loaded once; takes items through it, one at a time."""

    def __init__(self, job: Job, stage: str) -> None:
        """InputError for an unknown preset or a device that is not there; models are loaded when needed."""
        if stage not in STAGES:
            raise ValueError(f"stage {stage!r} is not one of {', '.join(STAGES)}")
        self.job, self.stage = job, stage
        self._pipeline = Pipeline(job.preset, job.device)
        self._models = KeptModels(self._pipeline.preset, self._pipeline.device, job.out / WORK / SHARED)
        self._pipeline.models = self._models

    def __call__(self, item: Item) -> Outcome:
        """Take ``item`` through the stage; its run folder holds what the earlier stages made.

        Never raises for the item's fault. What would stop every item, models that cannot be loaded or a disk
        that is full, is raised as a StillmotionError of one line.
        """
        started = time.monotonic()
        try:
            with _without_notes():
                figures = self._take(item)
        except Exception as fault:
            self._check_whether_all_would_fail(fault)
            retry = self._may_help(fault, item)
            if not isinstance(fault, InputError):
                self._models.release()  # whatever state a failure left them in
            return Outcome(item.output, self.stage, _reason(fault), retry, time.monotonic() - started)
        seconds = time.monotonic() - started
        return Outcome(item.output, self.stage, None, False, seconds, self._clock(item, seconds, figures))

    def close(self) -> None:
        """Let the models go."""
        self._models.release()

    def _take(self, item: Item) -> dict[str, Any]:
        request, run = request_of(self.job, item), run_of(self.job, item)
        run.parent.mkdir(parents=True, exist_ok=True)
        if self.stage == "identity":
            self._pipeline.identify(request, run)
        elif self.stage == "plan":
            plan = self._pipeline.plan(request, run=run)
            check(self._pipeline.preset.motion, settle(request), plan)
        elif self.stage == "still":
            self._pipeline.still(request, run=run)
        else:
            target = target_of(self.job, item)
            target.parent.mkdir(parents=True, exist_ok=True)
            return _figures(self._pipeline.generate(request, target, run))
        return {}

    def _clock(self, item: Item, seconds: float, figures: dict[str, Any]) -> dict[str, Any]:
        """Add this stage's seconds to those in the run folder; the last stage's figures get them all."""
        path = run_of(self.job, item) / SECONDS
        try:
            spent = {str(stage): float(value) for stage, value in json.loads(path.read_text()).items()}
        except (OSError, ValueError, AttributeError, TypeError):
            spent = {}
        spent[self.stage] = round(spent.get(self.stage, 0.0) + seconds, 3)
        if figures:
            return {**figures, "seconds": spent}
        write_text(path, json.dumps(spent))
        return {}

    def _check_whether_all_would_fail(self, fault: Exception) -> None:
        """Raise what is not the item's: a model that cannot be loaded, a disk that takes no more."""
        if fault is self._models.fault or isinstance(fault, MissingWeightsError | MissingExtraError):
            raise fault
        cause = fault if isinstance(fault, OSError) else fault.__cause__
        if isinstance(cause, OSError) and cause.errno in DISK_FAULTS:
            where = cause.filename or self.job.out
            raise StillmotionError(
                f"{where}: {cause.strerror}; make room or mend its rights, then the same command goes on"
            ) from None

    def _may_help(self, fault: Exception, item: Item) -> bool:
        """Whether another try may do better than this one."""
        run = RunFolder(run_of(self.job, item))
        if isinstance(fault, CheckpointError) or any(run.edited(step) for step in RESULTS):
            # What an earlier stage left is not what it made: the disk or a hand has damaged it. Begin anew.
            run.discard()
            return True
        return not isinstance(fault, InputError)


@contextmanager
def _without_notes() -> Iterator[None]:
    """Notes on an item go into the manifest; thousands of them would bury everything else on the terminal."""
    level = LOG.level
    LOG.setLevel(logging.ERROR)
    try:
        yield
    finally:
        LOG.setLevel(level)


def _reason(fault: Exception) -> str:
    """A fault in one line; one that is none of ours with its class."""
    if isinstance(fault, StillmotionError):
        return one_line(fault, 500)
    return f"{type(fault).__name__}: {one_line(fault, 400)}"


def _figures(result: Result) -> dict[str, Any]:
    """What the manifest says of a finished video."""
    record = result.record
    assert record.clip
    still = record.still
    return {
        "output_sha256": digest(result.path),
        "frames_sha256": record.clip.sha256,
        "seed": record.settings.seed,
        "frames": record.clip.frames,
        "width": record.clip.width,
        "height": record.clip.height,
        "fps": record.clip.fps,
        "similarity": still.similarity if still else None,
        "similarities": list(still.similarities) if still else [],
        "chosen": still.chosen if still else None,
        "writer": record.plan.writer,
        "notes": list(result.notes),
    }
