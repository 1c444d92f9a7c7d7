"""Alignment and the encoders' views, against values worked out by hand."""

from __future__ import annotations

import time

import numpy as np
from known_faces import make_face

from stillmotion.identity import geometry
from stillmotion.identity.crops import (
    arcface_square,
    convex_hull,
    head_crop,
    hyperlora_crop,
    hyperlora_square,
    norm_crop,
)
from stillmotion.identity.guided import largest_region, upsample


def dots(places, size: int = 200) -> np.ndarray:
    """White 3x3 dots on black."""
    image = np.zeros((size, size, 3), np.uint8)
    for x, y in places:
        image[round(y) - 1 : round(y) + 2, round(x) - 1 : round(x) + 2] = 255
    return image


def brightest(image: np.ndarray) -> np.ndarray:
    """The centre of gravity of the light, x and y."""
    light = image.astype(float).sum(2)
    rows, columns = np.mgrid[: light.shape[0], : light.shape[1]]
    return np.array([(columns * light).sum(), (rows * light).sum()]) / light.sum()


def test_similarity_finds_the_transform_that_made_the_points() -> None:
    rng = np.random.default_rng(0)
    points = rng.normal(0, 30, (5, 2)).astype(np.float32)
    angle, scale, shift = 0.7, 1.8, np.array([12.0, -5.0])
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    moved = (scale * points @ turn.T + shift).astype(np.float32)
    matrix = geometry.similarity(points, moved)
    np.testing.assert_allclose(matrix[:, :2], scale * turn, atol=1e-4)
    np.testing.assert_allclose(matrix[:, 2], shift, atol=1e-3)
    np.testing.assert_allclose(geometry.apply(geometry.invert(matrix), moved), points, atol=1e-3)


def test_similarity_never_mirrors() -> None:
    matrix = geometry.similarity(geometry.ARCFACE_FIVE, geometry.ARCFACE_FIVE * [-1, 1])
    assert np.linalg.det(matrix[:, :2]) > 0


def test_warp_moves_pixels_to_where_the_matrix_says() -> None:
    image = dots([(50, 120)])
    for scale in (0.25, 0.5, 1.0, 1.7):
        matrix = np.array([[scale, 0, 4.0], [0, scale, -3.0]], np.float32)
        expected = np.array([50, 120]) * scale + (4, -3)
        np.testing.assert_allclose(brightest(geometry.warp(image, matrix, 220)), expected, atol=0.15)


def test_norm_crop_puts_the_points_where_arcface_wants_them() -> None:
    face = make_face(at=(90, 100), height=80)
    for point, target in zip(face.five, geometry.ARCFACE_FIVE, strict=True):
        crop = norm_crop(dots([point]), face.five)
        assert crop.shape == (112, 112, 3)
        # This face is not ArcFace's mean face: within the fit's own residual.
        assert np.linalg.norm(brightest(crop) - target) < 6
    crop = norm_crop(dots([face.five[0]]), face.five, size=224)
    assert np.linalg.norm(brightest(crop) / 2 - geometry.ARCFACE_FIVE[0]) < 6


def test_head_crop_shows_more_than_the_face() -> None:
    face = make_face(at=(100, 100), height=80)
    above_the_head = dots([(100, 25)])
    assert head_crop(above_the_head, face.five).max() > 100
    assert norm_crop(above_the_head, face.five).max() == 0


def test_hyperlora_square_is_the_papers() -> None:
    landmarks = np.array([[10, 20], [50, 100], [30, 60]], np.float32)
    centre, half = hyperlora_square(landmarks)
    assert half == 0.75 * 80
    np.testing.assert_allclose(centre, [30, 60 - 60 / 8])


def test_hyperlora_crop_keeps_the_face_and_greys_the_rest() -> None:
    face = make_face(at=(128, 128), height=100)
    image = np.full((256, 256, 3), (200, 30, 60), np.uint8)
    crop = hyperlora_crop(image, face.landmarks, 128)
    assert crop.shape == (128, 128, 3)
    assert crop[0, 0].tolist() == [127, 127, 127]
    middle = 64 + 128 // 16
    np.testing.assert_allclose(crop[middle, 64], [200, 30, 60], atol=2)
    # On the outline itself the blurred mask is about one half.
    edge = 64 + 0.4 * 100 / 150 * 128
    np.testing.assert_allclose(crop[middle, round(edge)], [163, 78, 93], atol=18)


def test_hyperlora_crop_is_fast_enough_for_a_training_loop() -> None:
    face = make_face(at=(128, 128), height=100)
    image = np.zeros((256, 256, 3), np.uint8)
    hyperlora_crop(image, face.landmarks, 64)
    best = min(_timed(lambda: hyperlora_crop(image, face.landmarks, 64)) for _ in range(20))
    assert best < 0.005


def _timed(call) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def test_arcface_square_is_twice_as_large() -> None:
    face = make_face(at=(100, 110), height=40)
    centre, half = hyperlora_square(face.landmarks)
    image = dots([(centre[0] + 1.9 * half, centre[1])], 220)
    square = arcface_square(image, face.landmarks, size=200)
    place = brightest(square)
    np.testing.assert_allclose(place, [99.5 + 1.9 * 50, 99.5], atol=1.5)
    assert arcface_square(image, face.landmarks).shape[0] == round(4 * half)


def test_convex_hull_of_a_square_with_points_inside() -> None:
    points = np.array([[0, 0], [2, 0], [2, 2], [0, 2], [1, 1], [1, 0], [0.5, 1.5]], np.float32)
    hull = convex_hull(points)
    assert sorted(map(tuple, hull.tolist())) == [(0, 0), (0, 2), (2, 0), (2, 2)]


def test_mattes_of_others_fade() -> None:
    coarse = np.zeros((40, 60), np.float32)
    coarse[10:30, 5:20] = 1
    coarse[10:30, 40:55] = 1
    own = largest_region(coarse, np.array([[10.0, 20.0]], np.float32))
    assert own[20, 10] == 1
    assert own[20, 47] == 0
    np.testing.assert_array_equal(largest_region(coarse, np.array([[30.0, 20.0]], np.float32)), coarse)


def test_upsampled_matte_follows_the_picture() -> None:
    image = np.full((160, 160, 3), 30, np.uint8)
    image[:, 71:] = 220
    coarse = np.zeros((40, 40), np.float32)
    coarse[:, 18:] = 1
    matrix = np.array([[1, 0, 0], [0, 1, 0]], np.float32)
    matte = upsample(coarse, image, matrix, 4)
    assert matte.shape == (160, 160)
    # The coarse edge lies at 72, the picture's at 71.
    assert matte[80, 75] > 200
    assert matte[80, 66] < 55
