"""What HyperLoRA is shown of a person: the face alone on mid grey, normalised as CLIP wants it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from stillmotion.identity.crops import hyperlora_crop
from stillmotion.identity.types import Pixels, Portrait

# The statistics that every published CLIP was trained with.
CLIP_MEAN = (0.48145466, 0.4578275, 0.40821073)
CLIP_STD = (0.26862954, 0.26130258, 0.27577711)


def reference_images(portraits: Sequence[Portrait], size: int) -> list[Pixels]:
    """The portraits' faces, cut out and squared, each (size, size, 3) RGB uint8."""
    return [hyperlora_crop(portrait.image, portrait.face.landmarks, size) for portrait in portraits]


def pixel_values(images: Sequence[Pixels]) -> Tensor:
    """RGB uint8 pictures (H, W, 3) of one size -> CLIP's normalised input (B, 3, H, W) float32."""
    batch = torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2).float() / 255
    mean, std = (torch.tensor(values).view(1, 3, 1, 1) for values in (CLIP_MEAN, CLIP_STD))
    return (batch - mean) / std
