"""subject_consistency: whether the subject stays the same from frame to frame, by DINO ViT-B/16.

Recipe: VBench's vbench/subject_consistency.py: every frame's class token; mean over the frames after the
first of (max(0, cosine to the previous frame) + max(0, cosine to the first)) / 2. Frames are resized to 224
on the shorter side and not cropped, bilinear without antialiasing, normalised as ImageNet (vbench/utils.py,
``dino_transform``), so the positions of the patches are interpolated as DINO's own code does it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from stillmotion.errors import InputError
from stillmotion.evaluate.networks import load_pretrained
from stillmotion.evaluate.pixels import IMAGENET_MEAN, IMAGENET_STD, batches, normalised, resized
from stillmotion.evaluate.types import Measured, Sample
from stillmotion.evaluate.weights import judge_file


@dataclass(eq=False)
class SubjectConsistency:
    """``model`` is transformers' ViTModel without its pooler; ``size`` the shorter side of what it sees."""

    model: Any
    device: str
    size: int = 224
    metrics: tuple[str, ...] = ("subject_consistency",)

    @torch.inference_mode()
    def measure(self, sample: Sample) -> Measured:
        """The video's figure in 0..1, and that of each frame after the first."""
        if len(sample.frames) < 2:
            raise InputError(f"{sample.path}: one frame only; subject_consistency compares frames")
        seen = torch.cat([self._features(frames) for frames in batches(sample.frames)])
        previous = (seen[1:] * seen[:-1]).sum(1).clamp(min=0)
        first = (seen[1:] * seen[:1]).sum(1).clamp(min=0)
        curve = ((previous + first) / 2).tolist()
        return Measured({self.metrics[0]: float(np.mean(curve))}, {self.metrics[0]: (None, *curve)})

    def _features(self, frames: Any) -> Tensor:
        """(N, D) unit vectors of frames."""
        pixels = resized(frames, self.size, "bilinear").to(self.device) / 255
        pixels = normalised(pixels, IMAGENET_MEAN, IMAGENET_STD)
        found = self.model(pixel_values=pixels, interpolate_pos_encoding=True)
        return functional.normalize(found.last_hidden_state[:, 0], dim=-1)


def load(device: str) -> SubjectConsistency:
    """The judge with DINO's weights; NotComputed where they are not on this machine."""
    return from_folder(judge_file("dino-vitb16"), device)


def from_folder(folder: Path, device: str) -> SubjectConsistency:
    """The judge with the ViT of a transformers folder."""
    from transformers import ViTModel

    model = load_pretrained(ViTModel, folder, device, add_pooling_layer=False)
    embeddings = model.embeddings
    embeddings.interpolate_pos_encoding = lambda patches, height, width: positions(
        embeddings.position_embeddings, height // embeddings.patch_size, width // embeddings.patch_size
    )
    return SubjectConsistency(model, device)


def positions(table: Tensor, rows: int, columns: int) -> Tensor:
    """DINO's position table (1, 1 + n * n, D) for ``rows`` x ``columns`` patches.

    Bicubic by the scale (rows + 0.1) / n, where transformers takes rows / n: DINO adds the tenth against
    rounding (facebookresearch/dino, vision_transformer.py), and its published figures contain it.
    """
    side = round((table.shape[1] - 1) ** 0.5)
    if (rows, columns) == (side, side):
        return table
    grid = table[:, 1:].reshape(1, side, side, -1).permute(0, 3, 1, 2)
    scale = ((rows + 0.1) / side, (columns + 0.1) / side)
    grid = functional.interpolate(grid, scale_factor=scale, mode="bicubic", align_corners=False)
    return torch.cat((table[:, :1], grid.permute(0, 2, 3, 1).reshape(1, rows * columns, -1)), dim=1)
