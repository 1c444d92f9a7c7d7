"""Draws people with OpenGL, without a screen (EGL): pictures and clips with their ground truth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.world import landmarks as lm
from training.world import scenes as sc
from training.world.actions import Action, as_actions, movement
from training.world.body import DEFAULT_BUST, Body, Floats, Shape
from training.world.lights import LIGHT_SETUPS
from training.world.people import BEARDS, HAIR_STYLES, Person, identity_of
from training.world.posing import Staging, project, stage

_SHADERS = Path(__file__).parent / "shaders"
_PARTS = ("SKIN", "EYE", "MOUTH", "TEETH", "LASHES", "CLOTH", "HAIR")
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


def _source(name: str) -> str:
    defines = [f"#define {part} {i}" for i, part in enumerate(_PARTS)]
    defines += [f"#define G_{g} {sc.CLOTHES.index(n)}" for n, g in _GARMENTS.items()]
    text = (_SHADERS / name).read_text(encoding="utf-8")
    if text.startswith("#version"):
        version, text = text.split("\n", 1)
    else:
        version, text = "#version 330", (_SHADERS / "common.glsl").read_text(encoding="utf-8") + text
    return "\n".join([version, *defines, text])


@lru_cache(maxsize=2)
def shared_body(path: Path) -> Body:
    """The body of a bust file, loaded once per process."""
    return Body(path)


class Renderer:
    """Draws persons in scenes at `size` x `size` pixels with 4x multisampling.

    Holds an OpenGL context of its own: use it from the thread that made it. Raises `BustMissing` when
    the exported body is not there.
    """

    def __init__(self, size: int = 256, bust: Path | str = DEFAULT_BUST) -> None:
        import moderngl

        self.size = size
        self.body = shared_body(Path(bust))
        self._landmarks = lm.landmark_vertices(self.body)
        self._shapes: dict[int, Shape] = {}
        self._gl = moderngl
        self._context: Any = moderngl.create_context(standalone=True, backend="egl")
        self._person = self._context.program(_source("person.vert"), _source("person.frag"))
        self._place = self._context.program(_source("place.vert"), _source("place.frag"))
        self._make_targets()
        self._make_buffers()

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

    def clip(
        self, person: Person, scene: sc.Scene, actions: Sequence[Action | str], frames: int = 17
    ) -> Footage:
        """A clip of `frames` frames; the first shows the scene at rest.

        Raises ValueError for an unknown action.
        """
        shape = self._shape(person)
        staging = stage(self.body, shape, scene, movement(as_actions(actions), frames))
        mesh = self.body.expressed(shape, staging.face, frames)
        pictures = np.empty((frames, self.size, self.size, 4), np.uint8)
        self._set_scene(person, scene)
        for t in range(frames):
            self._draw(person, mesh[t], staging, t)
            pictures[t] = self._read()
        return self._with_truth(pictures, mesh, staging)

    def _with_truth(self, pictures: NDArray[np.uint8], mesh: Floats, staging: Staging) -> Footage:
        vertices = self._landmarks
        world = self.body.skinned(mesh[:, vertices, :3], staging.transforms, vertices)
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

    def _make_targets(self) -> None:
        size = (self.size, self.size)
        context = self._context
        self._target = context.framebuffer([context.renderbuffer(size, 4)])
        self._canvas = context.framebuffer(
            [context.renderbuffer(size, 4, samples=4)], context.depth_renderbuffer(size, samples=4)
        )

    def _make_buffers(self) -> None:
        context, body = self._context, self.body
        masks = np.stack([*(body.masks[m] for m in ("lips", "ears", "eyelids")), arm_coordinate(body)], axis=1)
        owners, weights = body.influences
        static = np.concatenate([body.canonical, masks, owners, weights], axis=1).astype("f4")
        self._static = context.buffer(static.tobytes())
        self._moving = context.buffer(reserve=body.count * 24, dynamic=True)
        layout = [
            (self._moving, "3f 3f", "position", "normal"),
            (self._static, "3f 4f 4f 4f", "canonical", "mask", "bone", "weight"),
        ]
        self._parts = {}
        for name, faces in part_faces(body).items():
            index = context.buffer(np.ascontiguousarray(faces, dtype="i4").tobytes())
            self._parts[name] = context.vertex_array(self._person, layout, index_buffer=index)
        corners = np.array([-1, -1, 3, -1, -1, 3], "f4")
        self._backdrop = context.vertex_array(self._place, [(context.buffer(corners.tobytes()), "2f", "corner")])

    def _set(self, program: Any, **values: Any) -> None:
        for name, value in values.items():
            if name in program:  # the compiler drops what a shader does not use
                program[name].value = value if np.isscalar(value) else tuple(float(v) for v in value)

    def _set_scene(self, person: Person, scene: sc.Scene) -> None:
        light = LIGHT_SETUPS[scene.light]
        body = self.body
        direction = np.array(light.direction) / np.linalg.norm(light.direction)
        self._set(
            self._person, skin=person.skin, hair=person.hair, iris=person.eyes, cloth=sc.COLOURS[scene.colour],
            cloth2=sc.COLOURS[scene.second_colour], style=HAIR_STYLES.index(person.hair_style),
            hairline=person.hairline, seed=person.seed, cloth_seed=scene.place_seed, brow=person.brows,
            beard=BEARDS.index(person.beard), garment=sc.CLOTHES.index(scene.clothing),
            pattern=_PATTERNS.index(scene.pattern), key_dir=direction, key=light.key, fill=light.fill,
            rim=light.rim, ambient=light.ambient, female=float(person.gender == "woman"),
            lipstick=person.lipstick, freckles=person.freckles, wrinkles=max(0.0, (person.age - 35) / 45),
            iris_left=body.canonical_heads[body.bones["eye.L"]], iris_right=body.canonical_heads[body.bones["eye.R"]],
        )  # fmt: skip
        self._set(
            self._place, place=sc.PLACES.index(scene.place), seed=scene.place_seed,
            backdrop=sc.STUDIO_COLOURS[scene.studio_colour], tint=light.tint,
        )  # fmt: skip
        self._cloth_thickness = _CLOTH_THICKNESS[scene.clothing]

    def _draw(self, person: Person, mesh: Floats, staging: Staging, t: int) -> None:
        gl, context, program = self._gl, self._context, self._person
        self._canvas.use()
        self._canvas.clear(0, 0, 0, 0)
        context.disable(gl.DEPTH_TEST)
        self._set(self._place, view=staging.view[t])
        self._backdrop.render()
        context.enable(gl.DEPTH_TEST)
        self._moving.write(np.ascontiguousarray(mesh))
        program["bones"].write(padded_bones(staging.transforms[t]))
        program["camera"].write(np.ascontiguousarray(staging.cameras[t].T))
        self._set(program, eye=staging.eyes[t])
        for name in ("SKIN", "EYE", "MOUTH", "TEETH", "LASHES", "CLOTH"):
            self._set(program, part=_PARTS.index(name), thickness=self._cloth_thickness, layers=1)
            self._parts[name].render()
        self._draw_hair(person)

    def _draw_hair(self, person: Person) -> None:
        style = HAIR_STYLES.index(person.hair_style)
        if style < 2:
            return
        thickness = 0.010 if style in (2, 3) else 0.030 if style == 5 else 0.018
        self._set(self._person, part=_PARTS.index("HAIR"), thickness=thickness, layers=5)
        self._parts["HAIR"].render(instances=5)

    def _read(self) -> NDArray[np.uint8]:
        self._context.copy_framebuffer(self._target, self._canvas)
        raw = np.frombuffer(self._target.read(components=4), np.uint8)
        return raw.reshape(self.size, self.size, 4)[::-1]


def padded_bones(transforms: Floats) -> bytes:
    """Bone transforms (B + 1, 3, 4) as the 150 rows of four floats that the shader reads."""
    rows = np.zeros((150, 4), np.float32)
    flat = transforms.reshape(-1, 4)
    rows[: len(flat)] = flat
    return rows.tobytes()


def part_faces(body: Body) -> dict[str, NDArray[np.int64]]:
    """The triangles of everything that is drawn, by name."""
    outside = body.faces_of("body", "head", "hand")
    centre = body.canonical[body.faces_of("body", "head")].mean(1)
    faces = body.faces_of("body", "head")
    cap = (centre[:, 2] > 0.80) & (centre[:, 1] > -0.16)
    return {
        "SKIN": outside,
        "EYE": body.faces_of("eye"),
        "MOUTH": body.faces_of("mouth", "cavity"),
        "TEETH": body.faces_of("teeth"),
        "LASHES": body.faces_of("lashes"),
        "CLOTH": faces[centre[:, 2] < 0.80],
        "HAIR": faces[cap],
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
        for start, end in zip(joints, joints[1:], strict=False):
            axis = end - start
            far += np.clip((body.canonical - start) @ axis / (axis @ axis), 0, 1)
        out = np.where(on_arm & (np.sign(body.canonical[:, 0]) == np.sign(joints[0][0])), np.maximum(far, out), out)
        out = np.where(hand & (np.sign(body.canonical[:, 0]) == np.sign(joints[0][0])), 2.5, out)
    hands = np.unique(body.faces_of("hand"))
    out[hands] = np.maximum(out[hands], 2.2)
    return out
