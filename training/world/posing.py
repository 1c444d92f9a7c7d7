"""From a scene and a movement to joint rotations, facial weights and cameras: the stage direction.

All matrices are (T, ...) for the T moments of a clip. Angles follow `actions.Movement`: positive yaw
turns to the person's own left (+x, the viewer's right).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.world.actions import Movement, both
from training.world.body import Body, Floats, Shape
from training.world.scenes import Scene

FIELD_OF_VIEW = 0.40  # radians, vertical: a portrait lens
# Visible height in metres at the subject for each framing.
VISIBLE_HEIGHT = {"close-up": 0.40, "portrait": 0.56, "half body": 0.80}
_LARGEST_VIEW = 1.12  # below, the cut of the bust would show
_VIEW_YAW = {"front": 0.0, "left": 0.42, "right": -0.42}
_GAZE = {
    "camera": (0.0, 0.0),
    "left": (1.0, 0.0),
    "right": (-1.0, 0.0),
    "up": (0.0, 1.0),
    "down": (0.0, -1.0),
}
_NECK_SHARE = {"neck01": 0.2, "neck02": 0.2, "neck03": 0.25, "head": 0.35}

EXPRESSION_WEIGHTS: dict[str, dict[str, float]] = {
    # Quite without a smile the model's average mouth looks sad.
    "neutral": {"mouthSmileLeft": 0.12, "mouthSmileRight": 0.12},
    "smiling": {
        "mouthSmileLeft": 0.75, "mouthSmileRight": 0.75, "cheekSquintLeft": 0.45, "cheekSquintRight": 0.45,
        "mouthUpperUpLeft": 0.35, "mouthUpperUpRight": 0.35, "mouthLowerDownLeft": 0.15,
        "mouthLowerDownRight": 0.15, "jawOpen": 0.09,
    },
    "laughing": {
        "mouthSmileLeft": 0.95, "mouthSmileRight": 0.95, "cheekSquintLeft": 0.75, "cheekSquintRight": 0.75,
        "mouthUpperUpLeft": 0.5, "mouthUpperUpRight": 0.5, "jawOpen": 0.40, "eyeSquintLeft": 0.55,
        "eyeSquintRight": 0.55,
    },
    "surprised": {
        "jawOpen": 0.52, "browInnerUp": 0.9, "browOuterUpLeft": 0.8, "browOuterUpRight": 0.8,
        "eyeWideLeft": 0.75, "eyeWideRight": 0.75, "mouthFunnel": 0.2,
    },
    "frowning": {
        "browDownLeft": 0.95, "browDownRight": 0.95, "mouthFrownLeft": 0.75, "mouthFrownRight": 0.75,
        "eyeSquintLeft": 0.35, "eyeSquintRight": 0.35, "noseSneerLeft": 0.2, "noseSneerRight": 0.2,
    },
    "sad": {
        "browInnerUp": 0.95, "mouthFrownLeft": 0.7, "mouthFrownRight": 0.7, "mouthShrugLower": 0.35,
        "eyeBlinkLeft": 0.18, "eyeBlinkRight": 0.18,
    },
}  # fmt: skip


@dataclass(frozen=True)
class Staging:
    """A clip's pose: bone transforms (T, B + 1, 3, 4), facial weights (T,) by name, cameras (T, 4, 4).

    `eyes` (T, 3) are the cameras' places and `view` (T, 3) the place's shift (x, y) and scale.
    """

    transforms: Floats
    face: dict[str, Floats]
    cameras: Floats
    eyes: Floats
    view: Floats


def rotation(axis: int, angle: Floats) -> Floats:
    """Rotations (T, 3, 3) about x (0), y (1) or z (2) by angles (T,), right-handed."""
    angle = np.asarray(angle, np.float32)
    cosine, sine = np.cos(angle), np.sin(angle)
    out = np.zeros((len(angle), 3, 3), np.float32)
    i, j = (axis + 1) % 3, (axis + 2) % 3
    out[:, axis, axis] = 1
    out[:, i, i] = out[:, j, j] = cosine
    out[:, j, i], out[:, i, j] = sine, -sine
    return out


def _unit(v: Floats) -> Floats:
    unit: Floats = (v / (np.linalg.norm(v, axis=-1, keepdims=True) + 1e-9)).astype(np.float32)
    return unit


def frame_rotation(forward: Floats, side: Floats, new_forward: Floats, new_side: Floats) -> Floats:
    """Rotations (T, 3, 3) that carry direction `forward` to `new_forward`, `side` as near as can be."""

    def basis(f: Floats, s: Floats) -> Floats:
        f = _unit(f)
        s = _unit(s - f * np.sum(f * s, axis=-1, keepdims=True))
        return np.stack([f, s, np.cross(f, s)], axis=-1)

    old, new = basis(forward, side), basis(new_forward, new_side)
    out: Floats = new @ np.swapaxes(old, -1, -2)
    return out


def face_weights(scene: Scene, movement: Movement) -> dict[str, Floats]:
    """Facial action weights (T,): the scene's expression, gaze lids, and the movement's own face."""
    weights = {n: w * movement.expression for n, w in EXPRESSION_WEIGHTS[scene.expression].items()}
    for name, curve in movement.face.items():
        weights[name] = np.maximum(weights.get(name, np.zeros_like(curve)), curve)
    down = np.clip(-(movement.gaze_y + _GAZE[scene.gaze][1]), 0, 1)
    if down.any():
        for name, curve in both("eyeBlink", 0.28 * down).items():
            weights[name] = np.maximum(weights.get(name, np.zeros_like(curve)), curve)
    if "eyeBlinkLeft" in weights:  # a closing eye is not wide open nor squinting besides
        open_ = 1 - weights["eyeBlinkLeft"]
        for name in ("eyeWideLeft", "eyeWideRight", "eyeSquintLeft", "eyeSquintRight"):
            if name in weights:
                weights[name] = weights[name] * open_
    return {n: np.clip(w, 0, 1).astype(np.float32) for n, w in weights.items()}


@dataclass(frozen=True)
class _Arm:
    """One arm of a body, `side` 'L' or 'R' from the person's own side."""

    body: Body
    shape: Shape
    side: str

    @property
    def sign(self) -> float:
        """+1 on the person's left, where x is positive."""
        return 1.0 if self.side == "L" else -1.0

    def at(self, bone: str) -> Floats:
        """Where a bone of this arm begins (3,)."""
        head: Floats = self.shape.heads[self.body.bones[f"{bone}.{self.side}"]]
        return head

    def rotations(self, hand: Floats, swing: Floats, span: float) -> dict[str, Floats]:
        """Joint rotations: hanging for `hand` 0, raised beside the face for 1; `swing` waves the forearm."""
        sign, head = self.sign, self.shape.heads[self.body.bones["head"]]
        shoulder, elbow, wrist = self.at("upperarm01"), self.at("lowerarm01"), self.at("wrist")
        length = np.linalg.norm(elbow - shoulder) + np.linalg.norm(wrist - elbow)
        hanging = shoulder + np.array([sign * 0.075, -0.03, -1], np.float32) * length * 0.985
        # The narrower the picture, the nearer to the face, so that the hand is seen.
        aside = min(0.27, max(0.165, 0.295 * span))
        raised = np.array([head[0] + sign * aside, -0.24, head[2] - 0.13], np.float32)
        h = hand[:, None]
        middle = np.array([sign * 0.30, -0.34, (hanging[2] + raised[2]) / 2], np.float32)
        target = hanging * (1 - h) ** 2 + 2 * h * (1 - h) * middle + raised * h**2
        target = target + np.stack([swing * 0.06, 0 * swing, -0.02 * np.abs(swing)], axis=1) * h
        pole = np.array([0.0, 1, 0]) * (1 - h) + np.array([sign * 0.75, 0.35, -0.6]) * h
        upper, lower = self._reach(target, pole)
        return self._oriented(upper, lower, hand, swing)

    def _reach(self, target: Floats, pole: Floats) -> tuple[Floats, Floats]:
        """Directions (T, 3) of upper arm and forearm so that the wrist meets `target` (T, 3)."""
        shoulder, elbow, wrist = self.at("upperarm01"), self.at("lowerarm01"), self.at("wrist")
        a, b = float(np.linalg.norm(elbow - shoulder)), float(np.linalg.norm(wrist - elbow))
        reach = target - shoulder
        length = np.clip(np.linalg.norm(reach, axis=1), abs(a - b) * 1.05, (a + b) * 0.999)
        axis = _unit(reach)
        along = (a * a - b * b + length**2) / (2 * length)  # the law of cosines
        aside = np.sqrt(np.maximum(a * a - along**2, 0))
        bend = _unit(pole - axis * np.sum(pole * axis, axis=1, keepdims=True))
        joint = shoulder + axis * along[:, None] + bend * aside[:, None]
        end = shoulder + axis * length[:, None]
        return _unit(joint - shoulder), _unit(end - joint)

    def _oriented(self, upper: Floats, lower: Floats, hand: Floats, swing: Floats) -> dict[str, Floats]:
        """Rotations relative to the parents that give the bones these directions and show the palm."""
        sign, frames, h = self.sign, len(hand), hand[:, None]

        def between(a: str, b: str) -> Floats:
            return np.repeat((self.at(b) - self.at(a))[None], frames, 0)

        spread = between("finger5-1", "finger2-1")
        hinge = np.repeat(np.array([[0.0, -1.0, 0.0]], np.float32), frames, 0)
        elbow_side = hinge * (1 - h) + h * np.array([0, -0.6, 0.8])
        first = frame_rotation(between("upperarm01", "lowerarm01"), hinge, upper, elbow_side)
        # Thumbs forward when hanging; palm to the viewer, thumb towards the head, when raised.
        thumb = np.array([0.0, -1, 0]) * (1 - h) + np.array([-sign, 0.0, 0.0]) * h
        second = frame_rotation(between("lowerarm01", "wrist"), spread, lower, thumb)
        up = np.stack([np.sin(swing) + sign * 0.05, 0 * swing - 0.12, np.cos(swing)], axis=1)
        third = frame_rotation(between("wrist", "finger3-1"), spread, lower * (1 - h) + up * h, thumb)
        return {
            f"upperarm01.{self.side}": first,
            f"lowerarm01.{self.side}": np.swapaxes(first, 1, 2) @ second,
            f"wrist.{self.side}": np.swapaxes(second, 1, 2) @ third,
        }


def directions(scene: Scene, m: Movement) -> dict[str, Floats]:
    """Where head and eyes are turned, the scene's own pose included, by the names of `Movement`."""
    gaze = _GAZE[scene.gaze]
    side, height = m.gaze_x + gaze[0], m.gaze_y + gaze[1]
    if gaze == (0.0, 0.0):  # keep looking at the viewer while the head wanders a little
        side = side - np.clip(scene.yaw, -0.1, 0.1) / 0.42
    return {
        "yaw": m.yaw + _VIEW_YAW[scene.view] + scene.yaw,
        "pitch": m.pitch + scene.pitch,
        "roll": m.roll + scene.roll,
        "gaze_x": np.clip(side, -1.2, 1.2),
        "gaze_y": np.clip(height, -1.2, 1.2),
    }


def _joints(body: Body, shape: Shape, scene: Scene, m: Movement, span: float) -> dict[str, Floats]:
    towards = directions(scene, m)
    yaw, pitch, roll = towards["yaw"], towards["pitch"], towards["roll"]
    turns: dict[str, Floats] = {}
    for bone, share in _NECK_SHARE.items():
        turns[bone] = rotation(2, yaw * share) @ rotation(0, pitch * share) @ rotation(1, roll * share)
    if m.lean.any():
        turns["spine03"] = rotation(0, m.lean * 0.5)
        turns["spine02"] = rotation(0, m.lean * 0.5)
        turns["neck01"] = turns["neck01"] @ rotation(0, -0.55 * m.lean)
    # Shoulders drop when arms hang; the model stands with its arms half raised.
    lift = 0.30 * m.shrug - 0.16
    turns["clavicle.L"], turns["clavicle.R"] = rotation(1, -lift), rotation(1, lift)
    look = rotation(2, 0.42 * towards["gaze_x"]) @ rotation(0, -0.30 * towards["gaze_y"])
    turns["eye.L"] = turns["eye.R"] = look
    still = np.zeros_like(m.hand)
    turns |= _Arm(body, shape, "L").rotations(still, still, span)
    turns |= _Arm(body, shape, "R").rotations(m.hand, m.wave, span)
    return turns


def _projection(aspect_free: float = FIELD_OF_VIEW, near: float = 0.1, far: float = 8.0) -> Floats:
    t = 1 / np.tan(aspect_free / 2)
    rows = [
        [t, 0, 0, 0],
        [0, t, 0, 0],
        [0, 0, (far + near) / (near - far), 2 * far * near / (near - far)],
        [0, 0, -1, 0],
    ]
    return np.array(rows, np.float32)


def look_at(eyes: Floats, centres: Floats) -> Floats:
    """View matrices (T, 4, 4) from eyes (T, 3) to centres (T, 3), z up."""
    back = _unit(eyes - centres)
    right = _unit(np.cross(np.array([0, 0, 1], np.float32), back))
    up = np.cross(back, right)
    turn = np.stack([right, up, back], axis=1)
    out = np.zeros((len(eyes), 4, 4), np.float32)
    out[:, :3, :3] = turn
    out[:, :3, 3] = -np.einsum("tij,tj->ti", turn, eyes)
    out[:, 3, 3] = 1
    return out


def _camera(body: Body, shape: Shape, scene: Scene, m: Movement) -> tuple[Floats, Floats, Floats]:
    head = shape.heads[body.bones["head"]]
    height = np.minimum(VISIBLE_HEIGHT[scene.framing] * scene.distance * m.zoom, _LARGEST_VIEW)
    distance = height / (2 * np.tan(FIELD_OF_VIEW / 2))
    # The crown stays an eighth below the upper edge until the face fills the picture.
    z = np.minimum(head[2] + 0.165 - 0.375 * height, head[2] + 0.018)
    centre = np.stack([0 * z + scene.offset[0] + m.pan, 0 * z + head[1], z + scene.offset[1]], axis=1)
    around = scene.camera_yaw
    away = np.array([np.sin(around), -np.cos(around), scene.camera_height], np.float32)
    eyes = (centre + distance[:, None] * away).astype(np.float32)
    cameras = _projection() @ look_at(eyes, centre.astype(np.float32))
    scale = (VISIBLE_HEIGHT[scene.framing] / height) ** 0.5
    shift = np.stack(
        [0.8 * (scene.offset[0] + m.pan) - 0.35 * around, 0.8 * scene.offset[1] + 0 * z, scale], axis=1
    )
    return cameras.astype(np.float32), eyes, shift.astype(np.float32)


def stage(body: Body, shape: Shape, scene: Scene, m: Movement) -> Staging:
    """The pose of a body for a scene and a movement of T moments."""
    frames = len(m.yaw)
    cameras, eyes, view = _camera(body, shape, scene, m)
    span = VISIBLE_HEIGHT[scene.framing] * scene.distance
    root = np.stack([m.sway, 0 * m.sway, m.bob], axis=1).astype(np.float32)
    transforms = body.pose(shape.heads, _joints(body, shape, scene, m, span), frames, root)
    return Staging(transforms, face_weights(scene, m), cameras, eyes, view)


def project(points: Floats, cameras: Floats, size: int) -> Floats:
    """Pixel positions (T, N, 2), origin at the top left, of points (T, N, 3)."""
    homogeneous = np.concatenate([points, np.ones_like(points[..., :1])], axis=-1)
    clip = np.einsum("tij,tnj->tni", cameras, homogeneous)
    ndc = clip[..., :2] / clip[..., 3:]
    pixels: NDArray[np.float32] = ((ndc * np.array([0.5, -0.5]) + 0.5) * size).astype(np.float32)
    return pixels
