"""Hair as locks: flat ribbons that grow from the scalp of the average head, bound to each person's body.

A style is grown once in canonical coordinates (roots spread over the scalp, a combing direction, gravity,
and a clearance from skin and shoulders), then carried to a person by what happened to the skin nearby.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from training.world.body import Body, Floats, Ints

CROWN = np.array([0.0, 0.015, 1.0], np.float32)
_FACE_HALF_WIDTH = 0.072
Comb = Callable[[Floats, Floats], Floats]


def hair_edge(y: Floats) -> Floats:
    """Height of the hairline (canonical z) over depth y: forehead, temple, around the ear, nape."""
    ys = [-0.20, -0.120, -0.098, -0.084, -0.035, -0.026, 0.05, 0.2]
    zs = [0.962, 0.962, 0.945, 0.898, 0.893, 0.835, 0.812, 0.812]
    return np.interp(y, ys, zs).astype(np.float32)


@dataclass(frozen=True)
class Style:
    """How a hair style grows: lengths in metres, `cut` the height (z) where locks end."""

    count: int
    steps: int
    length: tuple[float, float]
    clearance: tuple[float, float]
    width: float
    lift: float
    gravity: float
    comb: str
    cut: float = 0.0
    curl: float = 0.0
    turns: float = 0.0
    tie: tuple[float, float, float] | None = None


STYLES: dict[str, Style] = {
    "short": Style(1200, 5, (0.022, 0.040), (0.003, 0.010), 0.0075, 0.30, 0.10, "crown"),
    "side parted": Style(1100, 7, (0.050, 0.085), (0.004, 0.017), 0.009, 0.35, 0.15, "part"),
    "curly": Style(1200, 10, (0.030, 0.055), (0.006, 0.026), 0.0085, 0.7, 0.10, "crown",
                   curl=0.008, turns=1.7),
    "bob": Style(900, 14, (0.20, 0.28), (0.004, 0.015), 0.011, 0.15, 0.35, "middle", cut=0.772),
    "long straight": Style(950, 19, (0.38, 0.50), (0.004, 0.016), 0.012, 0.15, 0.35, "middle", cut=0.600),
    "long wavy": Style(900, 21, (0.36, 0.50), (0.006, 0.024), 0.013, 0.25, 0.30, "middle", cut=0.610,
                       curl=0.009, turns=3.2),
    "ponytail": Style(800, 9, (0.16, 0.20), (0.002, 0.006), 0.011, 0.10, 0.0, "tie", tie=(0.0, 0.062, 0.955)),
    "bun": Style(800, 9, (0.16, 0.20), (0.002, 0.006), 0.011, 0.10, 0.0, "tie", tie=(0.0, 0.012, 1.010)),
}  # fmt: skip


_SMOOTH = ("bob", "long straight")


@dataclass(frozen=True)
class Locks:
    """Ribbons in canonical coordinates.

    `points`, `normals`, `tangents` (N, 3) for the ribbons' edge vertices, `data` (N, 3): across (-1 or 1),
    along (0 to 1), a random number per lock; `faces` (F, 3); `near` (N, 6) skin vertices and `share`
    (N, 6) their weights; `head` (N,) how much the head (not the trunk) carries each point.
    """

    points: Floats
    normals: Floats
    tangents: Floats
    data: Floats
    faces: Ints
    near: Ints
    share: Floats
    head: Floats

    def carried(self, moved: Floats) -> Floats:
        """Points (N, 3) for a person whose vertices moved by (V, 3) from the canonical ones."""
        out: Floats = self.points + np.einsum("nk,nkc->nc", self.share, moved[self.near])
        return out


def _unit(v: Floats) -> Floats:
    unit: Floats = (v / (np.linalg.norm(v, axis=-1, keepdims=True) + 1e-9)).astype(np.float32)
    return unit


class _Skin:
    """The body's surface as points with normals, to keep hair outside of it."""

    def __init__(self, body: Body) -> None:
        used = np.unique(body.faces_of("head", "body"))
        trunk = body.canonical[used, 2] > 0.5
        ears = body.masks["ears"][used] > 0.3
        self.vertices = used[trunk & ~ears]
        self.points = body.canonical[self.vertices]
        squared = self._squared(self.points)
        self.neighbours = np.argpartition(squared, 6, axis=1)[:, :6]
        around = self.neighbours[:, :4]
        self.base = self.points[around].mean(1)
        self.normals = _unit(body.normals(body.canonical)[self.vertices][around].mean(1))

    def _squared(self, points: Floats) -> Floats:
        inner: Floats = points @ self.points.T
        squared: Floats = (points**2).sum(1)[:, None] + (self.points**2).sum(1)[None] - 2 * inner
        return squared

    def nearest(self, points: Floats) -> Ints:
        """The index (N,) of the skin's point nearest to each of `points` (N, 3)."""
        blocks = [self._squared(points[a : a + 2048]).argmin(1) for a in range(0, len(points), 2048)]
        return np.concatenate(blocks)

    def binding(self, points: Floats) -> tuple[Ints, Floats]:
        """The six vertices (N, 6) around each point's nearest one, with weights (N, 6) that sum to 1."""
        near = self.neighbours[self.nearest(points)]
        squared = ((self.points[near] - points[:, None]) ** 2).sum(2)
        share = 1 / (squared + 2e-4)  # two centimetres of blur: neighbouring points follow together
        return self.vertices[near], (share / share.sum(1, keepdims=True)).astype(np.float32)


@lru_cache(maxsize=2)
def _skin_of(body: Body) -> _Skin:
    return _Skin(body)


def _roots(body: Body, count: int, rng: np.random.Generator) -> tuple[Floats, Floats]:
    faces = body.faces_of("head")
    normals = body.normals(body.canonical)
    centre = body.canonical[faces].mean(1)
    ears = body.masks["ears"][faces].max(1) > 0.2
    inside = (centre[:, 2] > hair_edge(centre[:, 1]) + 0.002) & ~ears
    faces = faces[inside]
    a, b, c = (body.canonical[faces[:, k]] for k in range(3))
    area = np.linalg.norm(np.cross(b - a, c - a), axis=1)
    chosen = rng.choice(len(faces), count, p=area / area.sum())
    u = rng.dirichlet([1, 1, 1], count).astype(np.float32)
    points = np.einsum("nk,nkc->nc", u, body.canonical[faces[chosen]])
    return points, _unit(np.einsum("nk,nkc->nc", u, normals[faces[chosen]]))


def _comb(style: Style, roots: Floats, normals: Floats, rng: np.random.Generator) -> Floats:
    """The direction (N, 3) in which each lock is combed, tangential to the scalp."""
    if style.comb == "crown":
        wish = roots - CROWN + rng.normal(0, 0.02, roots.shape)
    elif style.comb == "tie":
        assert style.tie is not None
        wish = np.array(style.tie, np.float32) - roots
    else:
        parting = 0.030 if style.comb == "part" else 0.004
        side = np.where(roots[:, 0] > parting, 1.0, -1.0)
        back = 0.55 if style.comb == "part" else 0.35
        top = np.clip((roots[:, 2] - 0.93) / 0.06, 0, 1)
        forward = np.where(style.comb == "part", 0.25 * top, back)
        wish = np.stack([side * (0.25 + top), forward, -0.9 + 0.75 * top], axis=1)
    wish = wish.astype(np.float32)
    wish = wish - normals * np.sum(wish * normals, axis=1, keepdims=True)
    return _unit(_unit(wish) + rng.normal(0, 0.10, roots.shape))


def _grow(body: Body, style: Style, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Centre lines (N, S, 3) of the locks and outward normals (N, S, 3)."""
    skin = _skin_of(body)
    roots, normals = _roots(body, style.count, rng)
    direction = _unit(_comb(style, roots, normals, rng) + style.lift * normals)
    length = rng.uniform(*style.length, style.count).astype(np.float32)
    if style.comb == "part":  # short at the sides and the nape, long on top
        length *= 0.45 + 0.55 * np.clip((roots[:, 2] - 0.90) / 0.06, 0, 1)
    clearance = rng.uniform(*style.clearance, style.count).astype(np.float32)
    step = (length / (style.steps - 1))[:, None]
    points, outward = [roots], [normals]
    for k in range(1, style.steps):
        p: Floats = points[-1] + direction * step
        if style.tie is not None:
            left = np.array(style.tie, np.float32) - points[-1]
            distance = np.linalg.norm(left, axis=1, keepdims=True)
            p = points[-1] + _unit(left) * np.minimum(step, distance)
        if style.cut:
            p = _beside_face(p)
        # Cloth lies between skin and hair below the neck.
        room = clearance * min(1.0, k / 2) + 0.016 * np.clip((0.77 - p[:, 2]) / 0.05, 0, 1)
        p, normal = _outside(p, skin, room.astype(np.float32))
        moved = p - points[-1]
        direction = _unit(_unit(moved) * 0.8 + direction * 0.3 + np.array([0, 0, -style.gravity], np.float32))
        points.append(p)
        outward.append(normal)
    lines = np.stack(points, axis=1)
    if style.cut:
        for _ in range(6):  # no kinks where the hair leaves the head
            lines[:, 1:-1] += 0.5 * (0.5 * (lines[:, :-2] + lines[:, 2:]) - lines[:, 1:-1])
        lines = _cut(lines, style.cut + rng.normal(0, 0.010, style.count).astype(np.float32))
    if style.curl:
        lines = _curled(lines, np.stack(outward, axis=1), style, rng)
    return lines, _unit(np.stack(outward, axis=1))


def _outside(p: Floats, skin: _Skin, clearance: Floats) -> tuple[Floats, Floats]:
    index = skin.nearest(p.astype(np.float32))
    base, normal = skin.base[index], skin.normals[index]
    height = np.sum((p - base) * normal, axis=1)
    # Above the shoulders hair also clings: what stands off further is drawn in.
    cling = 0.75 * np.clip((p[:, 2] - 0.78) / 0.06, 0.25, 1)
    off = np.maximum(height - clearance, 0) * cling
    p = p + normal * (np.maximum(clearance - height, 0) - off)[:, None]
    return p.astype(np.float32), normal


def _beside_face(p: Floats) -> Floats:
    """Keep long hair from hanging over the face."""
    front = (p[:, 1] < -0.070) & (p[:, 2] < 0.935) & (p[:, 2] > 0.74)
    side = np.where(p[:, 0] >= 0, 1, -1)
    p[front, 0] = (side * np.maximum(np.abs(p[:, 0]), _FACE_HALF_WIDTH))[front]
    p[front, 1] = np.maximum(p[front, 1], -0.098)
    # Below the chin it falls in front of and behind the shoulders rather than out along them.
    low = p[:, 2] < 0.79
    wide = np.abs(p[:, 0])
    p[low, 0] = (side * np.where(wide > 0.110, 0.110 + 0.5 * (wide - 0.110), wide))[low]
    return p


def _cut(lines: Floats, height: Floats) -> Floats:
    """Shorten lines that reach below a height (N,) by squeezing their points together along the line."""
    steps = lines.shape[1]
    below = lines[:, :, 2] < height[:, None]
    last = np.where(below.any(1), np.maximum(below.argmax(1), 2), steps - 1)
    at = last[:, None] * np.linspace(0, 1, steps)[None]
    low = np.minimum(at.astype(int), steps - 2)
    share = (at - low)[..., None]
    rows = np.arange(len(lines))[:, None]
    out: Floats = (lines[rows, low] * (1 - share) + lines[rows, low + 1] * share).astype(np.float32)
    return out


def _curled(lines: Floats, outward: Floats, style: Style, rng: np.random.Generator) -> Floats:
    count, steps, _ = lines.shape
    along = np.linspace(0, 1, steps, dtype=np.float32)[None]
    tangent = _unit(np.gradient(lines, axis=1))
    side = _unit(np.cross(tangent, outward))
    tight = style.comb == "crown"
    # Waves of neighbours run together; curls each run their own way.
    phase = (
        rng.uniform(0, 2 * np.pi, (count, 1))
        if tight
        else 60 * lines[:, :1, 0] + rng.uniform(-0.6, 0.6, (count, 1))
    )
    angle = 2 * np.pi * style.turns * along + phase
    size = style.curl * np.clip(along * 3, 0, 1)
    wave = (
        side * (np.sin(angle) * size)[..., None]
        + outward * (np.cos(angle) * size * (0.9 if tight else 0.35))[..., None]
    )
    curled: Floats = (lines + wave).astype(np.float32)
    return curled


def _tail(body: Body, style: str, rng: np.random.Generator) -> tuple[Floats, Floats] | None:
    """What a tie holds: the tail over the left shoulder, or the ball of a bun."""
    if style == "ponytail":
        path = np.array([[0, 0.068, 0.955], [0.012, 0.105, 0.955], [0.035, 0.115, 0.90], [0.066, 0.085, 0.82],
                         [0.090, 0.030, 0.755], [0.098, -0.045, 0.715], [0.094, -0.098, 0.66],
                         [0.088, -0.118, 0.60], [0.084, -0.128, 0.56]], np.float32)  # fmt: skip
        count, spread = 170, np.array([0.35, 0.9, 1.0, 1.0, 1.0, 1.0, 0.95, 0.8, 0.45], np.float32) * 0.019
        angle = rng.uniform(0, 2 * np.pi, count)
        radius = np.sqrt(rng.uniform(0.2, 1, count))
        lines = np.repeat(path[None], count, 0)
        offset = np.stack([np.cos(angle) * radius, np.sin(angle) * radius * 0.7, 0 * angle], axis=1)
        lines = (lines + offset[:, None] * spread[None, :, None]).astype(np.float32)
        skin = _skin_of(body)
        for k in range(2, len(path)):
            lines[:, k], _ = _outside(
                lines[:, k], skin, (0.020 + 0.022 * (1 + offset[:, 1])).astype(np.float32)
            )
        return lines.astype(np.float32), _unit(np.repeat(offset[:, None] + [[[0, -0.25, 0.2]]], len(path), 1))
    if style == "bun":
        count, steps = 190, 9
        middle = np.array([0.0, 0.012, 1.030], np.float32)
        axis = _unit(rng.normal(0, 1, (count, 3)) * np.array([0.6, 0.6, 1.0]) + np.array([0, 0, 0.8]))
        start = _unit(np.cross(axis, rng.normal(0, 1, (count, 3))))
        other = np.cross(axis, start)
        angle = np.linspace(0, 2.6, steps)[None, :, None]
        radial = start[:, None] * np.cos(angle) + other[:, None] * np.sin(angle)
        size = 0.036 * rng.uniform(0.88, 1.0, (count, 1, 1))
        lines = middle + radial * size * np.array([1.1, 1.0, 0.85])
        return lines.astype(np.float32), _unit(radial.astype(np.float32))
    return None


def _ribbons(
    lines: Floats, outward: Floats, width: float, rng: np.random.Generator
) -> dict[str, NDArray[np.generic]]:
    count, steps, _ = lines.shape
    tangent = _unit(np.gradient(lines, axis=1))
    side = _unit(np.cross(tangent, outward))
    along = np.linspace(0, 1, steps, dtype=np.float32)
    taper = (0.55 + 0.45 * np.minimum(along * 5, 1)) * (1 - 0.6 * along**4)
    half = side * (0.5 * width * taper * rng.uniform(0.7, 1.2, (count, 1)))[..., None]
    points = np.stack([lines - half, lines + half], axis=2).reshape(-1, 3)
    mark = np.broadcast_to(rng.random((count, 1, 1)), (count, steps, 2))
    data = np.stack(
        [
            np.broadcast_to([-1.0, 1.0], (count, steps, 2)),
            np.broadcast_to(along[None, :, None], (count, steps, 2)),
            mark,
        ],
        axis=-1,
    ).reshape(-1, 3)
    quad = np.arange(steps - 1)[:, None] * 2 + np.array([0, 1, 2, 1, 3, 2])
    faces = (np.arange(count)[:, None] * steps * 2 + quad.reshape(-1)).reshape(-1, 3)
    # Ribbons are round to the light: their edges look a little aside.
    bent = np.stack([outward - 0.35 * side, outward + 0.35 * side], axis=2).reshape(-1, 3)
    return {
        "points": points.astype(np.float32),
        "normals": _unit(bent.astype(np.float32)),
        "tangents": np.repeat(tangent.reshape(-1, 3), 2, axis=0),
        "data": data.astype(np.float32),
        "faces": faces,
        "lines": np.repeat(lines.reshape(-1, 3), 2, axis=0),
    }


@lru_cache(maxsize=16)
def locks_of(body: Body, style: str) -> Locks | None:
    """The locks of a hair style, grown on first use (about a second), or None for styles without."""
    if style not in STYLES:
        return None
    rng = np.random.default_rng([72_808, list(STYLES).index(style)])
    lines, outward = _grow(body, STYLES[style], rng)
    if style in _SMOOTH:  # hanging hair is straight enough for half of its points
        kept = [*range(7), *range(8, lines.shape[1] - 1, 2), lines.shape[1] - 1]
        lines, outward = lines[:, kept], outward[:, kept]
    parts = [_ribbons(lines, outward, STYLES[style].width, rng)]
    tail = _tail(body, style, rng)
    if tail is not None:
        parts.append(_ribbons(*tail, 0.012, rng))
    offset = np.cumsum([0, *(len(p["points"]) for p in parts)])
    joined = {
        k: np.concatenate([p[k] for p in parts]) for k in ("points", "normals", "tangents", "data", "lines")
    }
    faces = np.concatenate([p["faces"] + o for p, o in zip(parts, offset, strict=False)]).astype(np.int64)
    # By their random marks: any first part of the triangles is a fair sample of the locks.
    faces = faces[np.argsort(joined["data"][faces[:, 0], 2], kind="stable")]
    skin = _skin_of(body)
    near, share = skin.binding(joined["lines"].astype(np.float32)[::2])  # both edges follow the middle
    return Locks(
        points=joined["points"].astype(np.float32),
        normals=joined["normals"].astype(np.float32),
        tangents=joined["tangents"].astype(np.float32),
        data=joined["data"].astype(np.float32),
        faces=faces,
        near=np.repeat(near, 2, axis=0),
        share=np.repeat(share, 2, axis=0),
        head=np.clip((joined["points"][:, 2].astype(np.float32) - 0.690) / 0.13, 0, 1),
    )
