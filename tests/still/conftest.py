"""Shared by the still's tests: small random checkpoints in the released formats, written once, and a
person.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
import torch

sys.path.insert(0, str(Path(__file__).parents[1]))

from checkpoints import hyperlora, sdxl
from stillmotion.identity.types import Face, Identity, Pixels, Portrait
from stillmotion.parts import OWN, Source
from stillmotion.presets import StillPreset, StillSettings
from stillmotion.request import Settings


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    """Models this small lose more time waiting for threads than computing."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A weights home with an SDXL folder, the same SDXL as a single file, a HyperLoRA and a CLIP vision
    tower.
    """
    home = tmp_path_factory.mktemp("home")
    models = home / "models"
    sdxl.write_folder(models / "sdxl")
    sdxl.write_single_file(models / "sdxl-file" / "model.safetensors")
    from diffusers import UNet2DConditionModel

    unet = UNet2DConditionModel.from_pretrained(models / "sdxl" / "unet", use_safetensors=True)
    hyperlora.write_hyperlora(models / "hyperlora", unet)
    hyperlora.write_image_encoder(models / "clip")
    return home


@pytest.fixture(scope="session")
def pipe(home: Path) -> object:
    """The SDXL folder, loaded once; tests leave it as it is."""
    from stillmotion.still.sdxl import load_pipeline

    return load_pipeline(home / "models" / "sdxl", "dpm++2m-karras", torch.float32)


def face(box: tuple[float, float, float, float], direction: int, size: int = 512) -> Face:
    """A face with that box and the unit embedding along one axis."""
    x0, y0, x1, y1 = box
    angle = np.linspace(0, 2 * np.pi, 106, endpoint=False)
    ring = np.stack([np.cos(angle) * (x1 - x0), np.sin(angle) * (y1 - y0)], axis=1) / 2
    landmarks = (ring + np.array([(x0 + x1) / 2, (y0 + y1) / 2])).astype(np.float32)
    embedding = np.zeros(size, dtype=np.float32)
    embedding[direction] = 1
    return Face(np.array(box, dtype=np.float32), landmarks[:5], landmarks, embedding, 0.9)


@pytest.fixture
def person() -> Identity:
    """Someone with two portraits (noise for skin: the weights are random too)."""
    random = np.random.default_rng(0)
    portraits = []
    for number in range(2):
        image = random.integers(0, 256, (96, 80, 3), dtype=np.uint8)
        matte = np.full((96, 80), 255, dtype=np.uint8)
        portraits.append(Portrait(image, face((20, 25, 60, 75), number), matte, f"{number}.png"))
    return Identity(tuple(portraits), "A person")


@dataclass
class Judge:
    """Numbers in place of a face recogniser, which would find no face in what random weights draw.

    In the person's own photos it sees ``own``; in stills it answers with the next of ``answers``: a cosine,
    or None for a picture without a face.
    """

    answers: list[float | None]
    photos: list[Pixels]
    name: str = "numbers"
    same_person: float = 0.5
    asked: int = 0
    photos_read: int = field(default=0)

    def faces(self, image: Pixels) -> list[Face]:
        if any(image is photo for photo in self.photos):
            self.photos_read += 1
            return [face((20, 25, 60, 75), 7)]
        answer = self.answers[self.asked]
        self.asked += 1
        if answer is None:
            return []
        found = face((8, 8, 40, 48), 7)
        found.embedding[7], found.embedding[8] = answer, (1 - answer**2) ** 0.5
        return [found]

    def matte(self, image: Pixels, face: Face) -> Pixels:
        return np.zeros(image.shape[:2], dtype=np.uint8)


@pytest.fixture
def preset() -> StillPreset:
    """Stage 1 on the small checkpoints."""
    parts = {name: Source(name, OWN) for name in ("sdxl", "hyperlora", "clip")}
    return StillPreset(
        checkpoint=parts["sdxl"],
        hyperlora=parts["hyperlora"],
        image_encoder=parts["clip"],
        width=64,
        height=64,
        guidance_scale=5.0,
        quality={"standard": StillSettings(steps=3, candidates=3, detail=False)},
        detail_size=64,
        detail_steps=2,
        trigger="fcsks fxhks, ",
        negative_prompt="blurry",
    )


@pytest.fixture
def settings() -> Settings:
    """A request for three candidates of 64 x 64 pixels."""
    return Settings(
        preset="mini",
        quality="standard",
        seed=11,
        mode="decoupled",
        prompts="refined",
        writer="rules",
        negative_prompt="blurry",
        motion_negative_prompt="",
        still_width=64,
        still_height=64,
        still_steps=3,
        candidates=3,
        detail=False,
        guidance_scale=5.0,
        lora_weight=0.85,
        width=64,
        height=64,
        num_frames=5,
        fps=8,
        motion_steps=2,
        motion_guidance_scale=1.0,
    )
