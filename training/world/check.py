"""Is identity there to be learnt? An independent recogniser that never saw the world answers.

The recogniser is dlib's, as `stillmotion evaluate` uses it (pip install 'stillmotion[evaluate]').
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from stillmotion.evaluate.dlib_faces import Recogniser
from training.world.draw import Renderer
from training.world.people import HELD_OUT, identity_of
from training.world.scenes import scene_of


def check(identities: int, size: int, bust: Path) -> dict[str, float]:
    """Two renders of each of the first held-out persons in different scenes: are faces found and known again?

    Returns the share of pictures with a face, top-1 identification both ways, and mean distances.
    """
    renderer, recogniser = Renderer(size, bust), Recogniser()
    first, second, found = [], [], 0
    for index in HELD_OUT[:identities]:
        person = identity_of(index)
        pair = [
            recogniser(renderer.still(person, scene_of(10_000 + 2 * index + k)).frames[0]) for k in (0, 1)
        ]
        found += sum(x is not None for x in pair)
        if pair[0] is not None and pair[1] is not None:
            first.append(pair[0])
            second.append(pair[1])
    distance = np.linalg.norm(np.array(first)[:, None] - np.array(second)[None], axis=2)
    same = np.diag(distance)
    other = distance[~np.eye(len(distance), dtype=bool)]
    right = (distance.argmin(1) == np.arange(len(distance))).mean() + (
        distance.argmin(0) == np.arange(len(distance))
    ).mean()
    return {
        "identities": float(identities),
        "faces_found": round(found / (2 * identities), 4),
        "pairs": float(len(first)),
        "top1": round(float(right / 2), 4),
        "same_mean": round(float(same.mean()), 4),
        "same_max": round(float(same.max()), 4),
        "other_mean": round(float(other.mean()), 4),
        "other_min": round(float(other.min()), 4),
    }
