"""First frames are scaled and cropped, never squeezed; the reference person stands on white."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from stillmotion.errors import InputError
from stillmotion.identity.types import Identity
from stillmotion.motion.pictures import fit_first_frame, reference_image


def test_a_frame_of_the_right_size_is_untouched(first: np.ndarray) -> None:
    assert fit_first_frame(first, 64, 64) is first


def test_a_wider_frame_is_cropped_in_the_middle() -> None:
    image = np.zeros((40, 80, 3), np.uint8)
    image[:, 20:60] = 200
    assert (fit_first_frame(image, 40, 40) == 200).all()


def test_shapes_are_not_squeezed() -> None:
    image = np.zeros((120, 160, 3), np.uint8)
    image[40:80, 60:100] = 255
    out = fit_first_frame(image, 64, 64)[..., 0] > 127
    sides = [int(out.any(axis=axis).sum()) for axis in (0, 1)]
    assert sides == pytest.approx([40 * 64 / 120] * 2, abs=1)


def test_a_crop_of_more_than_half_is_refused() -> None:
    with pytest.raises(InputError, match=r"^image: 480x832 cut to 832x480 would lose 67%.*width and height"):
        fit_first_frame(np.zeros((832, 480, 3), np.uint8), 832, 480)


@pytest.mark.parametrize("shape", [(64, 64), (64, 64, 4), (0, 64, 3)])
def test_not_a_picture(shape: tuple[int, ...]) -> None:
    with pytest.raises(InputError, match=r"^image: .*8 bits"):
        fit_first_frame(np.zeros(shape, np.uint8), 64, 64)


def _red(image: np.ndarray) -> np.ndarray:
    return (image[..., 0] > 200) & (image[..., 1] < 60) & (image[..., 2] < 60)


def test_reference_is_letterboxed_on_white(identity: Identity) -> None:
    out = np.asarray(reference_image(identity, 128, 64))
    # 80x100 into 128x64: scale .64, so 51x64 from column 38 on; the person is 60x90 of it.
    red = _red(out)
    white = (out == 255).all(axis=-1)
    assert out.shape == (64, 128, 3)
    assert white[:, :38].all() and white[:, 89:].all()
    assert abs(int(red.any(axis=0).sum()) - 60 * 0.64) <= 3
    assert abs(int(red.any(axis=1).sum()) - 90 * 0.64) <= 3
    assert not ((out[..., 2] > 150) & (out[..., 0] < 100)).any(), "the blue background is gone"


def test_a_small_person_fills_the_reference(identity: Identity) -> None:
    portrait = identity.portraits[0]
    matte = np.zeros_like(portrait.matte)
    matte[40:60, 30:50] = 255
    small = Identity(portraits=(replace(portrait, matte=matte),), subject="A person")
    # 20x20 and a margin of 1 on each side.
    assert _red(np.asarray(reference_image(small, 64, 64))).mean() == pytest.approx((20 / 22) ** 2, abs=0.08)
