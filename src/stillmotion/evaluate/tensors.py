"""Single-file weights of the face judges: read, and put into a network that has exactly these tensors."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from stillmotion.evaluate.types import NotComputed
from stillmotion.evaluate.weights import AGAIN
from stillmotion.libraries import one_line

Network = TypeVar("Network", bound=nn.Module)


class FaceNetwork:
    """A face judge's network: it sees one picture at a time, so that the others in a batch change no bit."""

    def __init__(self, network: nn.Module, device: str) -> None:
        self._network, self._device = network.to(device), device

    @torch.inference_mode()
    def __call__(self, picture: NDArray[np.float32]) -> Tensor:
        """What the network makes of one prepared picture (3, H, W), on the CPU, without the batch's axis."""
        made: Tensor = self._network(torch.from_numpy(picture)[None].to(self._device))[0]
        return made.cpu()


def read_tensors(path: Path) -> dict[str, Tensor]:
    """The tensors of a safetensors file by name, in float32; NotComputed where it cannot be read."""
    from safetensors.torch import load_file

    try:
        return {name: tensor.float() for name, tensor in load_file(path).items()}
    except Exception as fault:  # safetensors and torch each have errors of their own
        raise NotComputed(f"{path}: cannot be read ({one_line(fault, 120)}); {AGAIN}") from None


def fill(network: Network, tensors: Mapping[str, Tensor], path: Path) -> Network:
    """``network`` with these tensors, frozen. Counters of training ("num_batches_tracked") may be absent.

    Raises NotComputed naming the file where a tensor is missing, of another shape or unknown.
    """
    try:
        network.load_state_dict(tensors, strict=True)
    except (RuntimeError, TypeError) as fault:
        reason = one_line(fault, 160)
        raise NotComputed(f"{path}: is not this judge's network ({reason}); {AGAIN}") from None
    return network.eval().requires_grad_(False)
