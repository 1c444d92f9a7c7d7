"""insightface's released model packs: antelopev2 for HyperLoRA, buffalo_l for the similarity gate.

insightface's own classes run the ONNX files, so that boxes, landmarks and embeddings are exactly those that
HyperLoRA and the published metrics were made with. Nothing is downloaded here: a pack lies in its folder or
is asked for.
"""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from stillmotion.errors import CheckpointError, InputError, MissingExtraError, MissingWeightsError
from stillmotion.identity.segment import ROUGH, Cutter, cutter, grabcut
from stillmotion.identity.types import Face, Gender, Pixels
from stillmotion.libraries import one_line

SIZES = (640, 512, 384, 256)
"""Detection sizes, tried in this order until a face is found: a face that fills its picture needs a small
one.
"""
SAME_PERSON = 0.3
"""ArcFace cosine of two photos of one person; pairs of strangers lie around 0 with a spread of about 0.1."""
TASKS = ("detection", "landmark_2d_106", "recognition", "genderage")
UNUSED = ("1k3d68.onnx",)
"""68 landmarks in space: 140 MB that nothing here reads."""


class InsightAnalyzer:
    """The analyzer "insightface:PACK": see `stillmotion.identity.types.Analyzer`."""

    same_person = SAME_PERSON

    def __init__(self, pack: str, device: str = "cpu", folder: Path | None = None) -> None:
        if not re.fullmatch(r"\w[\w.-]*", pack):
            raise InputError(
                f"analyzer: '{pack}' is no name of a model pack; known are antelopev2 and buffalo_l"
            )
        self.name = f"insightface:{pack}"
        self.device = device
        self._models = _models(_folder(pack) if folder is None else folder, self.name, device)
        self._cutter: Cutter | None = None

    @property
    def notes(self) -> tuple[str, ...]:
        """That a person was cut out roughly, where it was so."""
        return (ROUGH,) if self._cutter is grabcut else ()

    def faces(self, image: Pixels) -> list[Face]:
        """All faces of an RGB uint8 (H, W, 3) picture, largest first; an empty list where there is none."""
        picture = np.ascontiguousarray(image[..., ::-1])
        boxes, points = self._detect(picture)
        faces = [self._face(picture, box, five) for box, five in zip(boxes, points, strict=True)]
        return sorted(faces, key=lambda face: -float(np.prod(face.box[2:] - face.box[:2])))

    def matte(self, image: Pixels, face: Face) -> Pixels:
        """The person to whom ``face`` belongs: (H, W) uint8, 255 = person, 0 = background, soft edges
        between.
        """
        if self._cutter is None:
            self._cutter = cutter(self.device)
        return self._cutter(image, face)

    def _detect(self, picture: Pixels) -> tuple[Any, Any]:
        for size in SIZES:
            found, points = self._models["detection"].detect(picture, input_size=(size, size))
            if len(found):
                return found, points
        return [], []

    def _face(self, picture: Pixels, box: Any, five: Any) -> Face:
        found = import_module("insightface.app.common").Face(bbox=box[:4], kps=five, det_score=float(box[4]))
        for task in TASKS[1:]:
            self._models[task].get(picture, found)
        embedding = np.asarray(found.embedding, dtype=np.float32)
        return Face(
            box=np.asarray(box[:4], dtype=np.float32),
            five=np.asarray(five, dtype=np.float32),
            landmarks=np.asarray(found["landmark_2d_106"], dtype=np.float32),
            embedding=embedding / max(float(np.linalg.norm(embedding)), 1e-12),
            score=float(box[4]),
            gender=self._gender(picture, found),
            age=float(found.age),
        )

    def _gender(self, picture: Pixels, found: Any) -> Gender | None:
        """The gender that the picture and its mirror image agree on; the pack gives no probability."""
        mirrored = np.ascontiguousarray(picture[:, ::-1])
        x0, y0, x1, y1 = found.bbox
        width = picture.shape[1]
        box = np.array([width - x1, y0, width - x0, y1], np.float32)
        twin = import_module("insightface.app.common").Face(bbox=box)
        self._models["genderage"].get(mirrored, twin)
        if int(twin.gender) != int(found.gender):
            return None
        return "man" if int(found.gender) == 1 else "woman"


def _folder(pack: str) -> Path:
    """Where a pack lies: the part of that name in the presets, else a pack put by hand beside the others."""
    from stillmotion.presets import PRESETS
    from stillmotion.weights import home, locate

    for preset in PRESETS.values():
        for source in preset.sources():
            if source.name == pack:
                return locate(source, preset.name)
    folder = home() / "models" / pack
    if not folder.is_dir():
        raise MissingWeightsError(
            f"insightface:{pack}: not on this machine; put its .onnx files into {folder}"
        )
    return folder


def _models(folder: Path, name: str, device: str) -> dict[str, Any]:
    """The pack's models by their task; CheckpointError naming what is missing or damaged."""
    try:
        onnxruntime, model_zoo = import_module("onnxruntime"), import_module("insightface.model_zoo")
    except ImportError as fault:
        raise MissingExtraError("insightface", "insightface", f"the analyzer '{name}'", fault) from None
    # The released zips differ: some hold their files in a folder of the pack's name.
    files = sorted(folder.glob("*.onnx")) or sorted(folder.glob("*/*.onnx"))
    wanted = ["CPUExecutionProvider"]
    if device == "cuda" and "CUDAExecutionProvider" in onnxruntime.get_available_providers():
        wanted.insert(0, "CUDAExecutionProvider")
    options = onnxruntime.SessionOptions()
    # Threads that wait by spinning would take the cores that torch works on between two faces.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    models: dict[str, Any] = {}
    for file in files:
        if file.name in UNUSED:
            continue
        try:
            model = model_zoo.get_model(
                str(file), providers=wanted, sess_options=options, download=False, static_shape_sessions=False
            )
        except Exception as error:
            # onnx, onnxruntime and protobuf each have their own exceptions for a damaged file.
            raise CheckpointError(
                f"{file}: cannot be loaded ({one_line(error)}); download the pack again"
            ) from None
        if model is not None and model.taskname not in models:
            models[model.taskname] = model
    missing = [task for task in TASKS if task not in models]
    if missing:
        raise CheckpointError(
            f"{folder}: no model for {', '.join(missing)} in it; a pack holds detection, 106 landmarks, "
            "recognition and gender"
        )
    models["detection"].prepare(0 if device == "cuda" else -1)
    return models
