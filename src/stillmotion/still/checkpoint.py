"""Reading checkpoint files without trusting them: safetensors and JSON only, one clear error for each fault.

Nothing here unpickles, follows a URL or knows what the tensors mean.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from stillmotion.errors import CheckpointError
from stillmotion.libraries import AGAIN, one_line

JSON_LIMIT = 8 * 2**20


def need_file(path: Path, role: str) -> Path:
    """``path`` where it is a regular file; CheckpointError naming its ``role`` otherwise."""
    if path.is_dir():
        raise CheckpointError(f"{path}: a folder lies where {role} should be; {AGAIN}")
    if not path.is_file():
        raise CheckpointError(f"{path}: missing, it should hold {role}; {AGAIN}")
    return path


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object's pairs as a dict; a name given twice is a fault that json would hide."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name appears twice")
    return found


def read_json(path: Path, role: str) -> dict[str, Any]:
    """The JSON object in ``path``, names in file order; CheckpointError where it is none, or over 8 MiB."""
    need_file(path, role)
    try:
        if path.stat().st_size > JSON_LIMIT:
            raise ValueError("too large")
        value = json.loads(path.read_text(encoding="utf-8"), object_pairs_hook=_once)
    except (OSError, ValueError, RecursionError) as fault:
        raise CheckpointError(f"{path}: not the JSON of {role} ({one_line(fault)}); {AGAIN}") from None
    if not isinstance(value, dict):
        raise CheckpointError(f"{path}: not a JSON object, so not {role}; {AGAIN}")
    return value


def read_shapes(path: Path, role: str) -> dict[str, tuple[int, ...]]:
    """Name -> shape of the tensors in a safetensors file, read from its header alone."""
    need_file(path, role)
    try:
        with safe_open(path, framework="pt") as file:
            return {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError, ValueError) as fault:
        raise CheckpointError(
            f"{path}: cut, damaged or not safetensors ({one_line(fault)}); {AGAIN}"
        ) from None


def read_tensors(path: Path, role: str, dtype: torch.dtype = torch.float32) -> dict[str, Tensor]:
    """A safetensors file's tensors on the CPU as ``dtype``, all of them finite floating point numbers."""
    need_file(path, role)
    tensors: dict[str, Tensor] = {}
    try:
        with safe_open(path, framework="pt") as file:
            for name in file.keys():  # noqa: SIM118
                tensor = file.get_tensor(name)
                if not tensor.is_floating_point():
                    raise ValueError(f"tensor '{name}' is {tensor.dtype}, not floating point")
                tensors[name] = tensor.to(dtype)
                if not bool(torch.isfinite(tensors[name]).all()):
                    raise ValueError(f"tensor '{name}' holds numbers that are not finite")
    except (SafetensorError, OSError, ValueError) as fault:
        raise CheckpointError(
            f"{path}: cut, damaged or not safetensors ({one_line(fault)}); {AGAIN}"
        ) from None
    return tensors


def shape_of(tensors: Mapping[str, Tensor], name: str, dimensions: int, path: Path) -> tuple[int, ...]:
    """The shape of the tensor ``name``, which must exist, with so many ``dimensions``, none of them empty."""
    if name not in tensors:
        raise CheckpointError(f"{path}: tensor '{name}' is missing; {AGAIN}")
    shape = tuple(tensors[name].shape)
    if len(shape) != dimensions or 0 in shape:
        raise CheckpointError(f"{path}: tensor '{name}' has the shape {list(shape)}, not {dimensions} sizes")
    return shape


def fill(module: nn.Module, tensors: Mapping[str, Tensor], path: Path) -> None:
    """Give ``module`` (on the meta device) its parameters; every name and shape must agree exactly."""
    wanted = {name: list(value.shape) for name, value in module.state_dict().items()}
    for name, shape in wanted.items():
        if name not in tensors:
            raise CheckpointError(f"{path}: tensor '{name}' is missing; {AGAIN}")
        if list(tensors[name].shape) != shape:
            found = list(tensors[name].shape)
            raise CheckpointError(f"{path}: tensor '{name}' has the shape {found} instead of {shape}")
    for name in tensors:
        if name not in wanted:
            raise CheckpointError(f"{path}: unexpected tensor '{name}'; this file belongs to another model")
    module.load_state_dict(dict(tensors), assign=True)
