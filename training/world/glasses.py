"""Spectacle frames as tubes around the eyes, carried by the skin around each eye and by the ears."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from training.world.body import Body, Floats, Ints
from training.world.hair import Locks

_SIDES = 6
_LENS_Y = -0.1665
_THICK = 0.0016
# Half width, half height (metres) and the exponent of the superellipse of each frame.
_FRAMES = {"round": (0.0235, 0.0215, 2.0), "rectangular": (0.0265, 0.0165, 4.5)}


def _tube(path: Floats, closed: bool, radius: float) -> tuple[Floats, Floats, Ints]:
    """A tube round a path (N, 3): points, normals, faces."""
    count = len(path)
    along = np.roll(path, -1, 0) - np.roll(path, 1, 0) if closed else np.gradient(path, axis=0)
    along /= np.linalg.norm(along, axis=1, keepdims=True) + 1e-9
    up = np.where(np.abs(along[:, 1:2]) > 0.9, [[0.0, 0, 1]], [[0.0, 1, 0]])
    side = np.cross(along, up)
    side /= np.linalg.norm(side, axis=1, keepdims=True) + 1e-9
    other = np.cross(along, side)
    angle = np.linspace(0, 2 * np.pi, _SIDES, endpoint=False)[None, :, None]
    normals = side[:, None] * np.cos(angle) + other[:, None] * np.sin(angle)
    points = path[:, None] + radius * normals
    rings = np.arange(count if closed else count - 1)
    faces = []
    for k in range(_SIDES):
        a, b = rings * _SIDES + k, rings * _SIDES + (k + 1) % _SIDES
        c, d = ((rings + 1) % count) * _SIDES + k, ((rings + 1) % count) * _SIDES + (k + 1) % _SIDES
        faces += [np.stack([a, b, c], 1), np.stack([b, d, c], 1)]
    return points.reshape(-1, 3), normals.reshape(-1, 3), np.concatenate(faces)


def _paths(body: Body, kind: str) -> list[tuple[Floats, bool, str]]:
    """The tubes of a frame as (path, closed, what carries it)."""
    wide, high, power = _FRAMES[kind]
    eye = body.canonical_heads[body.bones["eye.L"]]
    angle = np.linspace(0, 2 * np.pi, 36, endpoint=False)
    cosine, sine = np.cos(angle), np.sin(angle)
    x = np.sign(cosine) * np.abs(cosine) ** (2 / power) * wide
    z = np.sign(sine) * np.abs(sine) ** (2 / power) * high - 0.003
    out: list[tuple[Floats, bool, str]] = []
    for sign, name in ((1.0, "L"), (-1.0, "R")):
        middle = sign * (eye[0] + 0.0025)
        # The front curves back a little towards the temples.
        y = _LENS_Y + 0.9 * (np.maximum(sign * (middle + x) - 0.02, 0)) ** 2 * 4
        out.append((np.stack([middle + x, y, eye[2] + z], 1), True, name))
        hinge = sign * (eye[0] + 0.0025 + wide)
        start = np.array([hinge, _LENS_Y + 0.9 * (abs(hinge) - 0.02) ** 2 * 4, eye[2] + 0.004])
        corner = np.array([sign * 0.0790, -0.135, eye[2] + 0.004])
        ear = np.array([sign * 0.0845, -0.038, eye[2] - 0.001])
        out.append(
            (np.array([start, (start + corner) / 2, corner, (corner + ear) / 2, ear]), False, "ear" + name)
        )
    inner = eye[0] + 0.0025 - wide
    span = np.linspace(-inner, inner, 7)
    rise = 0.004 * (1 - (span / inner) ** 2)
    out.append((np.stack([span, 0 * span + _LENS_Y, eye[2] + 0.004 + rise], 1), False, "nose"))
    return out


def _anchors(body: Body) -> dict[str, Ints]:
    """Four vertices that carry each piece."""
    head = np.unique(body.faces_of("head"))
    points = body.canonical[head]

    def near(x: float, y: float, z: float) -> int:
        return int(head[np.argmin(np.linalg.norm(points - (x, y, z), axis=1))])

    out = {}
    for sign, side in ((1, "L"), (-1, "R")):
        spots = (
            (0.012, -0.150, 0.885),
            (0.050, -0.140, 0.885),
            (0.030, -0.155, 0.905),
            (0.010, -0.160, 0.895),
        )
        out[side] = np.array([near(sign * x, y, z) for x, y, z in spots])
        out["ear" + side] = np.array([near(sign * 0.080, y, 0.885) for y in (-0.03, -0.045, -0.06, -0.075)])
    out["nose"] = np.array([near(x, -0.16, 0.892) for x in (-0.012, -0.004, 0.004, 0.012)])
    return out


@lru_cache(maxsize=4)
def glasses_of(body: Body, kind: str) -> Locks | None:
    """The frame of a kind of glasses ('round', 'rectangular'), or None for 'none'."""
    if kind not in _FRAMES:
        return None
    anchors = _anchors(body)
    points, normals, faces, near, share = [], [], [], [], []
    offset = 0
    for path, closed, carrier in _paths(body, kind):
        p, n, f = _tube(path, closed, _THICK)
        ear = carrier.startswith("ear")
        # An arm's front end goes with the eye, its far end with the ear.
        blend = np.repeat(np.linspace(0, 1, len(path)), _SIDES)[:, None] if ear else np.zeros((len(p), 1))
        eye = anchors[carrier[-1]] if ear else anchors[carrier]
        far = anchors[carrier]
        near.append(np.tile(np.concatenate([eye, far]), (len(p), 1)))
        share.append(np.concatenate([np.repeat((1 - blend) / 4, 4, 1), np.repeat(blend / 4, 4, 1)], axis=1))
        points.append(p)
        normals.append(n)
        faces.append(f + offset)
        offset += len(p)
    joined = np.concatenate(points).astype(np.float32)
    return Locks(
        points=joined, normals=np.concatenate(normals).astype(np.float32), tangents=np.zeros_like(joined),
        data=np.zeros_like(joined), faces=np.concatenate(faces), near=np.concatenate(near),
        share=np.concatenate(share).astype(np.float32), head=np.ones(len(joined), np.float32),
    )  # fmt: skip
