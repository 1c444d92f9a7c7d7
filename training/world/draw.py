"""Draws people with OpenGL, without a screen (EGL): pictures and clips with their ground truth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
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
from training.world.hair import locks_of
from training.world.lights import LIGHT_SETUPS
from training.world.people import BEARDS, HAIR_STYLES, Person, identity_of
from training.world.posing import Staging, look_at, project, stage

_SHADERS = Path(__file__).parent / "shaders"
_PARTS = ("SKIN", "EYE", "MOUTH", "TEETH", "LASHES", "CLOTH", "HAIR", "BEARD")
_SHADOW_SIZE = 512
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
    """A shader's text with its definitions, and for fragments the shared functions before it."""
    defines = [f"#define {part} {i}" for i, part in enumerate(_PARTS)]
    defines += [f"#define G_{g} {sc.CLOTHES.index(n)}" for n, g in _GARMENTS.items()]
    text = (_SHADERS / name).read_text(encoding="utf-8").removeprefix("#version 330\n")
    shared = []
    if name.endswith(".frag"):
        shared.append((_SHADERS / "common.glsl").read_text(encoding="utf-8"))
        if not name.startswith("place"):
            shared.append((_SHADERS / "lighting.glsl").read_text(encoding="utf-8"))
    return "\n".join(["#version 330", *defines, *shared, text])


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
        headless: Any = {"backend": "egl"}
        self._context: Any = moderngl.create_context(standalone=True, **headless)
        self._person: Any = self._context.program(_source("person.vert"), _source("person.frag"))
        self._place: Any = self._context.program(_source("place.vert"), _source("place.frag"))
        self._locks: Any = self._context.program(_source("hair.vert"), _source("hair.frag"))
        self._frame: Any = self._context.program(_source("hair.vert"), _source("glasses.frag"))
        self._make_targets()
        self._make_buffers()
        self._worn: dict[str, Any] = {}
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
        self._dress(person, shape)
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

        self._shadow = context.depth_texture((_SHADOW_SIZE, _SHADOW_SIZE))
        self._shadow.compare_func = "<="
        self._shadow.repeat_x = self._shadow.repeat_y = False
        self._shadow_target = context.framebuffer(depth_attachment=self._shadow)

    def _make_buffers(self) -> None:
        context, body = self._context, self.body
        masks = np.stack(
            [*(body.masks[m] for m in ("lips", "ears", "occlusion")), arm_coordinate(body)], axis=1
        )
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
        self._backdrop = context.vertex_array(
            self._place, [(context.buffer(corners.tobytes()), "2f", "corner")]
        )

    def _set(self, program: Any, **values: Any) -> None:
        for name, value in values.items():
            if name in program:  # the compiler drops what a shader does not use
                program[name].value = value if np.isscalar(value) else tuple(float(v) for v in value)

    def _set_scene(self, person: Person, scene: sc.Scene) -> None:
        light = LIGHT_SETUPS[scene.light]
        body = self.body
        direction = np.array(light.direction) / np.linalg.norm(light.direction)
        lit = dict(key_dir=direction, key=light.key, fill=light.fill, rim=light.rim, ambient=light.ambient)
        for program in (self._person, self._locks, self._frame):
            self._set(program, **lit, hair=person.hair, seed=person.seed, shadow_map=0)
        self._set(self._frame, frame=_FRAME_COLOURS[person.index % len(_FRAME_COLOURS)])
        self._set(
            self._person, skin=person.skin, iris=person.eyes, cloth=sc.COLOURS[scene.colour],
            cloth2=sc.COLOURS[scene.second_colour], style=HAIR_STYLES.index(person.hair_style),
            hairline=person.hairline, cloth_seed=scene.place_seed, brow=person.brows,
            beard=BEARDS.index(person.beard), garment=sc.CLOTHES.index(scene.clothing),
            pattern=_PATTERNS.index(scene.pattern), female=float(person.gender == "woman"),
            lipstick=person.lipstick, freckles=person.freckles,
            wrinkles=float(np.clip((person.age - 34) / 40, 0, 1)),
            iris_left=body.canonical_heads[body.bones["eye.L"]],
            iris_right=body.canonical_heads[body.bones["eye.R"]],
        )  # fmt: skip
        self._set(
            self._place, place=sc.PLACES.index(scene.place), seed=scene.place_seed,
            backdrop=sc.STUDIO_COLOURS[scene.studio_colour], tint=light.tint,
        )  # fmt: skip
        self._cloth_thickness = _CLOTH_THICKNESS[scene.clothing]
        self._sun = sun_matrix(direction)

    def _dress(self, person: Person, shape: Shape) -> None:
        """Put hair and glasses on: their vertices change with the person alone."""
        if self._dressed == person:
            return
        for thing in self._worn.values():
            thing.release()
        self._worn = {}
        moved = shape.vertices - self.body.canonical
        for program, locks in (
            (self._locks, locks_of(self.body, person.hair_style)),
            (self._frame, glasses_of(self.body, person.glasses)),
        ):
            if locks is None:
                continue
            rows = [locks.carried(moved), locks.normals, locks.tangents, locks.data, locks.head[:, None]]
            buffer = self._context.buffer(np.concatenate(rows, axis=1).astype("f4").tobytes())
            index = self._context.buffer(locks.faces.astype("i4").tobytes())
            names = [n if n in program else None for n in ("position", "normal", "tangent", "data", "head")]
            layout = [f"{w}f" if n else f"{w * 4}x" for n, w in zip(names, (3, 3, 3, 3, 1), strict=True)]
            used = [n for n in names if n]
            name = "locks" if program is self._locks else "frame"
            self._worn[name] = self._context.vertex_array(program, [(buffer, " ".join(layout), *used)], index)
            self._worn[f"{name} buffer"], self._worn[f"{name} index"] = buffer, index
        self._dressed = person

    def _draw(self, person: Person, mesh: Floats, staging: Staging, t: int) -> None:
        gl, context = self._gl, self._context
        self._moving.write(np.ascontiguousarray(mesh))
        rows = staging.transforms[t]
        self._person["bones"].write(padded_bones(rows))
        head, trunk = (np.ascontiguousarray(rows[self.body.bones[b] + 1]) for b in ("head", "spine01"))
        for program in (self._person, self._locks, self._frame):
            self._set(program, eye=staging.eyes[t])
            if "sun" in program:
                program["sun"].write(self._sun)
        for program in (self._locks, self._frame):
            program["head_rows"].write(head)
            program["trunk_rows"].write(trunk)
        context.enable(gl.DEPTH_TEST)
        self._shadow_target.use()
        self._shadow_target.clear(depth=1.0)
        self._draw_person(person, self._sun, depth_only=True)
        self._canvas.use()
        self._canvas.clear(0, 0, 0, 0)
        self._shadow.use(0)
        self._draw_person(person, np.ascontiguousarray(staging.cameras[t].T), depth_only=False)
        self._set(self._place, view=staging.view[t])
        self._backdrop.render()  # last, at the far end: only where no one stands

    def _draw_person(self, person: Person, camera: Any, depth_only: bool) -> None:
        for program in (self._person, self._locks, self._frame):
            program["camera"].write(camera)
            self._set(program, depth_only=int(depth_only))
        # What covers comes first: skin under cloth and hair then costs nothing.
        if not depth_only:
            self._part("CLOTH", self._cloth_thickness)
        if "locks" in self._worn:
            self._worn["locks"].render()
        fur = _FUR.get(person.hair_style, 0.0)
        if fur and not (depth_only and "locks" in self._worn):
            self._part("HAIR", fur, 14 if person.hair_style == "afro" else 3)
        self._part("SKIN")
        if depth_only:
            return
        for name in ("EYE", "MOUTH", "TEETH", "LASHES"):
            self._part(name)
        if _BEARD_DEPTH[person.beard]:
            self._part("BEARD", _BEARD_DEPTH[person.beard], 8)
        if "frame" in self._worn:
            self._worn["frame"].render()

    def _part(self, name: str, thickness: float = 0.0, layers: int = 1) -> None:
        self._set(self._person, part=_PARTS.index(name), thickness=thickness, layers=layers)
        self._parts[name].render(instances=layers)

    def _read(self) -> NDArray[np.uint8]:
        self._context.copy_framebuffer(self._target, self._canvas)
        raw = np.frombuffer(self._target.read(components=4), np.uint8)
        return raw.reshape(self.size, self.size, 4)[::-1]


def sun_matrix(direction: Floats) -> bytes:
    """The orthographic camera of the key light, column-major float32 bytes for OpenGL."""
    centre = np.array([0, -0.05, 0.72])
    view = look_at((centre + 2 * direction)[None].astype(np.float32), centre[None].astype(np.float32))[0]
    near, far = 0.8, 3.2
    scale = np.diag([1 / _LIT_RADIUS, 1 / _LIT_RADIUS, -2 / (far - near), 1]).astype(np.float32)
    scale[2, 3] = -(far + near) / (far - near)
    return np.ascontiguousarray((scale @ view).T, dtype="f4").tobytes()


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
        "BEARD": faces[(centre[:, 2] < 0.87) & (centre[:, 2] > 0.735) & (centre[:, 1] < -0.035)],
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
