"""The picture HyperLoRA looks at: geometry with numbers worked out by hand."""

from __future__ import annotations

import numpy as np
import torch

from stillmotion.identity.types import Portrait
from stillmotion.still.reference import outline, pixel_values, reference_image, square

from .conftest import face


def test_the_square_of_the_landmarks() -> None:
    points = np.array([[10, 20], [50, 100], [30, 60]], dtype=np.float32)
    # box 40 x 80: half side .75 * 80 = 60; centre (30, 60), an eighth of 60 further up
    assert square(points) == (30.0, 52.5, 60.0)


def test_the_outline_goes_around() -> None:
    points = np.array([[0, 0], [4, 0], [4, 4], [0, 4], [2, 2], [1, 3], [2, 0]], dtype=np.float32)
    assert set(outline(points)) == {(0, 0), (4, 0), (4, 4), (0, 4)}
    assert len(outline(points[:1])) < 3


def test_the_face_stays_and_the_rest_is_mid_grey() -> None:
    image = np.zeros((200, 200, 3), dtype=np.uint8)
    image[..., 0] = 250
    portrait = Portrait(image, face((60, 60, 140, 140), 0), np.zeros((200, 200), np.uint8), "a.png")
    made = reference_image(portrait, 120)
    assert made.shape == (120, 120, 3) and made.dtype == np.uint8
    # the square: half side 60 about (100, 92.5), so the face's centre is 7.5 px below the middle
    assert made[67, 60].tolist() == [250, 0, 0]
    for corner in ((2, 2), (2, 117), (117, 2)):
        assert made[corner].tolist() == [0x7F, 0x7F, 0x7F]
    half_way = np.abs(made[67, :, 1].astype(int) - 64).argmin()
    assert (
        abs(min(half_way, 119 - half_way) - 20) <= 2
    )  # the outline is 40 px off the centre, softened evenly


def test_outside_the_photo_is_grey_too() -> None:
    image = np.full((64, 64, 3), 255, dtype=np.uint8)
    portrait = Portrait(image, face((-20, -20, 44, 44), 0), np.zeros((64, 64), np.uint8), "a.png")
    made = reference_image(portrait, 64)
    assert made[0].tolist() == [[0x7F] * 3] * 64
    assert made[50, 45].min() > 200


def test_clips_normalisation() -> None:
    values = pixel_values([np.full((4, 4, 3), 255, dtype=np.uint8), np.zeros((4, 4, 3), dtype=np.uint8)])
    assert values.shape == (2, 3, 4, 4)
    torch.testing.assert_close(values[0, :, 0, 0], torch.tensor([1.9303, 2.0749, 2.1459]), atol=1e-4, rtol=0)
    torch.testing.assert_close(
        values[1, :, 0, 0], torch.tensor([-1.7923, -1.7521, -1.4802]), atol=1e-4, rtol=0
    )
