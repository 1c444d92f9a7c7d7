"""How much a half-denoised picture looks like its person, as a loss: PuLID's idea (arXiv 2404.16022) in
small.

The velocity gives an estimate of the clean latents; it is decoded, the face is cut out where it stands in
the true picture, and recognisers (frozen) compare it with the person's mean embedding, and its features
with the true face's. Only noise levels take part where the estimate is a picture and not a blur. One
recogniser alone is soon pleased with pictures that please no other one: beside mini's own there may be
judges that were trained from other seeds (`training.face --judge`).
"""

from __future__ import annotations

from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from stillmotion.identity.networks import RECOGNISER_SIZE, Recogniser
from training.common import load_tensors, precision
from training.face_data import MARGIN, alignment

SHRINKS = 0.65**2
"""Below this change of area, a picture is sampled from its half-sized version."""


def recogniser(path: Path, device: torch.device) -> Recogniser:
    """A trained recogniser, folded, from its file, frozen."""
    network = Recogniser(folded=True)
    network.load_state_dict(load_tensors(path))
    return network.to(device).eval().requires_grad_(False)


def judges(folder: Path, device: torch.device) -> list[Recogniser]:
    """The recogniser of mini and the further ones in ``folder``/face/judges, frozen."""
    own = folder / "face/analyzer/recogniser.safetensors"
    return [
        recogniser(path, device) for path in (own, *sorted((folder / "face/judges").glob("*.safetensors")))
    ]


def features(network: Recogniser, faces: Tensor) -> list[Tensor]:
    """What a recogniser sees at a half, a quarter and an eighth of the size of pictures (B, 3, H, W)."""
    at2 = network.at2(faces)
    at4 = network.at4(at2)
    return [at2, at4, network.at8(at4)]


def unlike_features(made: list[Tensor], true: list[Tensor]) -> Tensor:
    """The mean distance of `features`, in shares of what is there: 0 for equal pictures."""
    shares = [(m - t).abs().float().mean() / t.abs().float().mean() for m, t in zip(made, true, strict=True)]
    return torch.stack(shares).mean()


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


def likeness_loss(
    networks: list[Recogniser], pictures: Tensor, matrix: Tensor, target: Tensor, faces: Tensor
) -> tuple[Tensor, Tensor]:
    """1 - cosine between the faces of ``pictures`` (B, 3, H, W) in -1..1 and their people's embeddings
    ``target`` (B, J, 512), one for each of the J networks; and the distance of the networks' features from
    those of the true ``faces`` (B, 112, 112, 3) uint8.

    ``matrix`` (B, 2, 3): where the faces are, as ``head_matrix`` says it.
    """
    made = heads(pictures.float(), matrix)
    true = faces.permute(0, 3, 1, 2).float() / 127.5 - 1
    unlike, apart = [], []
    with precision(pictures.device):
        for network, wanted in zip(networks, target.unbind(1), strict=True):
            seen = features(network, made)
            with torch.no_grad():
                there = features(network, true)
            unlike.append(1 - (network.embedding(seen[-1]) * wanted).sum(-1).mean())
            apart.append(unlike_features(seen, there))
    return torch.stack(unlike).mean(), torch.stack(apart).mean()
