"""A prompt's words and their weights as SDXL's two text encoders see them.

The weights (see ``words``) act as in the AUTOMATIC1111 web UI: the embedding times the weight, then the
embeddings' mean restored.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from stillmotion.still.words import tokenize

log = logging.getLogger("stillmotion")


@dataclass(frozen=True)
class Encoded:
    """A prompt's embeddings (1, 77, C1 + C2) and pooled embedding (1, P)."""

    tokens: Tensor
    pooled: Tensor


@torch.inference_mode()
def encode(prompt: str, pipe: Any, clip_skip: int) -> Encoded:
    """Encode with both text encoders; ``clip_skip`` 1 is the last hidden state, 2 the penultimate (SDXL's
    own).

    The pooled embedding is the second encoder's. What does not fit into 75 tokens is cut off, and logged.
    """
    parts: list[Tensor] = []
    pooled = torch.empty(0)
    for place, encoder in enumerate((pipe.text_encoder, pipe.text_encoder_2)):
        ids, weights, dropped = tokenize(prompt, pipe.tokenizer if place == 0 else pipe.tokenizer_2)
        if dropped and place == 0:
            log.warning("the still's prompt is longer than CLIP's 77 tokens; left out: %s", dropped)
        answer = encoder(torch.tensor([ids], device=pipe._execution_device), output_hidden_states=True)
        parts.append(_weigh(answer.hidden_states[-clip_skip], weights))
        if place == 1:
            pooled = answer.text_embeds
    return Encoded(torch.cat(parts, dim=-1), pooled)


def _weigh(hidden: Tensor, weights: list[float]) -> Tensor:
    """Token embeddings (1, 77, C) times their weights, the mean over all of them restored."""
    if all(abs(weight - 1) < 1e-6 for weight in weights):
        return hidden
    weighed = hidden * torch.tensor(weights, device=hidden.device, dtype=hidden.dtype)[None, :, None]
    before, after = hidden.float().mean(), weighed.float().mean()
    scale = before / after if abs(float(after)) > 1e-12 else torch.ones(())
    return weighed * scale.to(weighed)
