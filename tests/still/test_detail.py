"""The face detailer: where it cuts, how it pastes, and that only faces change."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import torch

from stillmotion.presets import StillPreset
from stillmotion.still import sdxl
from stillmotion.still.detail import crop_box, detail, enlarged, paste

from .conftest import face


def test_the_crop_is_twice_the_face_inside_the_picture() -> None:
    assert crop_box(np.array([40, 30, 60, 70], np.float32), 200, 200) == (30, 10, 70, 90)
    assert crop_box(np.array([0, 0, 40, 40], np.float32), 50, 200) == (0, 0, 50, 60)
    left, top, right, bottom = crop_box(np.array([300, 300, 340, 340], np.float32), 50, 60)
    assert 0 <= left < right <= 50 and 0 <= top < bottom <= 60


def test_the_longer_side_becomes_the_detail_size() -> None:
    assert enlarged((100, 200), 1024, 8) == (512, 1024)
    assert enlarged((300, 100), 256, 8) == (256, 88)
    assert enlarged((2000, 1000), 1024, 8) == (1024, 512)
    assert enlarged((400, 3), 64, 8) == (64, 8)


def test_pasting_fades_in_over_five_pixels_but_not_at_the_pictures_edge() -> None:
    under, patch = np.zeros((40, 40, 3), np.uint8), np.full((20, 30, 3), 250, np.uint8)
    result = paste(under, patch, (0, 10, 30, 30))
    assert result[20, 0, 0] == 250  # the picture's own edge
    assert result[20, 29 - np.arange(6), 0].tolist() == [25, 75, 125, 175, 225, 250]
    assert result[10:16, 5, 0].tolist() == [25, 75, 125, 175, 225, 250]
    assert not result[:10].any() and not result[30:].any() and not result[:, 30:].any()
    assert not under.any()


def test_only_the_faces_are_drawn_again(pipe: Any, preset: StillPreset) -> None:
    image = np.random.default_rng(1).integers(0, 256, (128, 160, 3), dtype=np.uint8)
    conditions = sdxl.encode_prompts(pipe, "the man", "", 2.0, 2)
    seen: list[tuple[str, int, int]] = []

    def draw(*boxes: tuple[float, float, float, float]) -> Any:
        return detail(
            image,
            [face(box, 0) for box in boxes],
            pipe,
            conditions,
            preset=replace(preset, detail_size=64),
            generator=torch.Generator().manual_seed(0),
            progress=lambda *each: seen.append(each),
        )

    assert draw() is image
    drawn = draw((20, 20, 40, 44), (100, 80, 120, 100))
    changed = (drawn != image).any(axis=-1)
    allowed = np.zeros((128, 160), bool)
    allowed[8:56, 10:50] = allowed[70:110, 90:130] = True
    assert changed[30, 30] and changed[90, 110] and not changed[~allowed].any()
    assert seen == [(f"still: face {n} of 2", step, 2) for n in (1, 2) for step in (1, 2)]
    assert np.array_equal(draw((20, 20, 40, 44), (100, 80, 120, 100)), drawn)
