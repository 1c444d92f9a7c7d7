"""How much a half-denoised picture looks like its person, as a loss: PuLID's idea (arXiv 2404.16022) in
small.

The velocity gives an estimate of the clean latents; it is decoded, the face is cut out where it stands in
the true picture, and mini's recogniser (frozen) compares it with the person's mean embedding. Only small
noise levels take part, where the estimate is a picture and not a blur.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from stillmotion.identity.networks import RECOGNISER_SIZE, Recogniser
from training.common import load_tensors, precision
from training.face_data import MARGIN, alignment
from training.vae import decode_still

SHRINKS = 0.65**2
"""Below this change of area, a picture is sampled from its half-sized version."""


def recogniser(folder: Path, device: torch.device) -> Recogniser:
    """The trained recogniser of ``folder``/face/analyzer, frozen."""
    network = Recogniser(folded=True)
    network.load_state_dict(load_tensors(folder / "face/analyzer/recogniser.safetensors"))
    return network.to(device).eval().requires_grad_(False)


def head_matrix(five: Tensor) -> Tensor:
    """The transforms (B, 2, 3) from pictures to the recogniser's input, by five points (B, 5, 2)."""
    matrix = alignment(five)
    return torch.cat([matrix[:, :, :2], matrix[:, :, 2:] - MARGIN], dim=2)


def heads(pictures: Tensor, matrix: Tensor) -> Tensor:
    """Pictures (B, 3, H, W) -> the recogniser's input (B, 3, 112, 112), through ``head_matrix``'s transforms.

    Bilinear, from pixels averaged in pairs where the head shrinks; no step depends on the values or reaches
    for the host, so that a training step with it can be captured.
    """
    linear, shift = matrix[:, :, :2], matrix[:, :, 2]
    axis = torch.arange(RECOGNISER_SIZE, device=pictures.device, dtype=torch.float32)
    y, x = torch.meshgrid(axis, axis, indexing="ij")
    target = torch.stack([x, y], -1).reshape(1, -1, 2) - shift[:, None]
    (a, b), (c, d) = linear[:, 0].unbind(-1), linear[:, 1].unbind(-1)
    area = a * d - b * c
    inverse = torch.stack([torch.stack([d, -b], 1), torch.stack([-c, a], 1)], 1) / area[:, None, None]
    source = (target @ inverse.mT).reshape(-1, RECOGNISER_SIZE, RECOGNISER_SIZE, 2)
    extent = torch.stack([torch.full_like(area[0], float(s)) for s in (pictures.shape[3], pictures.shape[2])])
    grid = (source + 0.5) * 2 / extent - 1
    fine = F.grid_sample(pictures, grid, align_corners=False)
    coarse = F.grid_sample(F.avg_pool2d(pictures, 2), grid, align_corners=False)
    return torch.where((area.abs() < SHRINKS)[:, None, None, None], coarse, fine)


def likeness_loss(network: Recogniser, vae: Any, estimate: Tensor, matrix: Tensor, target: Tensor) -> Tensor:
    """1 - cosine between the faces of clean-latent estimates (B, 16, h, w) and their people's embeddings
    ``target``.

    ``matrix`` (B, 2, 3): where the faces are, as ``head_matrix`` says it. The pictures are made in the
    autoencoder's own precision.
    """
    pictures = decode_still(vae, estimate.to(vae.dtype))
    with precision(estimate.device):
        embedding = network(heads(pictures.float(), matrix))["embedding"]
    return (1 - (embedding.float() * target).sum(-1)).mean()
