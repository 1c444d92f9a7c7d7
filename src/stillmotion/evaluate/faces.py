"""FaceSim-Arc, and the faces that all judges of ConsisID's protocol look at (arXiv 2411.17440, its published
evaluation code): found and read by insightface's buffalo_l, aligned to 224x224.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Generic, TypeVar
from weakref import WeakValueDictionary, ref

import numpy as np
from numpy.typing import NDArray

from stillmotion.errors import CheckpointError, MissingExtraError, NoFaceError
from stillmotion.evaluate.types import Measured, NotComputed, Sample
from stillmotion.evaluate.weights import judge_file
from stillmotion.identity.insight import InsightAnalyzer
from stillmotion.identity.types import Pixels

Floats = NDArray[np.float32]
Answer = TypeVar("Answer")

PACK = "buffalo_l"
DETECTION_SIZE = (320, 320)
THRESHOLD = 0.5
JUDGED_FRAMES = 16
ALIGNED = 224
BORDER = 0.25
"""Of each side, added on both ends in a second try: a face that fills its picture is found smaller."""
BORDER_GREY = 128
NO_FACE = "no face"
"""The flag of a video without a face in any judged frame."""


@dataclass(frozen=True, eq=False)
class SeenFace:
    """The largest face of a picture: ``embedding`` (512,) of buffalo_l's ArcFace, not normalised;
    ``aligned`` (224, 224, 3) RGB uint8.
    """

    embedding: Floats
    aligned: Pixels


class Last(Generic[Answer]):
    """What was made of the last array, for who asks again for the same one; the array itself is not kept."""

    def __init__(self) -> None:
        self._known: tuple[ref[NDArray[np.uint8]], Answer] | None = None

    def of(self, array: NDArray[np.uint8], make: Callable[[NDArray[np.uint8]], Answer]) -> Answer:
        """``make(array)``, made once."""
        if self._known is None or self._known[0]() is not array:
            self._known = ref(array), make(array)
        return self._known[1]


def judged(count: int, wanted: int = JUDGED_FRAMES) -> list[int]:
    """The frames that are looked at: ``linspace(0, count - 1, wanted)``, cut to whole numbers.

    A video with fewer frames than wanted has some looked at twice, as in the published code.
    """
    return [int(i) for i in np.linspace(0, count - 1, wanted, dtype=int)]


class FaceReader(InsightAnalyzer):
    """buffalo_l as the published code runs it: one detection size, the largest face, one padded retry.

    The faces of the last video and the last reference are kept: three judges ask for them in turn.
    """

    def __init__(self, device: str, folder: Path) -> None:
        super().__init__(PACK, device, folder)
        self._models["detection"].det_thresh = THRESHOLD
        self._frames: Last[list[SeenFace | None]] = Last()
        self._reference: Last[SeenFace | None] = Last()

    def of_sample(self, sample: Sample) -> tuple[SeenFace, list[SeenFace | None]]:
        """The reference's face and those of the judged frames, None where a frame has none.

        Raises NoFaceError where the reference has none.
        """
        known = self._reference.of(sample.reference, self.largest)
        if known is None:
            raise NoFaceError("no face was found in the reference; give another photo")
        return known, self._frames.of(sample.frames, self._of_frames)

    def _of_frames(self, frames: NDArray[np.uint8]) -> list[SeenFace | None]:
        chosen = judged(len(frames))
        # A short video has frames that are looked at twice: once is enough work.
        found = {index: self.largest(frames[index]) for index in dict.fromkeys(chosen)}
        return [found[index] for index in chosen]

    def largest(self, image: Pixels) -> SeenFace | None:
        """The largest face of an RGB uint8 (H, W, 3) picture, or None."""
        picture = np.ascontiguousarray(image[..., ::-1])
        seen = self._read(picture)
        if seen is None:
            margins = [int(side * BORDER) for side in picture.shape[:2]]
            border = [(margins[0], margins[0]), (margins[1], margins[1]), (0, 0)]
            seen = self._read(np.pad(picture, border, constant_values=BORDER_GREY))
            shift = np.array(margins[::-1], np.float32)
        else:
            shift = np.zeros(2, np.float32)
        if seen is None:
            return None
        # The embedding is the padded picture's, the crop the picture's own, as published.
        crop = import_module("insightface.utils.face_align").norm_crop(picture, seen[1] - shift, ALIGNED)
        return SeenFace(seen[0], np.ascontiguousarray(crop[..., ::-1]))

    def _read(self, picture: Pixels) -> tuple[Floats, Floats] | None:
        """Embedding and five points of the largest face of a BGR picture."""
        boxes, points = self._models["detection"].detect(picture, input_size=DETECTION_SIZE)
        if not len(boxes):
            return None
        areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in boxes]
        # Of equal faces the last, where a stable sort by size leaves it.
        index = max(range(len(areas)), key=lambda i: (areas[i], i))
        face = import_module("insightface.app.common").Face(
            bbox=boxes[index][:4], kps=points[index], det_score=boxes[index][4]
        )
        self._models["recognition"].get(picture, face)
        return np.asarray(face.embedding, np.float32), np.asarray(points[index], np.float32)


_READERS: WeakValueDictionary[tuple[str, Path], FaceReader] = WeakValueDictionary()


def face_reader(device: str) -> FaceReader:
    """The reader of this device, one for all judges that hold it. NotComputed where buffalo_l is absent."""
    folder = judge_file(PACK)
    reader = _READERS.get((device, folder))
    if reader is None:
        try:
            reader = FaceReader(device, folder)
        except (MissingExtraError, CheckpointError) as error:
            raise NotComputed(str(error)) from None
        _READERS[device, folder] = reader
    return reader


def face_similarity(metric: str, reference: Floats, frames: list[Floats | None]) -> Measured:
    """max(0, cosine) of each frame's embedding to the reference's, and their mean over frames with a face.

    A video without any face has 0 and the flag.
    """
    curve = tuple(None if one is None else max(0.0, cosine(reference, one)) for one in frames)
    scores = [score for score in curve if score is not None]
    return Measured(
        values={metric: float(np.mean(scores)) if scores else 0.0},
        curves={metric: curve},
        face_frames=len(scores),
        judged_frames=len(curve),
        flags=() if scores else (NO_FACE,),
    )


def cosine(one: Floats, other: Floats) -> float:
    """The cosine of two vectors of any length, -1 to 1; 0 where one of them is 0."""
    first, second = one.astype(np.float64), other.astype(np.float64)
    length = float(np.linalg.norm(first) * np.linalg.norm(second))
    return min(1.0, max(-1.0, float(first @ second) / length)) if length > 0 else 0.0


class ArcJudge:
    """facesim_arc: ArcFace of buffalo_l, which also chooses among our first frames: not independent."""

    metrics = ("facesim_arc",)

    def __init__(self, device: str) -> None:
        self._faces = face_reader(device)

    def measure(self, sample: Sample) -> Measured:
        """The similarity of each judged frame's face to the reference's."""
        reference, frames = self._faces.of_sample(sample)
        embeddings = [None if face is None else face.embedding for face in frames]
        return face_similarity("facesim_arc", reference.embedding, embeddings)
