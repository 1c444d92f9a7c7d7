"""Faces with known places, and an analyzer that answers with them."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw

from stillmotion.identity.geometry import box_of
from stillmotion.identity.types import Face


def make_face(at=(60.0, 60.0), height=40.0, embedding=None, gender=None, score=0.9) -> Face:
    """A frontal face around a point; its embedding is a unit vector."""
    angles = np.linspace(0, 2 * np.pi, 106, endpoint=False)
    outline = np.stack([0.4 * np.cos(angles), 0.5 * np.sin(angles)], 1) * height + np.array(at)
    five = np.array(
        [[-0.2, -0.15], [0.2, -0.15], [0, 0.05], [-0.15, 0.25], [0.15, 0.25]]
    ) * height + np.array(at)
    if embedding is None:
        embedding = np.eye(512)[0]
    return Face(
        box=box_of(outline.astype(np.float32)),
        five=five.astype(np.float32),
        landmarks=outline.astype(np.float32),
        embedding=np.asarray(embedding, np.float32),
        score=score,
        gender=gender,
        age=30.0,
    )


class KnownAnalyzer:
    """Answers with given faces, in the order of the pictures it is shown; the matte is the face's box."""

    name = "known"
    same_person = 0.5
    notes: tuple[str, ...] = ()

    def __init__(self, *answers: list[Face]) -> None:
        self.answers = list(answers)

    def faces(self, image):
        return self.answers.pop(0)

    def matte(self, image, face):
        matte = Image.new("L", (image.shape[1], image.shape[0]))
        ImageDraw.Draw(matte).rectangle([float(v) for v in face.box], fill=255)
        return np.asarray(matte)
