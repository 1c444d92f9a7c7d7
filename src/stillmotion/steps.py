"""The five steps' bookkeeping: what each depends on, how it is kept, when its models are loaded and let go.

``pipeline`` is the method; this is what makes it resumable. Each step hands its room a way to keep what
is finished and names everything that its result depends on.
"""

from __future__ import annotations

import gc
import logging
import stat
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from stillmotion import __version__
from stillmotion.errors import InputError, OutOfMemoryError
from stillmotion.files import digest
from stillmotion.libraries import is_out_of_memory, quiet
from stillmotion.output.record import Photo, Record, StillFacts
from stillmotion.parts import Source
from stillmotion.presets import Preset
from stillmotion.progress import Progress
from stillmotion.prompts import Plan, as_read, decouple, subject_in
from stillmotion.prompts.sequence import in_turn
from stillmotion.prompts.vocabulary import told
from stillmotion.request import Request, Settings
from stillmotion.runs import RunFolder, key
from stillmotion.weights import locate

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from stillmotion.identity.types import Analyzer, Identity
    from stillmotion.motion.models import MotionModels
    from stillmotion.motion.types import Clip
    from stillmotion.prompts import Writer
    from stillmotion.still.models import StillModels
    from stillmotion.still.types import Candidate, FirstFrame

Value = TypeVar("Value")
log = logging.getLogger("stillmotion")
STILL_SETTINGS = {"still_width", "still_height", "still_steps", "candidates", "detail", "guidance_scale"}
STILL_SETTINGS |= {"seed", "lora_weight", "negative_prompt", "prompts"}
MOTION_SETTINGS = {"seed", "mode", "width", "height", "num_frames", "fps", "motion_steps"}
MOTION_SETTINGS |= {"motion_guidance_scale", "motion_negative_prompt"}
RESULTS = ("identity", "plan.json", "still", "motion")
LIBRARIES = ("torch", "diffusers", "transformers", "numpy", "av")


class Models:
    """Where the steps get their models from: loaded anew by each step, which lets go of them at its end.

    Whoever makes many videos may keep them instead: a subclass does (see ``batch.stages``).
    """

    def __init__(self, preset: Preset, device: str) -> None:
        self.preset, self.device = preset, device

    def analyzer(self, name: str) -> Analyzer:
        """What sees faces, in photos or in candidates."""
        from stillmotion import identity as room

        return room.analyzer(name, self.device)

    def read(self, photos: tuple[Photo, ...]) -> Identity:
        """Who is on the photos."""
        from stillmotion import identity as room

        return room.read([photo.path for photo in photos], self.analyzer(self.preset.analyzer))

    def load_identity(self, folder: Path) -> Identity:
        """An identity that was read before."""
        from stillmotion import identity as room

        return room.load(folder)

    def writer(self, name: str) -> Writer | str:
        """Who writes the plan, or the name alone where ``decouple`` is to load it."""
        return name

    def token_counter(self) -> Callable[[str], int] | None:
        """CLIP's measure of a prompt; None where its files are not here."""
        from stillmotion.still import token_counter

        return token_counter(self.preset.still)

    def still(self) -> StillModels:
        """SDXL and HyperLoRA."""
        from stillmotion import still as room

        return room.load(self.preset.still, self.device)

    def motion(self) -> MotionModels:
        """The video model."""
        from stillmotion import motion as room

        return room.load(self.preset.motion, self.device)

    def let_go(self) -> None:
        """A step has ended: its models' memory goes back."""
        gc.collect()
        torch = sys.modules.get("torch")
        if torch and self.device == "cuda":
            torch.cuda.empty_cache()


@dataclass
class Work:
    """One request on its way through the steps, in a run folder whose lock is held.

    ``models`` loads what a step needs. ``given_plan`` and ``given_image`` are there when the user gives them
    instead of having them made; ``notes`` collects what the user should know, which is logged as soon as it
    is known.
    """

    preset: Preset
    device: str
    models: Models
    request: Request
    settings: Settings
    photos: tuple[Photo, ...]
    folder: RunFolder
    progress: Progress
    given_plan: Plan | None = None
    given_image: Photo | None = None
    notes: list[str] = field(default_factory=list)

    def identity(self) -> Identity | None:
        """Step 1: who it is; None without a photo (a first frame of one's own needs none)."""
        if not self.photos:
            return None
        from stillmotion import identity as room

        found: Identity = self._step(
            "identity",
            key(version=__version__, photos=[p.sha256 for p in self.photos], analyzer=self.preset.analyzer),
            lambda: self.models.read(self.photos),
            _into_folder(room.save),
            self.models.load_identity,
        )
        self._tell(found.notes)
        return found

    def plan(self, identity: Identity | None) -> Plan:
        """Step 2: what is seen and what happens. ``plan.json`` may be edited between two runs."""
        subject = identity.subject if identity else "A person"
        if subject == "A person":
            # No photo, or one that does not tell: the prompt's own word for its person is the better guess.
            subject = subject_in(self.request.prompt)
        given = self.given_plan
        plan = self._step(
            "plan.json",
            key(
                prompt=self.request.prompt,
                subject=subject,
                writer=self.settings.writer,
                prompts=self.settings.prompts,
                trigger=self.preset.still.trigger,
                view=self.preset.still.view,
                expression=self.preset.still.expression,
                given=given.model_dump(mode="json") if given else None,
            ),
            lambda: given or self._decouple(subject),
            lambda plan, path: plan.save(path),
            Plan.load,
        )
        self._tell((f"prompts: {plan.fallback}",) if plan.fallback else ())
        _, readings = as_read(plan, self.preset.vocabulary)
        self._tell((f"prompts: {self.preset.name} {told(readings)}",) if readings else ())
        return plan

    def still(self, identity: Identity, plan: Plan) -> FirstFrame:
        """Step 3: the first frame, candidate by candidate."""
        from stillmotion import still as room
        from stillmotion.still.types import FirstFrame

        plan, _ = as_read(plan, self.preset.vocabulary)
        depends = key(
            version=__version__,
            device=self.device,
            spatial=plan.spatial,
            identity=self.folder.digest("identity"),
            settings=self.settings.model_dump(include=STILL_SETTINGS),
            preset=asdict(self.preset.still),
            judge=self.preset.judge,
        )

        def keep(number: int, candidate: Candidate) -> None:
            save = _into_folder(room.save)
            self.folder.keep_part(
                "still", depends, number, lambda path: save(FirstFrame((candidate,), 0), path)
            )

        def make() -> FirstFrame:
            done = self.folder.parts("still", depends, lambda path: room.load_first_frame(path).candidates[0])
            with _memory(self.models, "fewer pixels: --still-width and --still-height"), quiet():
                models = self.models.still()
                judge = self.models.analyzer(self.preset.judge)
                first = room.make(
                    plan.spatial, identity, models, self.settings, judge, self.progress, done, keep
                )
            kept = self.preset.still.kept_similarity
            self._tell(room.doubts(first, judge.same_person if kept is None else kept))
            return first

        return self._step("still", depends, make, _into_folder(room.save), room.load_first_frame)

    def check_motion(self, plan: Plan | None) -> None:
        """InputError for what the video model cannot do, before time is spent on a still.

        ``plan`` None: the settings alone, before there is a plan.
        """
        from stillmotion import motion as room

        room.check(self.preset.motion, self.settings, plan)

    def motion(
        self, identity: Identity | None, plan: Plan, first: NDArray[np.uint8] | None, source: str
    ) -> Clip:
        """Step 4: the clip, segment by segment, from ``first`` (H, W, 3); None: straight from the identity.

        ``source`` is the digest of where ``first`` came from.
        """
        from stillmotion import motion as room
        from stillmotion.motion.types import Clip

        if self.preset.motion.deed_frames:
            plan = in_turn(plan, self.settings.num_frames, self.settings.fps, self.preset.motion.deed_frames)
        plan, _ = as_read(plan, self.preset.vocabulary)
        depends = key(
            version=__version__,
            device=self.device,
            temporal=plan.temporal,
            segments=[segment.model_dump() for segment in plan.segments],
            first=source,
            identity=self.folder.digest("identity") if identity else None,
            settings=self.settings.model_dump(include=MOTION_SETTINGS),
            preset=asdict(self.preset.motion),
        )
        fps = self.settings.fps

        def keep(number: int, frames: NDArray[np.uint8]) -> None:
            save = _into_folder(room.save)
            self.folder.keep_part("motion", depends, number, lambda path: save(Clip(frames, fps), path))

        def make() -> Clip:
            done = self.folder.parts("motion", depends, lambda path: room.load_clip(path).frames)
            with _memory(self.models, "fewer pixels or frames: --width, --height, --num-frames"), quiet():
                models = self.models.motion()
                return room.animate(first, plan, identity, models, self.settings, self.progress, done, keep)

        return self._step("motion", depends, make, _into_folder(room.save), room.load_clip)

    def start(self, first: FirstFrame | None) -> tuple[NDArray[np.uint8] | None, str]:
        """The frame that the motion starts from, the user's own or step 3's, and the digest of its source."""
        if self.given_image is not None:
            from stillmotion.identity import load_image

            return load_image(self.given_image.path), self.given_image.sha256
        return (first.image, self.folder.digest("still")) if first else (None, "")

    def facts(self) -> dict[str, object]:
        """What ``request.json`` says."""
        return {
            "request": self.request.model_dump(mode="json", exclude_none=True),
            "settings": self.settings.model_dump(mode="json"),
            "photos": [photo.model_dump(mode="json") for photo in self.photos],
            "versions": _versions(),
            "device": self.device,
        }

    def record(self, plan: Plan, first: FirstFrame | None) -> Record:
        """What step 5 writes into the file beside the frames."""
        return Record(
            request=self.request,
            settings=self.settings,
            photos=self.photos,
            image=self.given_image,
            plan=plan,
            readings=as_read(plan, self.preset.vocabulary)[1],
            still=still_facts(first) if first else None,
            edited=self._edited(),
            parts={source.name: _origin(source) for source in self.preset.sources()},
            versions=_versions(),
            device=self.device,
        )

    def _tell(self, notes: Iterable[str]) -> None:
        for note in notes:
            self.notes.append(note)
            log.warning("%s", note)

    def _edited(self) -> tuple[str, ...]:
        return tuple(name for name in RESULTS if self.folder.edited(name))

    def _decouple(self, subject: str) -> Plan:
        with _memory(self.models, "another writer: --writer rules"):
            return decouple(
                self.request.prompt,
                subject,
                self.models.writer(self.settings.writer),
                self.settings.prompts,
                self.models.token_counter(),
                self.preset.still.trigger,
                self.preset.still.view,
                self.preset.still.expression,
            )

    def _step(
        self,
        name: str,
        depends: str,
        make: Callable[[], Value],
        save: Callable[[Value, Path], object],
        load: Callable[[Path], Value],
    ) -> Value:
        shown = "prompts" if name == "plan.json" else name
        if self.folder.finished(name, depends):
            if self.folder.edited(name):
                self._tell((f"{name}: edited by hand, taken as it is",))
            self.progress(f"{shown}: finished before", 0, 0)
            return self.folder.step(name, depends, make, save, load)
        self.progress(shown, 0, 1)
        value = self.folder.step(name, depends, make, save, load)
        self.progress(shown, 1, 1)
        return value


def hash_photo(path: Path) -> Photo:
    """A photo's path and SHA-256; InputError where it is no readable file of a photo's size."""
    from stillmotion.identity.photos import MOST_BYTES

    try:
        facts = path.stat()
    except (OSError, ValueError):
        raise InputError(f"{path}: there is no such file; give the path of a photo") from None
    if stat.S_ISDIR(facts.st_mode):
        raise InputError(f"{path}: is a folder; give a photo in it")
    if not stat.S_ISREG(facts.st_mode):
        raise InputError(f"{path}: is not an ordinary file; give the path of a photo")
    if facts.st_size == 0:
        raise InputError(f"{path}: is empty; give a JPEG, PNG or WEBP photo")
    if facts.st_size > MOST_BYTES:
        raise InputError(f"{path}: is larger than {MOST_BYTES // 2**20} MiB; scale the photo down")
    try:
        return Photo(path=path, sha256=digest(path))
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from None


def check_weights(preset: Preset, settings: Settings, still: bool, motion: bool) -> None:
    """The parts that this work needs are here and whole; else the error of the first one that is not.

    A stage that is left out needs no weights, nor does the preset's language model where another writer is
    asked for.
    """
    unused: set[Source] = set()
    if not still:
        unused |= {preset.still.checkpoint, preset.still.hyperlora, preset.still.image_encoder}
        unused |= set(preset.still.loras)
    if not motion:
        unused |= {preset.motion.checkpoint, *preset.motion.loras}
    for source in preset.sources():
        writes = source.repo is not None and preset.writer == f"transformers:{source.repo}"
        if source not in unused and not (writes and settings.writer != preset.writer):
            locate(source, preset.name)


def still_facts(first: FirstFrame) -> StillFacts:
    """Seeds and similarities of the candidates, for the record."""
    return StillFacts(
        seeds=tuple(candidate.seed for candidate in first.candidates),
        similarities=tuple(candidate.similarity for candidate in first.candidates),
        chosen=first.chosen,
    )


def _into_folder(save: Callable[[Value, Path], object]) -> Callable[[Value, Path], None]:
    """A room's ``save(value, folder)`` for a folder that does not exist yet."""

    def write(value: Value, folder: Path) -> None:
        folder.mkdir()
        save(value, folder)

    return write


@contextmanager
def _memory(models: Models, remedy: str) -> Iterator[None]:
    """Models loaded within the block are let go at its end; running out of memory names the way out."""
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        if is_out_of_memory(error):
            raise OutOfMemoryError(f"{models.device}: out of memory; ask for {remedy}") from None
        raise
    finally:
        models.let_go()


def _origin(source: Source) -> str:
    """Where a part came from, in one word: repository and commit, address, or the package itself."""
    if source.embedded:
        return "embedded"
    if source.repo:
        return f"{source.repo}@{source.revision}" if source.revision else source.repo
    return source.url or "local"


@cache
def _versions() -> dict[str, str]:
    """The versions of this package, Python and the libraries that decide what a frame looks like."""
    found = {"stillmotion": __version__, "python": ".".join(str(n) for n in sys.version_info[:3])}
    for name in LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
