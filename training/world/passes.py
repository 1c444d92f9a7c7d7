"""The passes of a picture on the graphics card: which triangle is seen where, then shading by compute.

A batch of frames lies as tiles in one square atlas, so that a clip needs a dozen draw calls and one
reading back. Rasterising writes numbers of triangles alone; what is seen is sorted by kind of surface and
shaded once for each pixel and surface by compute shaders: triangles here are as small as pixels, and
datacentre cards have few units for fragments.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.world.body import Floats, Ints

_SHADERS = Path(__file__).parent / "shaders"
BODY_PARTS = ("SKIN", "EYE", "MOUTH", "TEETH", "LASHES", "CLOTH", "HAIR", "BEARD")
PARTS = (*BODY_PARTS, "LOCKS", "GLASSES")
_KINDS = ("skin", "cloth", "locks", "fur", "details")  # the lists of classify.comp, in its order
_SHAPED = ("SKIN", "CLOTH", "HAIR", "BEARD", "LOCKS", "GLASSES")  # parts with shaders of their own
_SHADOW_SIZE = 512
_SHADOW_LAYERS = 5  # shells of fur in the shadow map
_GROUPS = 512  # workgroups of 64 that walk through a list
_DITHER = 0x0BD0
_CLIP_DISTANCES = range(0x3000, 0x3004)  # GL_CLIP_DISTANCE0 and the next
BINDINGS = {
    "frames": 0, "vertices": 1, "posed": 2, "worn": 3, "worn posed": 4, "rest": 5, "actions": 6, "weights": 7,
    "chosen": 8, "counts": 9, "lists": 10, "slots": 11, "triangles": 12, "worn index": 13,
    "lock numbers": 14, "place": 15,
}  # fmt: skip


def _text(*names: str) -> str:
    return "\n".join((_SHADERS / name).read_text(encoding="utf-8") for name in names)


class Passes:
    """Programs, buffers and targets for pictures of `size` pixels, on one OpenGL 4.3 context.

    `vertices` (V, 16) holds canonical place, masks, bones and weights as four vectors; `faces` the
    triangles of each body part; `actions` (A, V, 6) how facial actions move places and normals; `defines`
    are words for all shaders, `constants` uniforms that never change.
    """

    def __init__(
        self,
        context: Any,
        size: int,
        vertices: Floats,
        faces: Mapping[str, Ints],
        actions: Floats,
        defines: Mapping[str, int],
        constants: Mapping[str, Any],
    ) -> None:
        self.context, self.size = context, size
        self.grid = 3 if size <= 320 else 2 if size <= 640 else 1
        self.tiles = self.grid**2
        self._count = len(vertices)
        words = {**defines, "GRID": self.grid, "TILES": self.tiles}
        self._head = "\n".join(["#version 430", *(f"#define {k} {v}" for k, v in words.items())])
        self._make_programs()
        self._make_targets()
        self._make_buffers(vertices, faces, actions)
        self._drawables: dict[str, Any] = {}
        self._worn: dict[str, tuple[int, int]] = {}
        self._worn_count = 0
        first = np.cumsum([0, *(len(faces[p]) for p in BODY_PARTS)])
        self._ranges = {p: (int(a), len(faces[p])) for p, a in zip(BODY_PARTS, first, strict=False)}
        self.set(
            **constants, size=size, vertex_count=self._count, first=[int(x) for x in first[:-1]],
            capacity=self._capacity, shadow_map=0, ids=1, depths=2,
        )  # fmt: skip

    def _make_programs(self) -> None:
        parts = "\n".join(f"#define {name} {k}" for k, name in enumerate(PARTS))
        self._head += "\n" + parts
        self._places: dict[str, Any] = {}
        self._ids = {part: self._id_program(part) for part in _SHAPED}
        self._pose = self._compute("pose.comp")
        self._wear = self._compute("scene.glsl", "wear.comp", WORN_ACCESS="writeonly")
        self._classify = self._compute("classify.comp")
        self._resolve = self._compute("resolve.comp")
        self._shade = {}
        for k, kind in enumerate(_KINDS):
            hairy = ["hairy.glsl"] if kind in ("skin", "fur") else []
            cuts = ["cloth_cut.glsl"] if kind == "cloth" else []
            names = ("common.glsl", "scene.glsl", "lighting.glsl", "meet.glsl", *hairy, *cuts, f"{kind}.glsl")
            self._shade[kind] = self._compute(*names, "shade.comp", KIND=k)
        self._programs = [
            *self._ids.values(), self._pose, self._wear, self._classify, self._resolve, *self._shade.values()
        ]  # fmt: skip

    def _compute(self, *names: str, **defines: Any) -> Any:
        words = "\n".join(f"#define {k} {v}" for k, v in defines.items())
        return self.context.compute_shader("\n".join([self._head, words, _text(*names)]))

    def _id_program(self, part: str) -> Any:
        head = self._head + f"\n#define PART {part}\n"
        shared = ["common.glsl", "scene.glsl", "hairy.glsl", "cloth_cut.glsl"]
        vertex = head + _text("scene.glsl", "ids.vert")
        return self.context.program(vertex, head + _text(*shared, "cuts.glsl", "ids.frag"))

    def _make_targets(self) -> None:
        context, side = self.context, self.grid * self.size
        self._seen = context.texture((side, side), 4, samples=4)
        self._depth = context.depth_texture((side, side), samples=4)
        self._canvas = context.framebuffer([self._seen], self._depth)
        edge = self.grid * _SHADOW_SIZE
        self._shadow = context.depth_texture((edge, edge))
        self._shadow.compare_func = "<="
        self._shadow.repeat_x = self._shadow.repeat_y = False
        self._shadow_target = context.framebuffer(depth_attachment=self._shadow)

    def _make_buffers(self, vertices: Floats, faces: Mapping[str, Ints], actions: Floats) -> None:
        pixels = self.tiles * self.size**2
        self._capacity = 4 * pixels
        indices = np.concatenate([faces[p] for p in BODY_PARTS]).astype("i4")
        make = self.context.buffer
        self._buffers = {
            "frames": make(reserve=self.tiles * 636 * 4, dynamic=True),
            "vertices": make(vertices.astype("f4").tobytes()),
            "posed": make(reserve=self.tiles * self._count * 32),
            "rest": make(reserve=self._count * 24, dynamic=True),
            "actions": make(np.ascontiguousarray(actions, dtype="f4").tobytes()),
            "weights": make(reserve=self.tiles * len(actions) * 4, dynamic=True),
            "chosen": make(reserve=len(actions) * 4, dynamic=True),
            "counts": make(reserve=32),
            "lists": make(reserve=len(_KINDS) * self._capacity * 4),
            "slots": make(reserve=4 * pixels * 4),
            "triangles": make(indices.tobytes()),
            "place": make(reserve=pixels * 4),
        }
        self._pictures = make(reserve=pixels * 4)
        for name in ("worn", "worn posed", "worn index", "lock numbers"):
            self._buffers[name] = make(reserve=64)

    def set(self, **values: Any) -> None:
        """Give uniforms to every program that has them."""
        for program in (*self._programs, *self._places.values()):
            _set(program, values)

    def rest(self, positions: Floats, normals: Floats) -> None:
        """The body before acting and posing: (V, 3) each."""
        both = np.concatenate([positions, normals], axis=1)
        self._buffers["rest"].write(np.ascontiguousarray(both, dtype="f4").tobytes())

    def wear(self, points: Floats, locks: Ints, glasses: Ints) -> None:
        """Put hair and glasses on: points (N, 16) as Lock in scene.glsl, triangles (F, 3) of both.

        Triangles of one lock follow each other.
        """
        for part in ("LOCKS", "GLASSES"):
            if part in self._drawables:
                self._drawables.pop(part).release()
        self._worn = {"LOCKS": (0, len(locks)), "GLASSES": (len(locks), len(glasses))}
        self._worn_count = len(points)
        faces = np.concatenate([locks, glasses])
        marks = points[faces[:, 0], 14]  # one mark, one lock
        numbers = np.cumsum(np.diff(marks, prepend=marks[:1]) != 0)
        contents = {"worn": (points, "f4"), "worn index": (faces, "i4"), "lock numbers": (numbers, "i4")}
        for key, (array, kind) in contents.items():
            self._buffers[key].release()
            data = np.ascontiguousarray(array, dtype=kind).tobytes()
            self._buffers[key] = self.context.buffer(data or bytes(64))
        self._buffers["worn posed"].release()
        self._buffers["worn posed"] = self.context.buffer(reserve=max(self.tiles * len(points) * 48, 64))
        self.set(worn_count=len(points), glasses_first=len(locks))

    def reserve(self, count: int) -> None:
        """Make room for `count` pictures before they are drawn."""
        wanted = count * self.size**2 * 4
        if self._pictures.size < wanted:
            self._pictures.release()
            self._pictures = self.context.buffer(reserve=wanted)

    def place(self, shader: str, views: Floats, values: Mapping[str, Any]) -> None:
        """Paint a place once, or for each of `views` (T, 3): shift and scale."""
        if shader not in self._places:
            self._places[shader] = self._compute("common.glsl", "place.comp", PLACE=shader)
        program = self._places[shader]
        padded = np.ones((self.tiles, 3), np.float32)
        padded[: len(views)] = views
        _set(program, {**values, "size": self.size, "tiles": len(views)})
        program["views"].write(padded.tobytes())
        self._buffers["place"].bind_to_storage_buffer(BINDINGS["place"])
        groups = -(-self.size // 8)
        program.run(groups, groups, len(views))

    def draw(
        self,
        frames: Floats,
        weights: Floats,
        chosen: NDArray[np.int32],
        layers: Mapping[str, int],
        places: int,
        at: int,
    ) -> None:
        """Draw at most `tiles` frames as the pictures `at` and the following, without waiting for them.

        `frames` (n, 636) are rows of scene.glsl's Frame, `weights` (n, k) those of the facial actions
        `chosen` (k,), `layers` says how many shells HAIR and BEARD have (0: none), `places` how many views
        of the place were painted.
        """
        count = len(frames)
        buffers = self._buffers
        buffers["frames"].write(np.ascontiguousarray(frames, dtype="f4").tobytes())
        if len(chosen):
            buffers["weights"].write(np.ascontiguousarray(weights, dtype="f4").tobytes())
            buffers["chosen"].write(chosen.astype("i4").tobytes())
        buffers["counts"].write(bytes(32))
        for name, binding in BINDINGS.items():
            buffers[name].bind_to_storage_buffer(binding)
        _set(self._pose, {"acting": len(chosen)})
        self._pose.run(-(-self._count // 64), count)
        if self._worn_count:
            self._wear.run(-(-self._worn_count // 64), count)
        self.context.memory_barrier()
        self._rasterise(count, layers)
        self._shade_all(count, places, at)

    def read(self, count: int) -> NDArray[np.uint8]:
        """The first `count` pictures (n, H, W, 4) that were drawn; waits for the graphics card once."""
        raw = self._pictures.read(count * self.size**2 * 4)
        return np.frombuffer(raw, np.uint8).reshape(count, self.size, self.size, 4)

    def _rasterise(self, count: int, layers: Mapping[str, int]) -> None:
        context = self.context
        columns, rows = min(count, self.grid), -(-count // self.grid)
        context.enable(context.DEPTH_TEST)
        context.disable_direct(_DITHER)  # the colours are numbers
        for distance in _CLIP_DISTANCES:
            context.enable_direct(distance)
        self._shadow_target.use()
        self._shadow_target.clear(depth=1.0, viewport=(0, 0, columns * _SHADOW_SIZE, rows * _SHADOW_SIZE))
        self._sunward(1)
        # Locks lie many deep: half of them (they come in random order) cast the shadow of all.
        self._worn_part("LOCKS", count, 0.5)
        if not self._worn["LOCKS"][1]:
            self._part("HAIR", count, min(layers["HAIR"], _SHADOW_LAYERS))
        self._part("SKIN", count)
        self._canvas.use()
        self._canvas.clear(0, 0, 0, 0, viewport=(0, 0, columns * self.size, rows * self.size))
        self._sunward(0)
        # What covers comes first: what lies under it then costs less.
        self._part("CLOTH", count)
        self._worn_part("LOCKS", count)
        self._part("HAIR", count, layers["HAIR"])
        for name in ("SKIN", "EYE", "MOUTH", "TEETH", "LASHES"):
            self._part(name, count)
        self._part("BEARD", count, layers["BEARD"])
        self._worn_part("GLASSES", count)

    def _sunward(self, value: int) -> None:
        for program in self._ids.values():
            _set(program, {"sunward": value})

    def _part(self, name: str, count: int, layers: int = 1) -> None:
        if not layers:
            return
        # A part without a shader of its own is drawn as skin is; skin closes upon itself.
        shaped = name if name in _SHAPED else "SKIN"
        program = self._ids[shaped]
        first, faces = self._ranges[name]
        _set(program, {"part": PARTS.index(name), "layers": layers})
        drawable = self._drawable(shaped, "triangles")
        closed = name == "SKIN"
        if closed:
            self.context.enable(self.context.CULL_FACE)
        drawable.render(vertices=3 * faces, first=3 * first, instances=count * layers)
        if closed:
            self.context.disable(self.context.CULL_FACE)

    def _worn_part(self, part: str, count: int, share: float = 1.0) -> None:
        first, faces = self._worn[part]
        if not faces:
            return
        _set(self._ids[part], {"part": PARTS.index(part), "layers": 1})
        drawable = self._drawable(part, "worn index")
        drawable.render(vertices=3 * int(faces * share), first=3 * first, instances=count)

    def _drawable(self, part: str, index: str) -> Any:
        if part not in self._drawables:
            self._drawables[part] = self.context.vertex_array(
                self._ids[part], [], index_buffer=self._buffers[index], index_element_size=4
            )
        return self._drawables[part]

    def _shade_all(self, count: int, places: int, at: int) -> None:
        context = self.context
        context.memory_barrier()
        self._shadow.use(0)
        self._seen.use(1)
        self._depth.use(2)
        columns, rows = min(count, self.grid), -(-count // self.grid)
        groups = (-(-columns * self.size // 8), -(-rows * self.size // 8))
        _set(self._classify, {"tiles": count})
        self._classify.run(*groups)
        context.memory_barrier()
        for program in self._shade.values():
            program.run(_GROUPS)
        context.memory_barrier()
        self._pictures.bind_to_storage_buffer(8)
        _set(self._resolve, {"tiles": count, "places": places, "first_picture": at})
        self._resolve.run(*groups)
        context.memory_barrier()


def _set(program: Any, values: Mapping[str, Any]) -> None:
    for name, value in values.items():
        if name not in program:  # the compiler drops what a shader does not use
            continue
        if isinstance(value, bytes):
            program[name].write(value)
        else:
            program[name].value = value if np.isscalar(value) else tuple(np.asarray(value).tolist())
