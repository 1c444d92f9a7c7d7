"""The body in numbers: from sliders to vertices, from facial actions and joint angles to a posed mesh.

Knows nothing of colours and drawing. Axes: x to the person's left, -y forward, z up; metres. "Canonical"
is the average person, in whose coordinates skin, brows and seams are painted.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.world.people import SLIDERS, Person

Floats = NDArray[np.floating[Any]]
Ints = NDArray[np.int64]

DEFAULT_BUST = Path("checkpoints/world/bust.npz")
# The body model's variations in the order of its masks, with the phenotype that drives each group and
# the anchors between which it interpolates (Anny, models/phenotype.py).
_ANCHORS: dict[str, Floats] = {
    "gender": np.linspace(0, 1, 2, dtype=np.float32),
    "age": np.linspace(-1 / 3, 1, 5, dtype=np.float32),
    "muscle": np.linspace(0, 1, 3, dtype=np.float32),
    "weight": np.linspace(0, 1, 3, dtype=np.float32),
    "height": np.linspace(0, 1, 2, dtype=np.float32),
    "proportions": np.linspace(0, 1, 2, dtype=np.float32),
    "cupsize": np.linspace(0, 1, 3, dtype=np.float32),
    "firmness": np.linspace(0, 1, 3, dtype=np.float32),
}


class BustMissing(FileNotFoundError):
    """The exported body is not there; the message says how to make it."""


@dataclass(frozen=True)
class Shape:
    """A person's body at rest: vertices (V, 3), bone heads (B, 3), unit vertex normals (V, 3)."""

    vertices: Floats
    heads: Floats
    normals: Floats


def phenotype_variations(phenotypes: tuple[float, ...]) -> Floats:
    """The weights (26,) of the model's variations for (gender, age, muscle, weight, cupsize, races x 3)."""
    gender, age, muscle, weight, cupsize, *race = phenotypes
    values = {"gender": gender, "age": age, "muscle": muscle, "weight": weight, "cupsize": cupsize}
    out = [np.array(race, np.float32) / max(sum(race), 1e-6)]
    for name, anchors in _ANCHORS.items():
        value = np.clip(values.get(name, 0.5), anchors[0], anchors[-1])
        # Hat functions: linear interpolation between the two anchors around the value.
        out.append(np.clip(1 - np.abs(anchors - value) / (anchors[1] - anchors[0]), 0, 1))
    return np.concatenate(out).astype(np.float32)


def vertex_normals(vertices: Floats, faces: Ints, order: Ints, starts: Ints) -> Floats:
    """Area-weighted unit normals (V, 3); `order` sorts face corners by vertex, `starts` as for reduceat."""
    a, b, c = (vertices[faces[:, k]] for k in range(3))
    face = np.cross(b - a, c - a)
    normals = np.add.reduceat(face[order], starts, axis=0)
    normals /= np.linalg.norm(normals, axis=1, keepdims=True) + 1e-12
    return normals


class Body:
    """The exported body model. `faces` (F, 3) index vertices, `part` (F,) indexes `part_names`."""

    def __init__(self, path: Path = DEFAULT_BUST) -> None:
        if not Path(path).is_file():
            raise BustMissing(f"{path} is missing; make it with: python -m training.world export -o {path}")
        with np.load(path) as data:
            content = {name: data[name] for name in data.files}
        self.faces: Ints = content["faces"].astype(np.int64)
        self.part: NDArray[np.int8] = content["part"]
        self.part_names: list[str] = [str(x) for x in content["part_names"]]
        self.canonical: Floats = content["mean_vertices"]
        self.canonical_heads: Floats = content["mean_heads"]
        self.bones = {str(name): i for i, name in enumerate(content["bone_names"])}
        self.parents: list[int] = [int(p) for p in content["bone_parents"]]
        self.actions = {str(name): i for i, name in enumerate(content["action_names"])}
        self.masks = {k[5:]: v.astype(np.float32) for k, v in content.items() if k.startswith("mask_")}
        names = [str(x) for x in content["slider_names"]]
        self._slider_order = [names.index(name) for name in SLIDERS]
        self._content = content
        self._basis = self._flat_basis(content)
        self._action_basis: Floats = content["action_basis"].astype(np.float32)
        self.skin_weights: Floats = content["skin_weights"].astype(np.float32)

    @staticmethod
    def _flat_basis(content: dict[str, NDArray[Any]]) -> Floats:
        """Rows: phenotype directions, then sliders (positive), then sliders (negative)."""
        sliders = content["slider_basis"]
        stack = [content["phenotype_basis"], sliders[:, 0], sliders[:, 1]]
        rows = [x.astype(np.float32).reshape(len(x), -1) for x in stack]
        return np.concatenate(rows)

    @property
    def count(self) -> int:
        """The number of vertices."""
        return len(self.canonical)

    def faces_of(self, *names: str) -> Ints:
        """The triangles (F', 3) of these parts."""
        return self.faces[np.isin(self.part, [self.part_names.index(n) for n in names])]

    @cached_property
    def _corner_order(self) -> tuple[Ints, Ints]:
        flat = self.faces.reshape(-1)
        order = np.argsort(flat, kind="stable")
        starts = np.searchsorted(flat[order], np.arange(self.count))
        return order // 3, starts

    def normals(self, vertices: Floats) -> Floats:
        """Unit normals (V, 3) of vertices (V, 3)."""
        return vertex_normals(vertices, self.faces, *self._corner_order)

    def shape(self, person: Person) -> Shape:
        """The person's body at rest. Takes a few milliseconds; keep it for a person's frames."""
        variations = phenotype_variations(person.phenotypes)
        mask = self._content["phenotype_mask"].astype(np.float32)
        weights = np.prod(variations * mask + (1 - mask), axis=1)
        directions = (weights - self._content["phenotype_mean"]) @ self._content["phenotype_projection"]
        values = np.zeros(len(self._slider_order), np.float32)
        values[self._slider_order] = person.sliders
        row = np.concatenate([directions, np.maximum(values, 0), np.maximum(-values, 0)])
        used = np.flatnonzero(row)
        moved = (row[used].astype(np.float32) @ self._basis[used]).reshape(-1, 3)
        vertices = self.canonical + moved[: self.count]
        return Shape(vertices, self.canonical_heads + moved[self.count :], self.normals(vertices))

    @cached_property
    def _action_normals(self) -> Floats:
        """How each facial action turns the canonical normals (A, V, 3): the linear part is enough."""
        base = self.normals(self.canonical)
        return np.stack([self.normals(self.canonical + d) - base for d in self._action_basis])

    def acted(self, action: str) -> Floats:
        """How far a facial action moves each vertex (V, 3) at full strength."""
        moved: Floats = self._action_basis[self.actions[action]]
        return moved

    def action_rows(self) -> Floats:
        """How each facial action moves positions and normals at full strength (A, V, 6)."""
        return np.concatenate([self._action_basis, self._action_normals], axis=2)

    def expressed(self, shape: Shape, weights: dict[str, Floats], frames: int, vertices: Ints) -> Floats:
        """Positions (T, N, 3) of `vertices` before posing, with facial actions of weights (T,) by name."""
        out = np.repeat(shape.vertices[vertices][None].astype(np.float32), frames, 0)
        names = [n for n, w in weights.items() if np.any(w)]
        if names:
            table = np.stack([weights[n] for n in names], axis=1).astype(np.float32)
            rows = self._action_basis[[self.actions[n] for n in names]][:, vertices]
            out += (table @ rows.reshape(len(names), -1)).reshape(frames, -1, 3)
        return out

    def pose(self, heads: Floats, rotations: dict[str, Floats], frames: int, root: Floats) -> Floats:
        """Bone transforms (T, B + 1, 3, 4) from global-axes rotations (T, 3, 3) about each joint.

        A bone's rotation is relative to its parent's; `root` (T, 3) shifts everything. Row 0 is the trunk.
        """
        out = np.zeros((frames, len(self.parents) + 1, 3, 4), np.float32)
        out[:, 0, :, :3] = np.eye(3, dtype=np.float32)
        out[:, 0, :, 3] = root
        names = list(self.bones)
        for bone, parent in enumerate(self.parents):
            above = out[:, parent]
            turn = rotations.get(names[bone])
            if turn is None:
                out[:, bone + 1] = above
                continue
            local = heads[bone] - turn @ heads[bone]
            out[:, bone + 1, :, :3] = above[:, :, :3] @ turn
            out[:, bone + 1, :, 3] = np.einsum("tij,tj->ti", above[:, :, :3], local) + above[:, :, 3]
        return out

    @cached_property
    def influences(self) -> tuple[Floats, Floats]:
        """The four strongest bones of each vertex: rows of `pose` (V, 4) and weights (V, 4) that sum to 1."""
        owners = np.argsort(-self.skin_weights, axis=1)[:, :4]
        weights = np.take_along_axis(self.skin_weights, owners, axis=1)
        weights /= weights.sum(1, keepdims=True)
        return owners.astype(np.float32), weights

    def skinned(self, points: Floats, transforms: Floats, vertices: Ints) -> Floats:
        """Posed positions (T, N, 3) of some vertices: `points` (T, N, 3) at rest."""
        owners, weights = self.influences
        chosen = transforms[:, owners[vertices].astype(int)]  # (T, N, 4, 3, 4)
        blended = np.einsum("tnkij,nk->tnij", chosen, weights[vertices])
        moved: Floats = np.einsum("tnij,tnj->tni", blended[..., :3], points) + blended[..., 3]
        return moved
