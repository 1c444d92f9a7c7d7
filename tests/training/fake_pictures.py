"""Drawn stand-ins for the renderer's pictures: enough of a face for the trainers' tests to have a truth."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw

from training.face_data import Pictures


def picture(person: int, scene: int, size: int = 128) -> tuple[np.ndarray, ...]:
    """Frame, matte, landmarks and five points of one drawn person; colours follow the person, the place the
    scene.
    """
    who, where = np.random.default_rng([1, person]), np.random.default_rng([2, person, scene])
    skin, hair = who.integers(90, 240, 3), who.integers(0, 200, 3)
    wide, eye = who.uniform(0.8, 1.1), who.uniform(0.30, 0.45)
    frame = Image.new("RGB", (size, size), tuple(int(v) for v in where.integers(0, 255, 3)))
    matte = Image.new("L", (size, size))
    x, y = size * where.uniform(0.42, 0.58, 2)
    high = size * where.uniform(0.16, 0.22)
    angles = np.linspace(0, 2 * np.pi, 106, endpoint=False)
    outline = np.stack([x + high * 0.75 * wide * np.cos(angles), y + high * np.sin(angles)], 1)
    five = np.array([[-eye, -0.25], [eye, -0.25], [0, 0.15], [-0.3, 0.5], [0.3, 0.5]]) * high + (x, y)
    for image, colours in ((frame, (hair, skin)), (matte, (255, 255))):
        draw = ImageDraw.Draw(image)
        fills = [tuple(int(v) for v in c) if isinstance(c, np.ndarray) else c for c in colours]
        draw.ellipse((x - high, y - 1.4 * high, x + high, y + high), fill=fills[0])
        draw.rectangle((x - high, y + high * 0.9, x + high, size), fill=fills[0])
        draw.polygon([tuple(p) for p in outline], fill=fills[1])
    draw = ImageDraw.Draw(frame)
    for px, py in five[:3]:
        draw.ellipse(
            (px - high * 0.1, py - high * 0.07, px + high * 0.1, py + high * 0.07), fill=(20, 10, 10)
        )
    draw.line([tuple(five[3]), tuple(five[4])], fill=(150, 30, 30), width=2)
    return np.asarray(frame), np.asarray(matte), outline.astype(np.float32), five.astype(np.float32)


def pictures(persons: list[int], scenes: int, size: int = 128) -> Pictures:
    """``scenes`` pictures of each person."""
    rows = [(p, s, *picture(p, s, size)) for p in persons for s in range(scenes)]
    stacked = [np.stack([row[i] for row in rows]) for i in range(2, 6)]
    who = np.array([row[0] for row in rows], np.int64)
    where = np.array([row[0] * 100 + row[1] for row in rows], np.int64)
    return Pictures(stacked[0], stacked[1], stacked[2], stacked[3], who, where)
