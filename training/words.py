"""The texts that go with a picture or a clip of the world, as the two stages will meet them.

Stage 1 reads phrases (the world's, and what the rules writer makes of a user's prompt, both behind
HyperLoRA's trigger words) and raw prompts; stage 2 reads polished sentences and raw prompts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from stillmotion.prompts.rules import spatial_of, temporal_of
from training.world import Action, Person, Scene, actions_of, captions, identity_of, scene_of

TRIGGER = "fcsks fxhks fhyks, "
VARIANTS = 4


def subject_of(person: Person, rng: np.random.Generator) -> str:
    """The subject noun as the face analyzer gives it: mostly sure."""
    return "A person" if rng.random() < 0.1 else f"A {person.gender}"


def spatial_texts(
    person: Person, scene: Scene, actions: Sequence[Action], rng: np.random.Generator
) -> list[str]:
    """``VARIANTS`` texts for a still: two of the world's phrase lists, one refined prompt, one raw."""
    raw = captions.prompt(person, scene, actions, rng)
    refined = spatial_of(captions.prompt(person, scene, actions, rng), subject_of(person, rng))
    if scene.framing == "half body":
        # The writer always asks for a close-up; a picture that is none must not teach what the word means.
        refined = refined.removesuffix(", close-up")
    phrases = [captions.spatial(person, scene, rng) for _ in range(2)]
    return [*(TRIGGER + p for p in phrases), TRIGGER + refined, raw]


def temporal_texts(
    person: Person, scene: Scene, actions: Sequence[Action], rng: np.random.Generator
) -> list[str]:
    """``VARIANTS`` texts for a clip: two of the world's sentences, one polished prompt, one raw."""
    raw = captions.prompt(person, scene, actions, rng)
    polished = temporal_of(captions.prompt(person, scene, actions, rng), subject_of(person, rng))
    return [*(captions.temporal(person, scene, actions, rng) for _ in range(2)), polished, raw]


def part_texts(
    person: Person, scene: Scene, actions: Sequence[Action], rng: np.random.Generator
) -> list[list[str]]:
    """For each of a clip's actions ``VARIANTS`` texts that tell of it alone, as a prompt's segments do."""
    return [temporal_texts(person, scene, (replace(one, start=0.0, end=1.0),), rng) for one in actions]


def texts(seed: int) -> list[str]:
    """All texts of one random clip of the world, for the tokenizers."""
    rng = np.random.default_rng((seed, 77))
    person, scene, actions = identity_of(1000 + seed % 9000), scene_of(seed), actions_of(seed)
    return spatial_texts(person, scene, actions, rng) + temporal_texts(person, scene, actions, rng)
