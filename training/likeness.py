"""How much a half-denoised picture looks like its person, as a loss: PuLID's idea (arXiv 2404.16022) in small.

The velocity gives an estimate of the clean latents; it is decoded, the face is cut out where it stands in the true
picture, and mini's recogniser (frozen) compares it with the person's mean embedding. Only small noise levels take
part, where the estimate is a picture and not a blur.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from stillmotion.identity.networks import RECOGNISER_SIZE, Recogniser
from training.common import load_tensors
from training.face_augment import warp
from training.face_data import MARGIN, alignment
from training.vae import decode_still

MOST_NOISE = 450
PICTURES = 40


def recogniser(folder: Path, device: torch.device) -> Recogniser:
    """The trained recogniser of ``folder``/face/analyzer, frozen."""
    network = Recogniser(folded=True)
    network.load_state_dict(load_tensors(folder / "face/analyzer/recogniser.safetensors"))
    return network.to(device).eval().requires_grad_(False)


def heads(pictures: Tensor, five: Tensor) -> Tensor:
    """Pictures (B, 3, H, W) in -1..1 -> the recogniser's input (B, 3, 112, 112), by five points (B, 5, 2)."""
    matrix = alignment(five)
    matrix = torch.cat([matrix[:, :, :2], matrix[:, :, 2:] - MARGIN], dim=2)
    return warp(pictures, matrix, RECOGNISER_SIZE)


def likeness_loss(network: Recogniser, vae: Any, estimate: Tensor, t: Tensor, sample: dict[str, Tensor]) -> Tensor:
    """1 - cosine between the faces of clean-latent estimates (B, 16, h, w) and their people's embeddings.

    Uses at most ``PICTURES`` of the batch, those with t below ``MOST_NOISE``; zero where there are none.
    """
    chosen = (t < MOST_NOISE).nonzero()[:PICTURES, 0]
    if len(chosen) == 0:
        return estimate.sum() * 0
    with torch.autocast(estimate.device.type, torch.bfloat16, enabled=estimate.device.type == "cuda"):
        pictures = decode_still(vae, estimate[chosen])
        crops = heads(pictures.float(), sample["five"][chosen])
        embedding = network(crops)["embedding"]
    return (1 - (embedding.float() * sample["target"][chosen]).sum(-1)).mean()
