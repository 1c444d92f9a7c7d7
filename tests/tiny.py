"""A whole preset on small random checkpoints in the released formats: every step runs, in seconds.

The weights are random: nothing that they draw means anything. ``python tests/tiny.py ARGUMENTS`` is the
``stillmotion`` command with this preset besides the others (its name is "tiny"), for tests that kill it.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from stillmotion import identity, presets
from stillmotion.identity.types import Face, Pixels
from stillmotion.parts import OWN, Source
from stillmotion.presets import MotionPreset, Need, Preset, StillPreset, StillSettings

sys.path.insert(0, str(Path(__file__).parent))

SIDE = 64
QUALITY: dict[presets.Quality, StillSettings] = {
    "draft": StillSettings(steps=1, candidates=1, detail=False),
    "standard": StillSettings(steps=2, candidates=2, detail=False),
    "best": StillSettings(steps=2, candidates=3, detail=True),
}


def preset() -> Preset:
    """The preset "tiny": SDXL, HyperLoRA, CLIP and VACE of random weights, 64 x 64 pixels, 5 frames."""
    return Preset(
        name="tiny",
        summary="random weights, for tests",
        analyzer="warm",
        judge="warm",
        writer="rules",
        still=StillPreset(
            checkpoint=Source("sdxl", OWN),
            hyperlora=Source("hyperlora", OWN),
            image_encoder=Source("clip", OWN),
            width=SIDE,
            height=SIDE,
            guidance_scale=3.0,
            quality=QUALITY,
            detail_size=SIDE,
            detail_steps=1,
            enough_similarity=2.0,
        ),
        motion=MotionPreset(
            kind="vace",
            checkpoint=Source("vace", OWN),
            width=SIDE,
            height=SIDE,
            num_frames=9,
            fps=8,
            steps={"draft": 1, "standard": 2, "best": 2},
            guidance_scale=2.0,
            flow_shift=3.0,
            max_sequence_length=32,
        ),
        need=Need(parameters=0.01, activations=0.1, total_parameters=0.01),
        device="cpu",
    )


def write_models(home: Path) -> Path:
    """Write the preset's checkpoints into a weights home."""
    from diffusers import UNet2DConditionModel

    from checkpoints import hyperlora, sdxl, wan

    models = home / "models"
    sdxl.write_folder(models / "sdxl")
    unet = UNet2DConditionModel.from_pretrained(models / "sdxl" / "unet", use_safetensors=True)
    hyperlora.write_hyperlora(models / "hyperlora", unet)
    hyperlora.write_image_encoder(models / "clip")
    wan.write_vace(models / "vace", patched_vae=True)
    return home


def write_photo(path: Path, tint: int = 0) -> Path:
    """A "portrait": a warm ellipse before a cold background; ``tint`` makes another person of it."""
    y, x = np.mgrid[:120, :100]
    image = np.full((120, 100, 3), (40, 60, 120), np.uint8)
    inside = ((x - 50) / 26) ** 2 + ((y - 55) / 36) ** 2 < 1
    image[inside] = (220, 150 - tint, 120)
    image[(y > 40) & (y < 48) & (abs(abs(x - 50) - 11) < 5)] = (60, 30 + tint, 20)
    Image.fromarray(image).save(path)
    return path


class WarmAnalyzer:
    """Finds one "face" where pixels are warm (more red than blue); its embedding is how the crop looks."""

    name = "warm"
    same_person = 0.3
    notes: tuple[str, ...] = ()

    def faces(self, image: Pixels) -> list[Face]:
        warm = image[..., 0].astype(int) > image[..., 2] + 40
        if warm.sum() < 50:
            return []
        rows, columns = np.nonzero(warm.any(axis=1))[0], np.nonzero(warm.any(axis=0))[0]
        box = np.array([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1], np.float32)
        centre, half = (box[:2] + box[2:]) / 2, (box[2:] - box[:2]) / 2
        five = centre + half * np.array([[-0.4, -0.4], [0.4, -0.4], [0, 0.1], [-0.3, 0.5], [0.3, 0.5]])
        angle = np.linspace(0, 2 * np.pi, 106, endpoint=False)
        ring = centre + half * np.stack([np.cos(angle), np.sin(angle)], axis=1)
        x0, y0, x1, y1 = (int(value) for value in box)
        small = Image.fromarray(image[y0:y1, x0:x1]).resize((16, 32)).convert("L")
        look = np.asarray(small, np.float32).ravel() - 100
        embedding = (look / np.linalg.norm(look)).astype(np.float32)
        return [Face(box, five.astype(np.float32), ring.astype(np.float32), embedding, 0.9, "woman", 30.0)]

    def matte(self, image: Pixels, face: Face) -> Pixels:
        x0, y0, x1, _ = (int(value) for value in face.box)
        matte = np.zeros(image.shape[:2], np.uint8)
        matte[y0:, x0:x1] = 255
        return matte


def install(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the preset and its analyzer known, until the patch is undone."""
    real = identity.analyzer

    def analyzer(name: str, device: str = "cpu", folder: Path | None = None) -> Any:
        return WarmAnalyzer() if name == "warm" else real(name, device, folder)

    monkeypatch.setitem(presets.PRESETS, "tiny", preset())
    monkeypatch.setattr(identity, "analyzer", analyzer)


if __name__ == "__main__":
    from stillmotion.cli import main

    install(pytest.MonkeyPatch())
    main()
