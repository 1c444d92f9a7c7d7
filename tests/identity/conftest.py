"""Weights in exactly the released formats, random or with known answers, written by the tests."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw
from safetensors.torch import save_file

from stillmotion.identity.geometry import box_of
from stillmotion.identity.networks import Detector, Recogniser
from stillmotion.identity.types import Face, Identity, Portrait


@pytest.fixture
def analyzer_folder(tmp_path: Path) -> Path:
    """An analyzer's folder with random weights."""
    torch.manual_seed(0)
    folder = tmp_path / "analyzer"
    folder.mkdir()
    for name, build in (("detector", Detector), ("recogniser", Recogniser)):
        state = build(folded=True).state_dict()
        save_file({k: v.to(torch.bfloat16) for k, v in state.items()}, folder / f"{name}.safetensors")
    config = {
        "format": "stillmotion-analyzer",
        "version": 1,
        "detection_threshold": 0.4,
        "gender_threshold": 0.85,
        "same_person": 0.6,
    }
    (folder / "config.json").write_text(json.dumps(config))
    return folder


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

    def __init__(self, *answers: list[Face]) -> None:
        self.answers = list(answers)

    def faces(self, image):
        return self.answers.pop(0)

    def matte(self, image, face):
        matte = Image.new("L", (image.shape[1], image.shape[0]))
        ImageDraw.Draw(matte).rectangle([float(v) for v in face.box], fill=255)
        return np.asarray(matte)


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    """A PNG of 120x100 pixels with some texture."""
    pixels = np.random.default_rng(0).integers(0, 255, (100, 120, 3), dtype=np.uint8)
    path = tmp_path / "photo.png"
    Image.fromarray(pixels).save(path)
    return path


@pytest.fixture
def identity() -> Identity:
    """Two portraits with everything set."""
    rng = np.random.default_rng(1)
    portraits = []
    for number in range(2):
        face = make_face(gender="woman" if number else None, embedding=np.eye(512)[number])
        image = rng.integers(0, 255, (100, 120, 3), dtype=np.uint8)
        matte = rng.integers(0, 255, (100, 120), dtype=np.uint8)
        portraits.append(Portrait(image, face, matte, f"photo{number}.jpg"))
    return Identity(tuple(portraits), "A woman", ("2 faces in photo0.jpg: the largest was taken",))
