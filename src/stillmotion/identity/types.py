"""What one person is to the rest of the house: photos, faces, mattes, an embedding and a noun.

Only values live here; how they are found is the analyzers' business.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
Gender = Literal["man", "woman"]


@dataclass(frozen=True, eq=False)
class Face:
    """One face in one picture; coordinates are pixels of that picture, x to the right and y down.

    ``box`` (4,) x0, y0, x1, y1. ``five`` (5, 2): the eye centres (viewer's left first), nose tip, mouth
    corners. ``landmarks`` (106, 2) in insightface's order (contour 0..32). ``embedding`` (512,) float32, unit
    length, in the space of the analyzer that made it. ``score`` in 0..1. ``gender`` None where the analyzer
    is unsure. ``age`` years.
    """

    box: NDArray[np.float32]
    five: NDArray[np.float32]
    landmarks: NDArray[np.float32]
    embedding: NDArray[np.float32]
    score: float
    gender: Gender | None = None
    age: float | None = None


@dataclass(frozen=True, eq=False)
class Portrait:
    """One photo of the person: ``image`` (H, W, 3) RGB uint8, upright; its face; ``matte`` (H, W) uint8, 255
    = person.
    """

    image: Pixels
    face: Face
    matte: Pixels
    source: str

    def cutout(self, grey: int = 127) -> Pixels:
        """The person on a plain mid-grey background, (H, W, 3) uint8."""
        alpha = self.matte[..., None].astype(np.float32) / 255
        return (self.image * alpha + grey * (1 - alpha) + 0.5).astype(np.uint8)


@dataclass(frozen=True, eq=False)
class Identity:
    """Who the video is about: one or several portraits of one person, best first.

    ``subject`` is "A man", "A woman" or "A person"; ``notes`` are sentences for the user ("2 faces in a.png:
    the largest was taken").
    """

    portraits: tuple[Portrait, ...]
    subject: str
    notes: tuple[str, ...] = ()

    @property
    def embedding(self) -> NDArray[np.float32]:
        """The mean of the portraits' embeddings, renormalised to unit length, (512,) float32."""
        mean = np.mean([p.face.embedding for p in self.portraits], axis=0)
        return np.asarray(mean / np.linalg.norm(mean), dtype=np.float32)


class Analyzer(Protocol):
    """Finds faces and the person. Two exist: insightface's model packs and mini's embedded networks.

    ``same_person`` is the cosine of two embeddings from which on they are said to be of one person.
    """

    name: str
    same_person: float

    @property
    def notes(self) -> tuple[str, ...]:
        """What the user should know of how the pictures seen so far were read; empty where all is well."""
        ...

    def faces(self, image: Pixels) -> list[Face]:
        """All faces of an RGB uint8 (H, W, 3) picture, largest first; an empty list where there is none."""
        ...

    def matte(self, image: Pixels, face: Face) -> Pixels:
        """The person to whom ``face`` belongs: (H, W) uint8, 255 = person, 0 = background, soft edges
        between.
        """
        ...
