"""Photos of one person to an `Identity`: which face is meant, how good each photo is, and what the user
should know.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from pathlib import Path

import numpy as np

from stillmotion.errors import InputError, NoFaceError
from stillmotion.identity.photos import load_photo
from stillmotion.identity.types import Analyzer, Face, Identity, Pixels, Portrait

MOST_PHOTOS = 16
SMALL_FACE = 48
"""Pixels: below this height a face's likeness suffers visibly."""
BLANK = 3.0
"""A picture whose brightness deviates less than this (of 255) shows nothing."""


def read(photos: Sequence[Path], analyzer: Analyzer) -> Identity:
    """Who is on the photos: one or several photos of one person.

    The largest face of each photo is taken. Raises InputError for a file that is no picture, NoFaceError for
    a picture without a face; both name the file. What the user should know but need not mend is in ``notes``.
    """
    if not photos:
        raise InputError("--face: no photo was given; give at least one photo of the person")
    if len(photos) > MOST_PHOTOS:
        raise InputError(f"--face: {len(photos)} photos are too many; give the best {MOST_PHOTOS} or fewer")
    notes: list[str] = []
    portraits = []
    for path in dict.fromkeys(Path(photo) for photo in photos):
        portrait, said = _portrait(path, analyzer)
        portraits.append(portrait)
        notes += said
    if len(portraits) < len(photos):
        notes.append("the same photo was given more than once: it counts once")
    notes += analyzer.notes
    notes += _strangers(portraits, analyzer)
    portraits.sort(key=lambda portrait: -quality(portrait.face))
    return Identity(tuple(portraits), subject_of(portraits), tuple(notes))


def subject_of(portraits: Sequence[Portrait]) -> str:
    """The prompts' noun: "A man" or "A woman" where all photos that are sure say so, else "A person"."""
    genders = {portrait.face.gender for portrait in portraits} - {None}
    return f"A {genders.pop()}" if len(genders) == 1 else "A person"


def quality(face: Face) -> float:
    """How much a photo tells of its face: its height up to 256 pixels, less for a turned head and a weak
    score.
    """
    height = min(256.0, float(face.box[3] - face.box[1]))
    eyes, nose = face.five[:2], face.five[2]
    across = eyes[1] - eyes[0]
    width = float(np.linalg.norm(across))
    # Where along the line of the eyes the nose stands: 0.5 seen from the front, 0 or 1 in profile.
    along = float((nose - eyes[0]) @ across) / max(1e-6, width * width)
    frontal = 1 - min(1.0, abs(along - 0.5) * 1.5)
    return height * (0.25 + 0.75 * frontal) * face.score


def _portrait(path: Path, analyzer: Analyzer) -> tuple[Portrait, list[str]]:
    photo = load_photo(path)
    faces = analyzer.faces(photo.pixels)
    notes = list(photo.notes)
    if not faces:
        raise NoFaceError(_nobody(path, photo.pixels))
    face = faces[0]
    if len(faces) > 1:
        notes.append(f"{len(faces)} faces in {path}: the largest was taken")
    height = float(face.box[3] - face.box[1])
    if height < SMALL_FACE:
        notes.append(
            f"the face in {path} is only {height:.0f} pixels high: a closer photo gives a better likeness"
        )
    return Portrait(photo.pixels, face, analyzer.matte(photo.pixels, face), str(path)), notes


def _nobody(path: Path, image: Pixels) -> str:
    if float(image.mean(2).std()) < BLANK:
        return f"{path}: the picture is blank; give a photo of the person's face"
    return f"{path}: no face was found; give an upright photo in which the face is large and clearly visible"


def _strangers(portraits: Sequence[Portrait], analyzer: Analyzer) -> list[str]:
    """A warning for every two photos that look like different people."""
    notes = []
    for one, other in combinations(portraits, 2):
        likeness = float(one.face.embedding @ other.face.embedding)
        if likeness < analyzer.same_person:
            notes.append(
                f"{one.source} and {other.source} look like different people (similarity {likeness:.2f}, "
                f"one person has {analyzer.same_person:.2f} or more): the video will mix them"
            )
    return notes
