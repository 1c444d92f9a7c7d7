"""What happens in a clip: named actions as curves over time, alone or two in a row.

A clip's first frame is always the scene at rest; every action starts from there. Left and right are
the person's own: "turns her head to the left" moves the nose towards the right of the picture.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Curve = NDArray[np.float32]


@dataclass(frozen=True)
class Action:
    """One action of a clip, from `start` to `end` as fractions of the clip.

    `speed` is 'slow', 'normal' or 'fast'; `amplitude` is a factor of about 0.7 to 1.3.
    """

    name: str
    speed: str = "normal"
    amplitude: float = 1.0
    start: float = 0.0
    end: float = 1.0


@dataclass
class Movement:
    """The state of body, face and camera at each of T moments, relative to the scene at rest.

    Angles in radians; `yaw` is positive towards the person's own left, `pitch` positive is down, `roll`
    positive tilts the head to the person's own left. `zoom` is the camera's distance as a factor and
    `pan` its sideways shift in metres. `hand` goes from 0 (hanging) to 1 (raised) and `wave` is the
    forearm's swing. `face` holds the weights (T,) of facial actions by name.
    """

    yaw: Curve
    pitch: Curve
    roll: Curve
    gaze_x: Curve
    gaze_y: Curve
    lean: Curve
    shrug: Curve
    bob: Curve
    sway: Curve
    hand: Curve
    wave: Curve
    zoom: Curve
    pan: Curve
    expression: Curve
    face: dict[str, Curve] = field(default_factory=dict)


SPEEDS = {"slow": 0.7, "normal": 1.0, "fast": 1.45}


def ease(u: Curve) -> Curve:
    """The smooth step from 0 to 1 (3u^2 - 2u^3), clamped outside."""
    u = np.clip(u, 0, 1)
    smooth: Curve = u * u * (3 - 2 * u)
    return smooth


def _rise(u: Curve, speed: float) -> Curve:
    """From 0 to 1, arriving early when fast, then held."""
    return ease(u * speed / 0.72)


def _cycles(u: Curve, count: float) -> Curve:
    """A sine of `count` cycles that starts and ends at rest."""
    wave: Curve = np.sin(2 * np.pi * count * u) * ease(np.minimum(u, 1 - u) * 8)
    return wave


def _pulse(u: Curve, centre: float, width: float) -> Curve:
    bell: Curve = np.exp(-(((u - centre) / width) ** 2))
    return bell


def _count(base: float, speed: float) -> float:
    """Whole number of cycles for a speed, so that a cyclic action ends where it began."""
    return float(max(1, round(base * speed)))


@dataclass(frozen=True)
class Kind:
    """How an action moves: `group` names what it occupies; `move` adds to a movement over u in 0 to 1."""

    group: str
    move: Callable[[Movement, Curve, float, float], None]


def _add(movement: Movement, weights: dict[str, Curve]) -> None:
    for name, curve in weights.items():
        old = movement.face.get(name)
        movement.face[name] = curve if old is None else np.maximum(old, curve)


def both(name: str, value: Curve) -> dict[str, Curve]:
    """The left and the right one of a pair of facial actions."""
    return {f"{name}Left": value, f"{name}Right": value}


def _still(m: Movement, u: Curve, a: float, s: float) -> None:
    return None


def _smile(m: Movement, u: Curve, a: float, s: float) -> None:
    e = _rise(u, s)
    m.expression *= 1 - e
    face = {**both("mouthSmile", 0.85 * a * e), **both("cheekSquint", 0.6 * e)}
    _add(m, {**face, **both("eyeSquint", 0.25 * e), **both("mouthUpperUp", 0.38 * e), "jawOpen": 0.09 * e})


def _laugh(m: Movement, u: Curve, a: float, s: float) -> None:
    e = _rise(u, s * 1.4)
    m.expression *= 1 - e
    shake = 0.5 + 0.5 * np.cos(2 * np.pi * _count(4, s) * u)
    face = {**both("mouthSmile", 0.95 * e), **both("cheekSquint", 0.8 * e), **both("eyeSquint", 0.6 * e)}
    _add(m, {**face, **both("mouthUpperUp", 0.4 * e), "jawOpen": e * a * (0.34 + 0.14 * shake)})
    m.pitch -= 0.10 * e * a
    m.bob += 0.004 * e * shake


def _frown(m: Movement, u: Curve, a: float, s: float) -> None:
    e = _rise(u, s)
    m.expression *= 1 - e
    face = {**both("browDown", e), **both("mouthFrown", 0.9 * a * e), **both("eyeSquint", 0.4 * e)}
    _add(m, {**face, **both("noseSneer", 0.25 * e)})


def _surprised(m: Movement, u: Curve, a: float, s: float) -> None:
    e = _rise(u, s * 1.3)
    m.expression *= 1 - e
    face = {**both("eyeWide", 0.9 * e), **both("browOuterUp", e), "browInnerUp": e}
    _add(m, {**face, "jawOpen": 0.55 * a * e, "mouthFunnel": 0.25 * e})


def _talk(m: Movement, u: Curve, a: float, s: float) -> None:
    n = _count(3, s)
    gate = ease(np.minimum(u, 1 - u) * 10)
    opening = (0.5 - 0.5 * np.cos(2 * np.pi * n * u)) * gate
    shape = 0.5 - 0.5 * np.cos(2 * np.pi * n * 0.5 * u + 0.8)
    face = {"jawOpen": 0.40 * a * opening, "mouthFunnel": 0.55 * shape * gate}
    wide = 0.45 * (1 - shape) * gate
    _add(m, {**face, **both("mouthStretch", wide), **both("mouthLowerDown", 0.5 * opening)})
    m.pitch += 0.025 * _cycles(u, 1)


def _nod(m: Movement, u: Curve, a: float, s: float) -> None:
    m.pitch += 0.24 * a * _cycles(u, _count(2, s))


def _shake(m: Movement, u: Curve, a: float, s: float) -> None:
    m.yaw += 0.36 * a * _cycles(u, _count(2, s))


def _turn(sign: float) -> Callable[[Movement, Curve, float, float], None]:
    def move(m: Movement, u: Curve, a: float, s: float) -> None:
        m.yaw += sign * 0.62 * a * _rise(u, s)

    return move


def _look(x: float, y: float) -> Callable[[Movement, Curve, float, float], None]:
    def move(m: Movement, u: Curve, a: float, s: float) -> None:
        e = _rise(u, s * 1.5)
        m.gaze_x += x * e
        m.gaze_y += y * e
        m.yaw += 0.05 * x * e
        m.pitch -= 0.05 * y * e

    return move


def _brows(m: Movement, u: Curve, a: float, s: float) -> None:
    e = _rise(u, s * 1.3)
    _add(m, {"browInnerUp": a * e, **both("browOuterUp", a * e), **both("eyeWide", 0.45 * e)})


def _close_eyes(m: Movement, u: Curve, a: float, s: float) -> None:
    _add(m, both("eyeBlink", _rise(u, s * 1.5)))


def _blink(m: Movement, u: Curve, a: float, s: float) -> None:
    count = int(_count(2, s))
    centres = (np.arange(count) + 0.5) / count
    width = 0.30 / count
    shut = np.max([_pulse(u, float(c), width) ** 0.5 for c in centres], axis=0)
    _add(m, both("eyeBlink", np.clip(1.35 * shut - 0.12, 0, 1) * ease(np.minimum(u, 1 - u) * 12)))


def _open_mouth(m: Movement, u: Curve, a: float, s: float) -> None:
    _add(m, {"jawOpen": 0.78 * a * _rise(u, s)})


def _pout(m: Movement, u: Curve, a: float, s: float) -> None:
    e = _rise(u, s)
    m.expression *= 1 - e
    _add(m, {"mouthPucker": a * e, "cheekPuff": 0.25 * e})


def _tilt(m: Movement, u: Curve, a: float, s: float) -> None:
    m.roll += 0.33 * a * _rise(u, s)


def _pitch(sign: float) -> Callable[[Movement, Curve, float, float], None]:
    def move(m: Movement, u: Curve, a: float, s: float) -> None:
        m.pitch += sign * 0.36 * a * _rise(u, s)

    return move


def _raise_hand(m: Movement, u: Curve, a: float, s: float) -> None:
    m.hand += ease(u * s / 0.6)


def _wave(m: Movement, u: Curve, a: float, s: float) -> None:
    m.hand += ease(u * 1.2 * s / 0.45)
    m.wave += 0.42 * a * np.sin(2 * np.pi * _count(2, s) * (u - 0.3) / 0.7) * ease((u - 0.25) * 6)


def _lean(m: Movement, u: Curve, a: float, s: float) -> None:
    m.lean += 0.30 * a * _rise(u, s)


def _shrug(m: Movement, u: Curve, a: float, s: float) -> None:
    up = ease(u * s / 0.4) * (1 - ease((u - 0.62) / 0.38))
    m.shrug += a * up
    m.roll += 0.07 * up
    _add(m, {"browInnerUp": 0.6 * up, **both("mouthFrown", 0.35 * up)})


def _walk(m: Movement, u: Curve, a: float, s: float) -> None:
    n = _count(2, s)
    m.bob += 0.016 * a * np.abs(np.sin(2 * np.pi * n * u)) * ease(u * 6)
    m.sway += 0.018 * a * _cycles(u, n)
    m.roll += 0.04 * a * _cycles(u, n)


def _zoom(factor: float) -> Callable[[Movement, Curve, float, float], None]:
    def move(m: Movement, u: Curve, a: float, s: float) -> None:
        m.zoom *= 1 + (factor - 1) * min(a, 1.1) * ease(u * min(s, 1.2))

    return move


def _pan(sign: float) -> Callable[[Movement, Curve, float, float], None]:
    def move(m: Movement, u: Curve, a: float, s: float) -> None:
        m.pan += sign * 0.085 * a * ease(u * min(s, 1.2))

    return move


ACTIONS: dict[str, Kind] = {
    "still": Kind("none", _still),
    "smile": Kind("face", _smile),
    "laugh": Kind("face", _laugh),
    "frown": Kind("face", _frown),
    "surprised": Kind("face", _surprised),
    "talk": Kind("mouth", _talk),
    "open mouth": Kind("mouth", _open_mouth),
    "pout": Kind("mouth", _pout),
    "nod": Kind("head", _nod),
    "shake head": Kind("head", _shake),
    "turn left": Kind("head", _turn(1)),
    "turn right": Kind("head", _turn(-1)),
    "look up": Kind("head", _pitch(-1)),
    "look down": Kind("head", _pitch(1)),
    "tilt": Kind("head", _tilt),
    "gaze left": Kind("gaze", _look(1, 0)),
    "gaze right": Kind("gaze", _look(-1, 0)),
    "gaze up": Kind("gaze", _look(0, 1)),
    "gaze down": Kind("gaze", _look(0, -1)),
    "raise brows": Kind("brows", _brows),
    "close eyes": Kind("lids", _close_eyes),
    "blink": Kind("lids", _blink),
    "wave": Kind("arm", _wave),
    "raise hand": Kind("arm", _raise_hand),
    "lean forward": Kind("body", _lean),
    "shrug": Kind("body", _shrug),
    "walk": Kind("body", _walk),
    "zoom in": Kind("camera", _zoom(0.66)),
    "zoom out": Kind("camera", _zoom(1.5)),
    "pan left": Kind("camera", _pan(-1)),
    "pan right": Kind("camera", _pan(1)),
}
# Groups that occupy the same part of the body: the second of a sequence takes over from the first.
_CLASHES = ({"face", "mouth", "brows", "lids"}, {"head"}, {"gaze"}, {"arm"}, {"body"}, {"camera"})


def as_actions(actions: Sequence[Action | str]) -> tuple[Action, ...]:
    """Actions with times: names become actions, and two without times of their own share the clip.

    Raises ValueError for an unknown name.
    """
    made = [Action(a) if isinstance(a, str) else a for a in actions]
    for action in made:
        if action.name not in ACTIONS:
            raise ValueError(f"unknown action '{action.name}'; known: {', '.join(ACTIONS)}")
    if len(made) > 1 and all(a.start == 0 and a.end == 1 for a in made):
        share = 1 / len(made)
        made = [Action(a.name, a.speed, a.amplitude, i * share, (i + 1) * share) for i, a in enumerate(made)]
    return tuple(made)


def actions_of(seed: int, sequence_share: float = 0.3) -> tuple[Action, ...]:
    """The actions with this seed: one, or two in a row for `sequence_share` of the seeds."""
    rng = np.random.default_rng([72_404, seed])
    names = list(ACTIONS)
    # Standing still is one of thirty names, and would hardly be learnt: it gets twice the share.
    chances = np.array(
        [2.0 if n == "still" else 1.5 if n in ("wave", "talk", "smile") else 1.0 for n in names]
    )
    speed = str(rng.choice(list(SPEEDS), p=[0.2, 0.6, 0.2]))
    amplitude = float(rng.uniform(0.8, 1.2))
    first = str(rng.choice(names, p=chances / chances.sum()))
    if rng.random() >= sequence_share or first == "still":
        return (Action(first, speed, amplitude),)
    others = [n for n in names if n not in (first, "still") and not _undoes(first, n)]
    second = str(rng.choice(others))
    switch = float(rng.uniform(0.42, 0.58))
    return (
        Action(first, speed, amplitude, 0.0, switch),
        Action(second, str(rng.choice(["normal", "fast"])), float(rng.uniform(0.8, 1.2)), switch, 1.0),
    )


def _undoes(first: str, second: str) -> bool:
    """Pairs that only take each other back, which no one would ask for in words."""
    return {first, second} in ({"zoom in", "zoom out"}, {"pan left", "pan right"}, {"wave", "raise hand"})


def _clash(a: str, b: str) -> bool:
    return any(ACTIONS[a].group in c and ACTIONS[b].group in c for c in _CLASHES)


def movement(actions: Sequence[Action], frames: int) -> Movement:
    """The movement (T = frames) of these actions; a held pose gives way when a later one needs its place."""
    t = np.linspace(0, 1, frames, dtype=np.float32) if frames > 1 else np.zeros(1, np.float32)
    total = _rest(frames)
    for index, action in enumerate(actions):
        u = np.clip((t - action.start) / max(action.end - action.start, 1e-6), 0, 1)
        own = _rest(frames)
        ACTIONS[action.name].move(own, u, action.amplitude, SPEEDS[action.speed])
        for later in actions[index + 1 :]:
            if _clash(action.name, later.name):
                _fade(own, 1 - ease((t - later.start) / (0.45 * max(later.end - later.start, 1e-6))))
        _merge(total, own)
    return total


_ADDED = ("yaw", "pitch", "roll", "gaze_x", "gaze_y", "lean", "shrug", "bob", "sway", "wave", "pan")


def _rest(frames: int) -> Movement:
    zero: dict[str, Curve] = {name: np.zeros(frames, np.float32) for name in (*_ADDED, "hand")}
    return Movement(zoom=np.ones(frames, np.float32), expression=np.ones(frames, np.float32), face={}, **zero)


def _fade(own: Movement, weight: Curve) -> None:
    for name in (*_ADDED, "hand"):
        setattr(own, name, getattr(own, name) * weight)
    own.zoom = 1 + (own.zoom - 1) * weight
    own.face = {name: curve * weight for name, curve in own.face.items()}


def _merge(total: Movement, own: Movement) -> None:
    for name in _ADDED:
        setattr(total, name, getattr(total, name) + getattr(own, name))
    total.hand = np.maximum(total.hand, own.hand)
    total.zoom = total.zoom * own.zoom
    total.expression = total.expression * own.expression
    _add(total, own.face)
