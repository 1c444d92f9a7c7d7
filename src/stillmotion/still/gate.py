"""The similarity gate: several attempts, each judged by the face, the best one chosen and all of them kept.

The judge compares what it sees itself: the person's photos and the candidate go through the same analyzer,
whichever one read the identity.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Sequence
from functools import partial
from weakref import WeakKeyDictionary

import numpy as np
import torch
from numpy.typing import NDArray

from stillmotion.errors import InputError
from stillmotion.identity.types import Analyzer, Identity, Pixels, Portrait
from stillmotion.progress import Progress, silent
from stillmotion.request import Settings
from stillmotion.still import sdxl
from stillmotion.still.detail import detail
from stillmotion.still.models import StillModels
from stillmotion.still.types import Candidate, FirstFrame

log = logging.getLogger("stillmotion")
SDXL_CLIP_SKIP = 2

_seen: WeakKeyDictionary[Identity, dict[str, NDArray[np.float32] | None]] = WeakKeyDictionary()


def make(
    spatial: str,
    identity: Identity,
    models: StillModels,
    settings: Settings,
    judge: Analyzer,
    progress: Progress = silent,
    done: Sequence[Candidate] = (),
    keep: Callable[[int, Candidate], None] | None = None,
) -> FirstFrame:
    """Make up to ``settings.candidates`` stills of the person and choose the one that resembles the photos
    most.

    ``spatial`` is what the still shows (raw or refined, as the caller decided); HyperLoRA's trigger words are
    put in front if they are not there. Stops early above the preset's ``enough_similarity``. ``done`` are
    candidates that an interrupted run has made; ``keep(index, candidate)`` is called as each further one is
    finished. A candidate depends on its index and ``settings.seed`` alone. Raises InputError for sizes that
    the checkpoint cannot make.
    """
    check_size(models, settings)
    candidates = list(done[: settings.candidates])
    enough = models.preset.enough_similarity
    if len(candidates) < settings.candidates and not _reached(candidates, enough):
        conditions = _conditions(spatial, models, settings)
        with models.person(identity, settings.lora_weight):
            while len(candidates) < settings.candidates and not _reached(candidates, enough):
                number = len(candidates)
                image = _attempt(number, conditions, models, settings, judge, progress=progress)
                alike = similarity(image, identity, judge)
                candidates.append(Candidate(image, alike, seed_of(settings.seed, number)))
                if keep:
                    keep(number, candidates[-1])
        models.pipe.maybe_free_model_hooks()
    return FirstFrame(tuple(candidates), best(candidates))


def best(candidates: Sequence[Candidate]) -> int:
    """The index of the most similar candidate; one without a face comes last, of equals the first is
    taken.
    """
    return max(range(len(candidates)), key=lambda i: (_value(candidates[i]), -i))


def doubts(first: FirstFrame, kept: float) -> tuple[str, ...]:
    """What the user should know of a first frame that nobody would take for the person; empty where one
    would. ``kept`` is the similarity from which on the face counts as kept.
    """
    alike = first.similarity
    if alike is None:
        return ("the first frame shows no face, so it is not known whether it looks like the photo",)
    if alike >= kept:
        return ()
    return (
        f"the first frame does not keep the face: similarity {alike:.2f}, where a face that is "
        f"kept has {kept:.2f} or more; try another --seed, more --candidates or another photo",
    )


def seed_of(seed: int, number: int) -> int:
    """The seed of candidate ``number``: the run's own for the first, unrelated ones (63 bits) for the others.

    Not seed + number: runs with neighbouring seeds would draw each other's candidates.
    """
    if number == 0:
        return seed
    return int.from_bytes(hashlib.sha256(f"still {seed} {number}".encode()).digest()[:8], "big") >> 1


def check_size(models: StillModels, settings: Settings) -> None:
    """InputError unless both sides are whole numbers of latents."""
    step = sdxl.latent_step(models.pipe)
    for name in ("still_width", "still_height"):
        side: int = getattr(settings, name)
        if side % step:
            near = max(round(side / step), 1) * step
            raise InputError(f"{name}: {side} is not a multiple of {step}; take {near}")


def similarity(image: Pixels, identity: Identity, judge: Analyzer) -> float | None:
    """The cosine between the largest face of ``image`` and the person, both as the judge sees them.

    None where the judge finds no face in the picture, or none in any of the photos.
    """
    reference = _reference(identity, judge)
    faces = judge.faces(image) if reference is not None else []
    return float(np.dot(reference, faces[0].embedding)) if reference is not None and faces else None


def _attempt(
    number: int,
    conditions: sdxl.Conditions,
    models: StillModels,
    settings: Settings,
    judge: Analyzer,
    *,
    progress: Progress,
) -> Pixels:
    """Sample candidate ``number`` and, if asked, detail its faces."""
    generator = torch.Generator().manual_seed(seed_of(settings.seed, number))
    name = f"still: candidate {number + 1} of {settings.candidates}"
    size = settings.still_height, settings.still_width
    progress(name, 0, settings.still_steps)
    report = partial(progress, name)
    image = sdxl.sample(
        models.pipe, conditions, size, settings.still_steps, generator=generator, report=report
    )
    if not settings.detail:
        return image
    faces = judge.faces(image)
    preset = models.preset
    return detail(
        image, faces, models.pipe, conditions, preset=preset, generator=generator, progress=progress
    )


def _conditions(spatial: str, models: StillModels, settings: Settings) -> sdxl.Conditions:
    """The prompts' embeddings, trigger words first."""
    trigger = models.preset.trigger
    prompt = spatial if spatial.startswith(trigger.strip(" ,")) else trigger + spatial
    skip = models.preset.clip_skip or SDXL_CLIP_SKIP
    scale = settings.guidance_scale
    return sdxl.encode_prompts(models.pipe, prompt, settings.negative_prompt, scale, skip)


def _value(candidate: Candidate) -> float:
    return -2.0 if candidate.similarity is None else candidate.similarity


def _reached(candidates: Sequence[Candidate], enough: float) -> bool:
    return any(_value(candidate) > enough for candidate in candidates)


def _reference(identity: Identity, judge: Analyzer) -> NDArray[np.float32] | None:
    """The person as the judge sees them: the mean over the photos, unit length; None where it sees no
    face.
    """
    known = _seen.setdefault(identity, {})
    if judge.name not in known:
        found = [face for portrait in identity.portraits if (face := _embedding(portrait, judge)) is not None]
        if not found:
            log.warning(
                "%s finds no face in the photos, so the stills cannot be compared with them", judge.name
            )
        mean = np.mean(found, axis=0) if found else None
        known[judge.name] = (
            None if mean is None else np.asarray(mean / np.linalg.norm(mean), dtype=np.float32)
        )
    return known[judge.name]


def _embedding(portrait: Portrait, judge: Analyzer) -> NDArray[np.float32] | None:
    """The judge's embedding of the portrait's face: of those it finds, the one nearest to where the face
    is.
    """
    centre = portrait.face.box.reshape(2, 2).mean(axis=0)
    faces = judge.faces(portrait.image)
    if not faces:
        return None
    return min(
        faces, key=lambda face: float(np.linalg.norm(face.box.reshape(2, 2).mean(axis=0) - centre))
    ).embedding
