"""What to draw for training: numbered jobs, each a person, scenes and actions from seeds alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from training.world.actions import ACTIONS, Action, actions_of
from training.world.draw import Footage, Renderer
from training.world.people import TRAIN, Person, identity_of
from training.world.scenes import Scene, reference_scene, scene_of

_EXPRESSION_OF = {"smile": "smiling", "laugh": "laughing", "frown": "frowning", "surprised": "surprised"}


@dataclass(frozen=True)
class Job:
    """One clip (`kind` 'clips': one scene, some actions) or several stills of a person ('stills').

    A still job's first picture is the plain frontal reference, the others are `scene_of` of each seed.
    """

    number: int
    kind: str
    person: int
    scenes: tuple[int, ...]
    action: int | None = None

    def record(self) -> dict[str, Any]:
        """The job as JSON values; `job_from` reads it back."""
        return asdict(self)


def job_from(record: dict[str, Any]) -> Job:
    """The job of a record that `Job.record` made."""
    return Job(**{**record, "scenes": tuple(record["scenes"])})


def clip_scene(seed: int, actions: Sequence[Action]) -> Scene:
    """The scene with this seed, changed where these actions would not show or be nothing new in it."""
    return suited(scene_of(seed), actions)


def suited(scene: Scene, actions: Sequence[Action]) -> Scene:
    """A scene changed where these actions would not show or be nothing new in it."""
    seed = scene.seed
    names = {a.name for a in actions}
    groups = {ACTIONS[n].group for n in names}
    if "arm" in groups and (scene.framing == "close-up" or seed % 3 == 0):
        scene = scene.replace(framing="half body")
    if groups & {"gaze", "lids", "brows", "face", "mouth"} and scene.framing == "half body":
        scene = scene.replace(framing="close-up" if seed % 2 and "arm" not in groups else "portrait")
    if names & {"zoom out", "lean forward", "walk", "shrug"} and scene.framing != "portrait":
        scene = scene.replace(framing="portrait")
    if scene.expression in [_EXPRESSION_OF.get(n) for n in names]:
        scene = scene.replace(expression="neutral")
    if names & {"talk", "open mouth", "pout", "raise brows", "laugh"}:
        scene = scene.replace(expression="neutral")
    if names & {"turn left", "turn right", "shake head", "tilt"} or "gaze" in groups:
        scene = scene.replace(view="front", gaze="camera")
    if groups & {"lids", "gaze"} or names & {"look up", "look down"}:
        scene = scene.replace(gaze="camera")
    return scene


def make_job(kind: str, seed: int, number: int, views: int = 4, identities: int | None = None) -> Job:
    """Job `number` of a series; `identities` limits how many training persons take part.

    Raises ValueError for an unknown kind.
    """
    if kind not in ("clips", "stills"):
        raise ValueError(f"unknown kind of job '{kind}'; use 'clips' or 'stills'")
    rng = np.random.default_rng([72_505, seed, number])
    last = TRAIN.stop if identities is None else min(TRAIN.start + identities, TRAIN.stop)
    person = int(rng.integers(TRAIN.start, last))
    scenes = tuple(int(s) for s in rng.integers(0, 2**31, views if kind == "stills" else 1))
    return Job(number, kind, person, scenes, int(rng.integers(0, 2**31)) if kind == "clips" else None)


@dataclass(frozen=True)
class Truth:
    """What a job shows: the person, one scene per still (or the clip's one) and the actions."""

    person: Person
    scenes: tuple[Scene, ...]
    actions: tuple[Action, ...]


@lru_cache(maxsize=64)  # the stills of a job follow each other, and share it
def truth_of(job: Job) -> Truth:
    """Everything a job shows, recomputed from its seeds."""
    person = identity_of(job.person)
    if job.action is not None:
        actions = actions_of(job.action)
        return Truth(person, (clip_scene(job.scenes[0], actions),), actions)
    first, *others = job.scenes
    return Truth(person, (reference_scene(first), *(scene_of(s) for s in others)), ())


def draw_job(renderer: Renderer, job: Job, frames: int = 17) -> Footage:
    """Draw a job: T is `frames` for a clip, the number of scenes for stills."""
    truth = truth_of(job)
    if job.kind == "clips":
        return renderer.clip(truth.person, truth.scenes[0], truth.actions, frames)
    return renderer.stills(truth.person, truth.scenes)
