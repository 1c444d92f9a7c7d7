"""Classifier-free guidance learnt instead of computed: one pass through the model does what two did.

The model is told more than the data says: besides the data's own target, a share of how far its own answer
with the condition lies from its answer without it (model guidance, arXiv 2502.12154). Where training has come
to rest the answer with the condition is

    free + scale (conditional - free),

what sampling with classifier-free guidance (arXiv 2207.12598) would have put together from an unguided
model. Without the condition the model goes on to learn the plain data, so training can be taken up again at
any time, with this or another scale.
"""

from __future__ import annotations

import torch
from torch import Tensor

SCALE = 2.5
"""Of the guidance that pictures of mini want."""


def left(folded: float) -> float:
    """The guidance that sampling still has to add to what is folded in: the two multiply."""
    return SCALE / folded


def guided(wanted: Tensor, made: Tensor, free: Tensor, told: Tensor, scale: float) -> Tensor:
    """What the model is to learn, in the shape of ``wanted`` (B, ...), without a gradient.

    ``wanted``: the data's own target. ``made`` and ``free``: the model's answers with and without the
    condition. ``told`` (B, 1) bool: which samples have the condition at all; the others learn ``wanted``.
    """
    share = (1 - 1 / scale) * told.view(-1, *[1] * (wanted.ndim - 1))
    return torch.addcmul(wanted, share, (made - free).detach())
