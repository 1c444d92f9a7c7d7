"""Draws people with OpenGL, without a screen (EGL): pictures and clips with their ground truth."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.world import landmarks as lm
from training.world import scenes as sc
from training.world.actions import Action, as_actions, movement
from training.world.body import DEFAULT_BUST, Body, Floats, Shape
from training.world.glasses import glasses_of
from training.world.hair import hair_edge, locks_of
from training.world.lights import LIGHT_SETUPS
from training.world.passes import Passes
from training.world.people import BEARDS, HAIR_STYLES, Person, identity_of
from training.world.posing import Staging, look_at, project, stage

_LIT_RADIUS = 0.52  # metres round the chest that the shadow map covers
# Depth of fur in metres (shells): under the locks of most styles there is a thin one.
_FUR = {"short": 0.007, "side parted": 0.007, "curly": 0.012, "afro": 0.055, "bob": 0.006,
        "long straight": 0.006, "long wavy": 0.008, "ponytail": 0.004, "bun": 0.004}  # fmt: skip
_BEARD_DEPTH = {"none": 0.0, "stubble": 0.0, "moustache": 0.006, "goatee": 0.009, "full beard": 0.011}
_FRAME_COLOURS = ((0.012, 0.011, 0.011), (0.10, 0.035, 0.015), (0.16, 0.15, 0.15), (0.02, 0.03, 0.07))
_GARMENTS = {
    "t-shirt": "TSHIRT", "sweater": "SWEATER", "v-neck sweater": "VNECK", "turtleneck": "TURTLENECK",
    "suit": "SUIT", "tank top": "TANK", "shirt": "SHIRT", "hoodie": "HOODIE", "leather jacket": "JACKET",
    "dress": "DRESS",
}  # fmt: skip
_CLOTH_THICKNESS = {
    "t-shirt": 0.007, "sweater": 0.011, "v-neck sweater": 0.010, "turtleneck": 0.009, "suit": 0.014,
    "tank top": 0.005, "shirt": 0.009, "hoodie": 0.015, "leather jacket": 0.015, "dress": 0.005,
}  # fmt: skip
_PATTERNS = ("plain", "striped", "checked", "dotted")
_AFRO_LAYERS, _FUR_LAYERS, _BEARD_LAYERS = 14, 3, 8
# The function of place.comp that paints each place.
_PLACES = {
    "studio": "studio", "beach": "beach", "forest": "forest", "city": "city", "office": "office",
    "night city": "night_city", "snowy mountains": "mountains", "desert": "desert",
    "living room": "living_room", "flower garden": "garden", "library": "library", "kitchen": "kitchen",
    "brick wall": "bricks", "stage": "stage",
}  # fmt: skip
SHARED_SHAPES = 48  # people whose shapes are kept


@dataclass(frozen=True)
class Footage:
    """A clip and its ground truth.

    `frames` (T, H, W, 3) uint8 sRGB, `matte` (T, H, W) uint8 (255 = person), `landmarks` (T, 106, 2) and
    `five` (T, 5, 2) in pixels (x right, y down; viewer's left eye first), `box` (T, 4) the face as
    x0, y0, x1, y1 in pixels.
    """

    frames: NDArray[np.uint8]
    matte: NDArray[np.uint8]
    landmarks: Floats
    five: Floats
    box: Floats


Picture = Footage  # a still is footage of one frame (T = 1)


@lru_cache(maxsize=2)
def shared_body(path: Path) -> Body:
    """The body of a bust file, loaded once per process."""
    return Body(path)


class Renderer:
    """Draws persons in scenes at `size` x `size` pixels with 4x multisampling.

    `device_index` picks among the EGL devices of the machine (None, or no such device: the default one).
    Holds an OpenGL context of its own: use it from the thread that made it. Raises `BustMissing` when
    the exported body is not there.
    """

    def __init__(
        self, size: int = 256, bust: Path | str = DEFAULT_BUST, device_index: int | None = None
    ) -> None:
        self.size = size
        self.body = shared_body(Path(bust))
        self._landmarks = lm.landmark_vertices(self.body)
        self._shapes: dict[int, Shape] = {}
        self._context = open_context(device_index)
        body = self.body
        masks = [*(body.masks[m] for m in ("lips", "ears", "occlusion")), arm_coordinate(body)]
        owners, weights = body.influences
        padded = np.concatenate([body.canonical, np.zeros_like(body.canonical[:, :1])], axis=1)
        self._passes = Passes(
            self._context, size, np.concatenate([padded, np.stack(masks, axis=1), owners, weights], axis=1),
            part_faces(body), body.action_rows(),
            {f"G_{g}": sc.CLOTHES.index(n) for n, g in _GARMENTS.items()},
            {
                "head_bone": 3 * (body.bones["head"] + 1), "trunk_bone": 3 * (body.bones["spine01"] + 1),
                "iris_left": body.canonical_heads[body.bones["eye.L"]],
                "iris_right": body.canonical_heads[body.bones["eye.R"]],
            },
        )  # fmt: skip
        self._dressed: Person | None = None

    @property
    def device(self) -> str:
        """What draws, in OpenGL's words."""
        return str(self._context.info["GL_RENDERER"])

    def release(self) -> None:
        """Give the OpenGL context back."""
        self._context.release()

    def still(self, person: Person, scene: sc.Scene) -> Picture:
        """One picture of a person in a scene."""
        return self.clip(person, scene, ("still",), frames=1)

    def stills(self, person: Person, scenes: Sequence[sc.Scene]) -> Footage:
        """Pictures of a person in several scenes, T of them; faster than one after the other."""
        shape = self._shape(person)
        self._passes.reserve(len(scenes))
        rest = movement(as_actions(("still",)), 1)
        stagings = [stage(self.body, shape, scene, rest) for scene in scenes]
        for at, (scene, staging) in enumerate(zip(scenes, stagings, strict=True)):
            self._draw(person, shape, scene, staging, at)
        pictures = self._passes.read(len(scenes))
        parts = [self._with_truth(pictures[k : k + 1], shape, s) for k, s in enumerate(stagings)]
        return Footage(*(np.concatenate([getattr(p, f.name) for p in parts]) for f in fields(Footage)))

    def clip(
        self, person: Person, scene: sc.Scene, actions: Sequence[Action | str], frames: int = 17
    ) -> Footage:
        """A clip of `frames` frames; the first shows the scene at rest.

        Raises ValueError for an unknown action.
        """
        shape = self._shape(person)
        staging = stage(self.body, shape, scene, movement(as_actions(actions), frames))
        self._passes.reserve(frames)
        self._draw(person, shape, scene, staging, 0)
        return self._with_truth(self._passes.read(frames), shape, staging)

    def _draw(self, person: Person, shape: Shape, scene: sc.Scene, staging: Staging, at: int) -> None:
        """Have the staged moments drawn as the pictures `at` and the following."""
        self._dress(person, shape)
        self._set_scene(scene)
        rows, frames = frame_rows(staging), len(staging.cameras)
        names = [n for n, w in staging.face.items() if np.any(w)]
        chosen = np.array([self.body.actions[n] for n in names], np.int32)
        weights = np.stack([np.zeros(frames), *(staging.face[n] for n in names)], axis=1)[:, 1:]
        layers = {"HAIR": 0, "BEARD": _BEARD_LAYERS if _BEARD_DEPTH[person.beard] else 0}
        if person.hair_style in _FUR:
            layers["HAIR"] = _AFRO_LAYERS if person.hair_style == "afro" else _FUR_LAYERS
        self._passes.set(fur_layers=layers["HAIR"], beard_layers=layers["BEARD"])
        fixed = bool((staging.view == staging.view[0]).all())  # the place stands still: painted once
        for start in range(0, frames, self._passes.tiles):
            part = slice(start, start + self._passes.tiles)
            views = staging.view[part][: 1 if fixed else None]
            if not (fixed and start):
                self._paint_place(scene, views)
            self._passes.draw(rows[part], weights[part], chosen, layers, len(views), at + start)

    def _with_truth(self, pictures: NDArray[np.uint8], shape: Shape, staging: Staging) -> Footage:
        vertices = self._landmarks
        mesh = self.body.expressed(shape, staging.face, len(pictures), vertices)
        world = self.body.skinned(mesh, staging.transforms, vertices)
        points = project(world, staging.cameras, self.size)
        return Footage(
            frames=np.ascontiguousarray(pictures[..., :3]),
            matte=np.ascontiguousarray(pictures[..., 3]),
            landmarks=points,
            five=lm.five_points(points),
            box=lm.face_box(points, self.size),
        )

    def _shape(self, person: Person) -> Shape:
        shape = self._shapes.get(person.index)
        if shape is None or identity_of(person.index) != person:
            shape = self.body.shape(person)
            if len(self._shapes) >= SHARED_SHAPES:
                self._shapes.pop(next(iter(self._shapes)))
            self._shapes[person.index] = shape
        return shape

    def _set_scene(self, scene: sc.Scene) -> None:
        light = LIGHT_SETUPS[scene.light]
        direction = np.array(light.direction) / np.linalg.norm(light.direction)
        self._passes.set(
            key_dir=direction, key=light.key, fill=light.fill, rim=light.rim, ambient=light.ambient,
            sun=sun_matrix(direction), cloth=sc.COLOURS[scene.colour], cloth2=sc.COLOURS[scene.second_colour],
            cloth_seed=scene.place_seed, cloth_thickness=_CLOTH_THICKNESS[scene.clothing],
            garment=sc.CLOTHES.index(scene.clothing), pattern=_PATTERNS.index(scene.pattern),
        )  # fmt: skip

    def _paint_place(self, scene: sc.Scene, views: Floats) -> None:
        values = {
            "seed": scene.place_seed,
            "backdrop": sc.STUDIO_COLOURS[scene.studio_colour],
            "tint": LIGHT_SETUPS[scene.light].tint,
        }
        self._passes.place(_PLACES[scene.place], views, values)

    def _dress(self, person: Person, shape: Shape) -> None:
        """Body, hair, glasses and paint of a person: they change with the person alone."""
        if self._dressed == person:
            return
        self._passes.rest(shape.vertices, shape.normals)
        moved = shape.vertices - self.body.canonical
        points, faces = [np.zeros((0, 16), np.float32)], []
        for locks in (locks_of(self.body, person.hair_style), glasses_of(self.body, person.glasses)):
            if locks is None:
                faces.append(np.zeros((0, 3), np.int64))
                continue
            rows = np.zeros((len(locks.points), 16), np.float32)
            rows[:, 0:3], rows[:, 4:7] = locks.carried(moved), locks.normals
            rows[:, 8:11], rows[:, 12:15], rows[:, 15] = locks.tangents, locks.data, locks.head
            faces.append(locks.faces + sum(len(p) for p in points))
            points.append(rows)
        self._passes.wear(np.concatenate(points), *faces)
        self._passes.set(
            hair=person.hair, seed=person.seed, skin=person.skin, iris=person.eyes, brow=person.brows,
            style=HAIR_STYLES.index(person.hair_style), hairline=person.hairline,
            beard=BEARDS.index(person.beard), female=float(person.gender == "woman"),
            lipstick=person.lipstick, freckles=person.freckles,
            wrinkles=float(np.clip((person.age - 34) / 40, 0, 1)),
            frame=_FRAME_COLOURS[person.index % len(_FRAME_COLOURS)],
            fur_depth=_FUR.get(person.hair_style, 0.0), beard_depth=_BEARD_DEPTH[person.beard],
        )  # fmt: skip
        self._dressed = person


def open_context(device_index: int | None) -> Any:
    """An OpenGL 4.3 context without a screen, on one of the EGL devices.

    The default device is taken for None, and where the machine has no device of that index.
    """
    import moderngl

    options: dict[str, Any] = {"standalone": True, "backend": "egl", "require": 430}
    if device_index is not None:
        # What fails differs by driver: a wrong index, or a device that does not draw.
        with contextlib.suppress(Exception):
            return moderngl.create_context(**{**options, "device_index": device_index})
    return moderngl.create_context(**options)


def frame_rows(staging: Staging) -> Floats:
    """What the shaders know of each frame (T, 636): camera, its inverse, eye, 150 rows of bones."""
    count = len(staging.cameras)
    rows = np.zeros((count, 636), np.float32)
    cameras = staging.cameras.astype(np.float64)
    rows[:, :16] = np.swapaxes(cameras, 1, 2).reshape(count, 16)
    rows[:, 16:32] = np.swapaxes(np.linalg.inv(cameras), 1, 2).reshape(count, 16)
    rows[:, 32:35] = staging.eyes
    bones = staging.transforms.reshape(count, -1)
    rows[:, 36 : 36 + bones.shape[1]] = bones
    return rows


def sun_matrix(direction: Floats) -> bytes:
    """The orthographic camera of the key light, column-major float32 bytes for OpenGL."""
    centre = np.array([0, -0.05, 0.72])
    view = look_at((centre + 2 * direction)[None].astype(np.float32), centre[None].astype(np.float32))[0]
    near, far = 0.8, 3.2
    scale = np.diag([1 / _LIT_RADIUS, 1 / _LIT_RADIUS, -2 / (far - near), 1]).astype(np.float32)
    scale[2, 3] = -(far + near) / (far - near)
    return np.ascontiguousarray((scale @ view).T, dtype="f4").tobytes()


def part_faces(body: Body) -> dict[str, NDArray[np.int64]]:
    """The triangles of everything that is drawn, by name."""
    outside = body.faces_of("body", "head", "hand")
    centre = body.canonical[body.faces_of("body", "head")].mean(1)
    faces = body.faces_of("body", "head")
    # Fur can only stand above the hairline (two centimetres of doubt) and not on the ears.
    furry = body.canonical[:, 2] > hair_edge(body.canonical[:, 1]) - 0.02
    cap = (centre[:, 2] > 0.80) & (centre[:, 1] > -0.16) & furry[faces].any(1)
    # Beards: below a line that rises towards the ears, and round the mouth (hairy.glsl, with some doubt).
    aside = np.abs(centre[:, 0])
    jaw = centre[:, 2] < 0.830 + 0.62 * np.maximum(aside - 0.022, 0)
    mouth = (aside < 0.046) & (centre[:, 2] < 0.850) & (centre[:, 1] < -0.07)
    low = np.minimum(centre[:, 2], centre[:, 2] + 0.2 * (centre[:, 1] + 0.09))
    bearded = (jaw | mouth) & (low > 0.738) & (centre[:, 1] < -0.038)
    return {
        "SKIN": outside,
        "EYE": body.faces_of("eye"),
        "MOUTH": body.faces_of("mouth", "cavity"),
        "TEETH": body.faces_of("teeth"),
        "LASHES": body.faces_of("lashes"),
        "CLOTH": faces[centre[:, 2] < 0.80],
        "HAIR": faces[cap],
        "BEARD": faces[bearded],
    }


def arm_coordinate(body: Body) -> Floats:
    """How far down an arm each vertex lies (V,): 0 at the shoulder, 1 at the elbow, 2 at the wrist."""
    out = np.zeros(body.count, np.float32)
    for side in "LR":
        names = [f"{b}.{side}" for b in ("upperarm01", "lowerarm01", "wrist")]
        joints = [body.canonical_heads[body.bones[n]] for n in names]
        on_arm = body.skin_weights[:, [body.bones[n] + 1 for n in names]].sum(1) > 0.35
        hand = body.skin_weights[:, body.bones[names[2]] + 1] > 0.5
        far = np.zeros(body.count, np.float32)
        for start, end in pairwise(joints):
            axis = end - start
            far += np.clip((body.canonical - start) @ axis / (axis @ axis), 0, 1)
        out = np.where(
            on_arm & (np.sign(body.canonical[:, 0]) == np.sign(joints[0][0])), np.maximum(far, out), out
        )
        out = np.where(hand & (np.sign(body.canonical[:, 0]) == np.sign(joints[0][0])), 2.5, out)
    hands = np.unique(body.faces_of("hand"))
    out[hands] = np.maximum(out[hands], 2.2)
    return out
