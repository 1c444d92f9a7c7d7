"""The method in five steps: who, what, a first frame, its motion, a file (arXiv 2507.04705).

    identity -> plan -> first frame -> clip -> result

Each step's result lies in the run folder before the next begins and is loaded, not made again, when the same
request comes back. Models are loaded by the step that needs them and let go at its end, unless whoever makes
many videos keeps them (``Pipeline.models``).
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from stillmotion import output as leave
from stillmotion import presets
from stillmotion.errors import InputError
from stillmotion.output.record import Result
from stillmotion.progress import Progress, silent
from stillmotion.request import Request, settle
from stillmotion.runs import beside, open_run
from stillmotion.steps import Models, Work, check_weights, hash_photo

if TYPE_CHECKING:
    from stillmotion.identity.types import Identity
    from stillmotion.motion.types import Clip
    from stillmotion.prompts import Plan
    from stillmotion.still.types import FirstFrame

Device = Literal["cpu", "cuda"]
NO_FACE = "faces: give at least one photo of the person (--face)"


class Pipeline:
    """One preset on one device. ``device`` None takes a GPU where the preset is meant for one.

    >>> Pipeline("mini").generate(Request(faces=("anna.png",), prompt="She waves"), "anna.mp4")
    """

    def __init__(self, preset: str = "mini", device: str | None = None) -> None:
        """InputError for an unknown preset, or a device that is not there."""
        self.preset = presets.preset(preset)
        self.device: Device = _device(self.preset, device)
        self.models = Models(self.preset, self.device)

    def generate(
        self,
        request: Request,
        output: Path | str,
        run: Path | str | None = None,
        progress: Progress = silent,
        *,
        plan: Plan | None = None,
        image: Path | None = None,
        force: bool = False,
    ) -> Result:
        """Make the video that ``request`` asks for and write it to ``output`` (.mp4).

        ``run`` names the run folder, which is then kept; without it a hidden one beside the output is
        removed once the file is written. ``plan`` and ``image`` (a first frame) stand in for steps 2 and 3.
        ``force`` replaces an existing file that is not ours. Raises InputError before any work for what is
        wrong with the request, StillmotionError where the work fails; KeyboardInterrupt leaves a run that
        the same call resumes.
        """
        target = Path(output)
        leave.check_target(target, ".mp4", force)
        paint = image is None and request.mode == "decoupled"
        with self._work(
            request, progress, run=run, output=target, still=paint, motion=True, plan=plan, image=image
        ) as work:
            # 1. Who it is: photos -> Identity
            identity = work.identity()

            # 2. What is seen and what happens: prompt -> Plan
            chosen_plan = work.plan(identity)
            work.check_motion(chosen_plan)

            # 3. The first frame, best of N: Plan.spatial + Identity -> FirstFrame
            first = work.still(identity, chosen_plan) if paint and identity else None

            # 4. Its motion: FirstFrame + Plan.temporal + Identity -> Clip
            clip = work.motion(identity, chosen_plan, *work.start(first))

            # 5. A file: Clip + Record -> Result
            progress("output", 0, 1)
            result = leave.write(clip, work.record(chosen_plan, first), target)
            progress("output", 1, 1)
        return replace(result, notes=tuple(work.notes), run=Path(run) if run else None)

    def identify(
        self, request: Request, run: Path | str | None = None, progress: Progress = silent
    ) -> Identity:
        """Step 1 alone: who is on the photos."""
        with self._work(request, progress, run=run) as work:
            identity = work.identity()
        if identity is None:
            raise InputError(NO_FACE)
        return identity

    def plan(self, request: Request, progress: Progress = silent, *, run: Path | str | None = None) -> Plan:
        """Steps 1 and 2 alone: the plan, for people to read and edit; the photo is optional."""
        with self._work(request, progress, run=run) as work:
            return work.plan(work.identity())

    def still(
        self,
        request: Request,
        output: Path | str | None = None,
        run: Path | str | None = None,
        progress: Progress = silent,
        *,
        plan: Plan | None = None,
        force: bool = False,
    ) -> FirstFrame:
        """Steps 1 to 3 alone: the first frame with all candidates.

        With ``output`` (.png) the chosen still is written there, and each of several candidates beside it as
        NAME-1.png, NAME-2.png ...
        """
        target = Path(output) if output else None
        targets = leave.still_targets(target, settle(self._own(request)).candidates) if target else ()
        for each in targets:
            leave.check_target(each, ".png", force)
        with self._work(request, progress, run=run, output=target, still=True, plan=plan) as work:
            identity = work.identity()
            if identity is None:
                raise InputError(NO_FACE)
            chosen_plan = work.plan(identity)
            first = work.still(identity, chosen_plan)
            leave.write_stills(first, work.record(chosen_plan, first), targets)
        return first

    def animate(
        self,
        request: Request,
        image: Path,
        run: Path | str | None = None,
        progress: Progress = silent,
        *,
        plan: Plan | None = None,
    ) -> Clip:
        """Steps 1, 2 and 4 alone: the clip from a first frame of the user's; the photos are optional."""
        with self._work(request, progress, run=run, motion=True, plan=plan, image=image) as work:
            identity = work.identity()
            chosen_plan = work.plan(identity)
            work.check_motion(chosen_plan)
            return work.motion(identity, chosen_plan, *work.start(None))

    @contextmanager
    def _work(
        self,
        request: Request,
        progress: Progress,
        *,
        run: Path | str | None = None,
        output: Path | None = None,
        still: bool = False,
        motion: bool = False,
        plan: Plan | None = None,
        image: Path | None = None,
    ) -> Iterator[Work]:
        """Check everything that can be checked, then open the run folder.

        ``still`` and ``motion`` say whose weights are needed.
        """
        request = self._own(request)
        needs = settle(request)
        if (still or motion) and image is None and not request.faces:
            raise InputError(NO_FACE)
        if image is not None and request.mode == "r2v":
            raise InputError("mode: 'r2v' takes no first frame; leave out the image or the mode")
        photos = tuple(hash_photo(face) for face in request.faces)
        given = hash_photo(image) if image is not None else None
        if still or motion:
            check_weights(self.preset, needs, still, motion)
        with _place(run, output) as path, open_run(path, keep=run is not None) as folder:
            settings = settle(request, folder.drawn_seed())
            parts = (self.preset, self.device, self.models)
            work = Work(*parts, request, settings, photos, folder, progress, plan, given)
            if motion:
                work.check_motion(plan)
            folder.note(work.facts())
            yield work

    def _own(self, request: Request) -> Request:
        """The request for this pipeline's preset; InputError where it names another."""
        if "preset" in request.model_fields_set and request.preset != self.preset.name:
            raise InputError(
                f"preset: the request names '{request.preset}', the pipeline '{self.preset.name}'; name one"
            )
        return request.model_copy(update={"preset": self.preset.name})


@contextmanager
def _place(run: Path | str | None, output: Path | None) -> Iterator[Path]:
    """The run folder that was named, the hidden one beside the output, or one for this call only."""
    if run is not None:
        yield Path(run)
    elif output is not None:
        yield beside(output)
    else:
        with tempfile.TemporaryDirectory(prefix="stillmotion-") as folder:
            yield Path(folder)


def _device(preset: presets.Preset, asked: str | None) -> Device:
    """The device asked for, or the preset's own; InputError where there is no such device."""
    if asked not in (None, "cpu", "cuda"):
        raise InputError(f"device: '{asked}' is unknown; there are cpu and cuda")
    if asked == "cpu" or (asked is None and preset.device == "cpu"):
        return "cpu"
    import torch

    if torch.cuda.is_available():
        return "cuda"
    if asked == "cuda":
        raise InputError("device: no CUDA device was found; leave out --device or take --device cpu")
    raise InputError(
        f"preset: '{preset.name}' needs a CUDA device with {preset.memory:g} GiB, and none was found; "
        "take --preset mini, or --device cpu to try all the same"
    )
