"""aesthetic_quality and imaging_quality: how the frames look, whoever is in them.

aesthetic_quality (VBench's vbench/aesthetic_quality.py): LAION's linear head on the unit embedding of CLIP
ViT-L/14, / 10, mean over all frames; 224 bicubic without antialiasing, centre crop (``clip_transform``).

imaging_quality (vbench/imaging_quality.py): MUSIQ trained on SPAQ, / 100, mean over all frames; a longer
side over 512 is resized to 512, bilinear without antialiasing. MUSIQ's network comes from the package pyiqa,
which is non-commercial and therefore optional; its weights are read from safetensors all the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from stillmotion.evaluate.networks import load_pretrained
from stillmotion.evaluate.pixels import CLIP_MEAN, CLIP_STD, batches, centre_crop, normalised, resized
from stillmotion.evaluate.tensors import fill, read_tensors
from stillmotion.evaluate.types import Measured, NotComputed, Sample
from stillmotion.evaluate.weights import judge_file

LARGEST = 512
"""Pixels of the longer side that MUSIQ sees at most."""


@dataclass(eq=False)
class AestheticQuality:
    """``model`` is transformers' CLIPVisionModelWithProjection, ``head`` a linear layer on its embedding."""

    model: Any
    head: nn.Linear
    device: str
    metrics: tuple[str, ...] = ("aesthetic_quality",)

    @torch.inference_mode()
    def measure(self, sample: Sample) -> Measured:
        """The video's mean, about 0..1, and each frame's figure."""
        found = torch.cat([self._scores(frames) for frames in batches(sample.frames)]).tolist()
        return Measured({self.metrics[0]: float(np.mean(found))}, {self.metrics[0]: tuple(found)})

    def _scores(self, frames: Any) -> Tensor:
        """(N,) figures of frames."""
        size = self.model.config.image_size
        pixels = centre_crop(resized(frames, size, "bicubic"), size).to(self.device) / 255
        seen = self.model(pixel_values=normalised(pixels, CLIP_MEAN, CLIP_STD)).image_embeds
        scores: Tensor = self.head(functional.normalize(seen, dim=-1))[:, 0] / 10
        return scores


@dataclass(eq=False)
class ImagingQuality:
    """``network``: (1, 3, H, W) in 0..1 -> a score in 0..100."""

    network: Any
    device: str
    metrics: tuple[str, ...] = ("imaging_quality",)

    @torch.inference_mode()
    def measure(self, sample: Sample) -> Measured:
        """The video's mean in 0..1, and each frame's figure."""
        found = tuple(self._score(frame) for frame in sample.frames)
        return Measured({self.metrics[0]: float(np.mean(found))}, {self.metrics[0]: found})

    def _score(self, frame: Any) -> float:
        """One frame's figure in 0..1."""
        height, width = frame.shape[:2]
        pixels = torch.tensor(frame).permute(2, 0, 1)[None].float()
        if max(height, width) > LARGEST:
            scale = LARGEST / max(height, width)
            size = (int(scale * height), int(scale * width))
            pixels = functional.interpolate(pixels, size=size, mode="bilinear", align_corners=False)
        return float(self.network(pixels.to(self.device) / 255)) / 100


def load_aesthetic(device: str) -> AestheticQuality:
    """The judge with OpenAI's and LAION's weights; NotComputed where they are not on this machine."""
    head = judge_file("aesthetic-head")
    return aesthetic_from(judge_file("clip-vit-large-patch14"), head, device)


def aesthetic_from(folder: Path, head: Path, device: str) -> AestheticQuality:
    """The judge with the CLIP vision tower of a transformers folder and a head's safetensors file."""
    from transformers import CLIPVisionModelWithProjection

    model = load_pretrained(CLIPVisionModelWithProjection, folder, device)
    linear = fill(nn.Linear(model.config.projection_dim, 1), read_tensors(head), head)
    return AestheticQuality(model, linear.to(device), device)


def load_imaging(device: str) -> ImagingQuality:
    """The judge with pyiqa's MUSIQ; NotComputed where the package or its weights are absent."""
    try:
        from pyiqa.archs.musiq_arch import MUSIQ  # type: ignore[import-not-found,import-untyped,unused-ignore]
    except ImportError:
        raise NotComputed(
            "imaging_quality needs the package pyiqa, which is licensed for NON-COMMERCIAL use only; "
            "if that fits: pip install pyiqa, then: stillmotion download evaluate-musiq"
        ) from None
    path = judge_file("musiq-spaq")
    return ImagingQuality(fill(MUSIQ(pretrained=False), read_tensors(path), path).to(device), device)
