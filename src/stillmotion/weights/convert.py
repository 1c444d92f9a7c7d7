"""Checkpoints that are published as pickles become safetensors here, once, and nowhere else is a pickle read.

``torch.load(weights_only=True)`` runs an unpickler that knows tensors and plain containers and no other
class or function, so a pickle that asks for more is refused before anything of it runs
(https://docs.pytorch.org/docs/stable/generated/torch.load.html). Only named tensors are written.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stillmotion.errors import CheckpointError
from stillmotion.files import replacing
from stillmotion.libraries import one_line

if TYPE_CHECKING:
    from torch import Tensor

LARGEST = 4 * 2**30
"""Bytes of all tensors together; the largest judge has 0.6 GiB."""
WRAPPERS = ("state_dict", "params")
"""Keys under which published checkpoints keep their tensors, where they do not lie open."""


def convert(pickle: Path, target: Path) -> None:
    """Write the tensors of a pickled state dict to ``target`` as safetensors, whole or not at all.

    Raises CheckpointError naming ``pickle`` where it holds anything besides named tensors, code above all.
    """
    from safetensors.torch import save_file

    state = _tensors(pickle, _load(pickle))
    if sum(tensor.numel() * tensor.element_size() for tensor in state.values()) > LARGEST:
        raise CheckpointError(f"{pickle}: unpacks to more than any judge has; refused")
    plain = {name: tensor.detach().clone().contiguous() for name, tensor in state.items()}
    with replacing(target) as part:
        save_file(plain, part, metadata={"format": "pt"})


def _load(pickle: Path) -> Any:
    """What the pickle holds, read with tensors and plain containers allowed and nothing else."""
    import torch

    try:
        return torch.load(pickle, map_location="cpu", weights_only=True)
    except MemoryError:
        raise
    except Exception as fault:  # a foreign or hostile pickle makes the reader raise nearly anything
        raise CheckpointError(
            f"{pickle}: not a plain checkpoint, so it is not read ({one_line(fault, 120)}); "
            "delete it and download it again"
        ) from None


def _tensors(pickle: Path, found: Any) -> dict[str, Tensor]:
    """The state dict in what a checkpoint holds: name -> dense tensor."""
    import torch

    for key in WRAPPERS:
        if isinstance(found, Mapping) and isinstance(found.get(key), Mapping):
            found = found[key]
            break
    if not isinstance(found, Mapping) or not found:
        raise CheckpointError(f"{pickle}: holds no tensors; it is not the checkpoint that is expected here")
    for name, value in found.items():
        plain = isinstance(value, torch.Tensor) and value.layout == torch.strided
        if not isinstance(name, str) or not plain or value.is_quantized or value.is_meta:
            raise CheckpointError(f"{pickle}: {str(name)[:80]!r} is not a plain tensor; refused")
    return dict(found)
