"""The 106 facial landmarks, as vertices of the body.

The numbering is that of insightface's 106-point layout, as far as it is documented by its pictures:
contour 0 (chin), 1, 9..16, 2..8 (viewer's left side, from the ear down) and 17, 25..32, 18..24 (right
side); viewer's left eye 33..42 with its centre at 38 and 34, brows 43..51 and 97..105, mouth 52..71,
nose 72..86 (tip 86), viewer's right eye 87..96 with its centre at 88 and 92.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from training.world.body import Body, Floats

COUNT = 106
_LEFT_CONTOUR = (1, 9, 10, 11, 12, 13, 14, 15, 16, 2, 3, 4, 5, 6, 7, 8)
_RIGHT_CONTOUR = (17, 25, 26, 27, 28, 29, 30, 31, 32, 18, 19, 20, 21, 22, 23, 24)
# Angles in degrees around the eye as the viewer sees it, counter-clockwise from the right.
_LEFT_EYE = {35: 180, 41: 140, 40: 90, 42: 40, 39: 0, 37: -40, 33: -90, 36: -140}
_RIGHT_EYE = {89: 180, 95: 140, 94: 90, 96: 40, 93: 0, 91: -40, 87: -90, 90: -140}
_OUTER_MOUTH = {
    52: 180, 64: 145, 63: 115, 71: 90, 67: 65, 68: 35, 61: 0, 58: -35, 59: -65, 53: -90, 56: -115, 55: -145,
}  # fmt: skip
_INNER_MOUTH = {65: 180, 66: 140, 62: 90, 70: 40, 69: 0, 57: -40, 60: -90, 54: -140}
# x (towards the viewer's right) and z of canonical points, metres; the right side mirrors the left one.
_LEFT_BROW = {
    43: (-0.052, 0.906), 48: (-0.045, 0.914), 49: (-0.035, 0.918), 51: (-0.025, 0.916), 50: (-0.014, 0.910),
    44: (-0.045, 0.909), 45: (-0.035, 0.912), 47: (-0.025, 0.910), 46: (-0.014, 0.905),
}  # fmt: skip
_RIGHT_BROW = {101: 43, 105: 48, 104: 49, 103: 51, 102: 50, 100: 44, 99: 45, 98: 47, 97: 46}


def _border(body: Body, one: str, other: str, near: Floats, radius: float) -> NDArray[np.int64]:
    """Vertices that two parts share, within a radius of a point."""
    shared = np.intersect1d(body.faces_of(one), body.faces_of(other))
    close: NDArray[np.int64] = shared[np.linalg.norm(body.canonical[shared] - near, axis=1) < radius]
    return close


def _by_angle(body: Body, ring: NDArray[np.int64], angles: dict[int, int], out: NDArray[np.int64]) -> None:
    points = body.canonical[ring][:, [0, 2]]
    middle = (points.min(0) + points.max(0)) / 2
    half = (points.max(0) - points.min(0)) / 2
    unit = (points - middle) / half
    for index, angle in angles.items():
        # On an ellipse: the outermost vertex in this direction, so that corners are really corners.
        direction = np.array([np.cos(np.radians(angle)), np.sin(np.radians(angle))])
        out[index] = ring[np.argmax(unit @ direction)]


def _inner_mouth(body: Body, lips: NDArray[np.int64], out: NDArray[np.int64]) -> None:
    """With the jaw open, the lips' innermost vertex in each direction."""
    points = (body.canonical + body.acted("jawOpen"))[lips][:, [0, 2]]
    middle = (points.min(0) + points.max(0)) / 2
    unit = (points - middle) / ((points.max(0) - points.min(0)) / 2)
    radius, angle = np.linalg.norm(unit, axis=1), np.degrees(np.arctan2(unit[:, 1], unit[:, 0]))
    for index, wanted in _INNER_MOUTH.items():
        aside = np.abs((angle - wanted + 180) % 360 - 180)
        out[index] = lips[np.argmin(radius + 0.04 * np.maximum(aside - 6, 0))]


def _front(body: Body, x: float, z: float) -> int:
    """The vertex of the face's front nearest to canonical x and z."""
    head = np.unique(body.faces_of("head"))
    points = body.canonical[head]
    ahead = head[points[:, 1] < -0.06]
    distance = np.linalg.norm(body.canonical[ahead][:, [0, 2]] - (x, z), axis=1)
    return int(ahead[np.argmin(distance)])


def _contour(body: Body, out: NDArray[np.int64]) -> None:
    """The jaw from ear to chin: the vertex furthest out in each direction below the cheekbone."""
    head = np.unique(body.faces_of("head", "body"))
    points = body.canonical[head]
    ears = body.masks["ears"][head]
    # Below 0.772 m lie the underside of the chin and the neck, which are no part of a face.
    shell = (points[:, 1] < -0.055) & (points[:, 2] > 0.772) & (ears < 0.2)
    head, points = head[shell], points[shell]
    centre = np.array([0.0, 0.865])
    for side, order in ((-1, _LEFT_CONTOUR), (1, _RIGHT_CONTOUR)):
        for step, index in enumerate(order):
            angle = np.radians(12 - 98 * step / len(order))
            direction = np.array([side * np.cos(angle), np.sin(angle)])
            relative = points[:, [0, 2]] - centre
            along = relative @ direction
            across = np.abs(relative @ np.array([-direction[1], direction[0]]))
            out[index] = head[np.argmax(along - 3 * np.maximum(across - 0.004, 0))]
    out[0] = head[np.argmax(-points[:, 2] * 1.0 - 3 * np.abs(points[:, 0]) - 0.5 * points[:, 1])]


def landmark_vertices(body: Body) -> NDArray[np.int64]:
    """The vertex (106,) of each landmark. The two eye centres are vertices on the irises."""
    out = np.zeros(COUNT, np.int64)
    _contour(body, out)
    for bone, angles, centres in (("eye.R", _LEFT_EYE, (34, 38)), ("eye.L", _RIGHT_EYE, (88, 92))):
        eye = body.canonical_heads[body.bones[bone]]
        _by_angle(body, _border(body, "head", "cavity", eye, 0.03), angles, out)
        ball = np.unique(body.faces_of("eye"))
        front = eye + np.array([0, -0.03, 0], np.float32)
        out[list(centres)] = ball[np.argmin(np.linalg.norm(body.canonical[ball] - front, axis=1))]
    lips = np.flatnonzero(body.masks["lips"] > 0.5)
    _by_angle(body, lips, _OUTER_MOUTH, out)
    _inner_mouth(body, lips, out)
    for index, (x, z) in _LEFT_BROW.items():
        out[index] = _front(body, x, z)
    for index, twin in _RIGHT_BROW.items():
        x, z = _LEFT_BROW[twin]
        out[index] = _front(body, -x, z)
    _nose(body, out)
    return out


def _nose(body: Body, out: NDArray[np.int64]) -> None:
    head = np.unique(body.faces_of("head"))
    tip = int(head[np.argmin(body.canonical[head][:, 1])])
    out[86] = tip
    z = float(body.canonical[tip, 2])
    eyes = float(body.canonical_heads[body.bones["eye.L"], 2])
    for index, share in ((72, 0.95), (73, 0.65), (74, 0.35)):
        out[index] = _front(body, 0.0, z + share * (eyes - z))
    for side, order in ((-1, (75, 76, 77, 78, 79)), (1, (81, 82, 83, 84, 85))):
        spots = ((0.012, 0.030), (0.015, 0.008), (0.018, -0.004), (0.014, -0.011), (0.007, -0.013))
        for index, (x, dz) in zip(order, spots, strict=True):
            out[index] = _front(body, side * x, z + dz)
    out[80] = _front(body, 0.0, z - 0.014)


def five_points(landmarks: Floats) -> Floats:
    """The five alignment points (T, 5, 2) of landmarks (T, 106, 2): eyes, nose tip, mouth corners."""
    eyes = [landmarks[:, [33, 35, 39, 40]].mean(1), landmarks[:, [87, 89, 93, 94]].mean(1)]
    rest = [landmarks[:, 86], landmarks[:, 52], landmarks[:, 61]]
    return np.stack([*eyes, *rest], axis=1).astype(np.float32)


def face_box(landmarks: Floats, size: int) -> Floats:
    """Face boxes (T, 4) as x0, y0, x1, y1 in pixels: the landmarks with the forehead added, clipped."""
    low, high = landmarks.min(1), landmarks.max(1)
    height = high[:, 1] - low[:, 1]
    box = np.stack([low[:, 0], low[:, 1] - 0.28 * height, high[:, 0], high[:, 1]], axis=1)
    clipped: Floats = np.clip(box, 0, size - 1).astype(np.float32)
    return clipped
