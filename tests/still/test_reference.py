"""What HyperLoRA is shown: the face on grey, in CLIP's numbers."""

from __future__ import annotations

import numpy as np
import torch

from stillmotion.identity.types import Portrait
from stillmotion.still.reference import pixel_values, reference_images

from .conftest import face


def test_the_face_stays_and_the_rest_is_mid_grey() -> None:
    image = np.zeros((200, 200, 3), dtype=np.uint8)
    image[..., 0] = 250
    portrait = Portrait(image, face((60, 60, 140, 140), 0), np.zeros((200, 200), np.uint8), "a.png")
    first, second = reference_images([portrait, portrait], 120)
    assert first.shape == (120, 120, 3) and first.dtype == np.uint8 and np.array_equal(first, second)
    # the square: half side 60 about (100, 92.5), so the face's centre is 7.5 px below the middle
    assert first[67, 60].tolist() == [250, 0, 0]
    for corner in ((2, 2), (2, 117), (117, 2)):
        assert first[corner].tolist() == [0x7F, 0x7F, 0x7F]


def test_clips_normalisation() -> None:
    values = pixel_values([np.full((4, 4, 3), 255, dtype=np.uint8), np.zeros((4, 4, 3), dtype=np.uint8)])
    assert values.shape == (2, 3, 4, 4)
    torch.testing.assert_close(values[0, :, 0, 0], torch.tensor([1.9303, 2.0749, 2.1459]), atol=1e-4, rtol=0)
    torch.testing.assert_close(
        values[1, :, 0, 0], torch.tensor([-1.7923, -1.7521, -1.4802]), atol=1e-4, rtol=0
    )
