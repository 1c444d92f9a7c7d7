"""Where the parts of a checkpoint lie while a clip is made: decided from free memory and the files' sizes.

Estimates, in bytes. Activations of the transformer: 24 tensors of tokens x width; diffusers' VACE-14B at
832x480x81 was measured to need 6.3 GiB over its weights, which is 20. Those of the VAE: 12 feature maps of 4
frames at full size.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any, Literal

import torch

from stillmotion.presets import MotionPreset

Strategy = Literal["resident", "release", "offload", "stream"]
MODELS = ("text_encoder", "vae", "transformer", "transformer_2")
MARGIN = 1.1
"""Allocators and libraries take some memory besides the tensors."""


@dataclass(frozen=True)
class Placement:
    """``strategy``: "resident" all on the device; "release" the text encoder only while it encodes (CPU);
    "offload" one model at a time on the GPU; "stream" block by block. ``tiling``: the VAE works in tiles.
    """

    strategy: Strategy
    tiling: bool


def weight_bytes(folder: Path, dtypes: dict[str, torch.dtype]) -> dict[str, int]:
    """Bytes of each model's weights in the dtype that it is loaded with, from the safetensors headers."""
    sizes: dict[str, int] = {}
    for name in MODELS:
        files = sorted((folder / name).glob("*.safetensors"))
        if files:
            sizes[name] = sum(map(_elements, files)) * dtypes[name].itemsize
    return sizes


def _elements(path: Path) -> int:
    """The number of elements in a safetensors file that was checked before."""
    with path.open("rb") as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
    return sum(prod(entry["shape"]) for name, entry in header.items() if name != "__metadata__")


def free_bytes(device: torch.device) -> int:
    """Free memory of the device now: the driver's figure for a GPU, the system's for the CPU."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    import psutil  # type: ignore[import-untyped]

    return int(psutil.virtual_memory().available)


def activation_bytes(
    preset: MotionPreset, transformer: dict[str, Any], vae: dict[str, Any], itemsize: int
) -> tuple[int, int]:
    """Estimated peaks of the transformer and of the VAE at the preset's size, from their configs;
    ``itemsize`` is the transformer's.
    """
    spatial = int(vae.get("scale_factor_spatial") or 8)
    patch = int(transformer["patch_size"][1])
    latent_frames = (preset.num_frames - 1) // 4 + 2
    tokens = latent_frames * (preset.height // (spatial * patch)) * (preset.width // (spatial * patch))
    inner = int(transformer["num_attention_heads"]) * int(transformer["attention_head_dim"])
    base = int(vae.get("decoder_base_dim") or vae.get("base_dim") or 96)
    pixels = preset.height * preset.width // int(vae.get("patch_size") or 1) ** 2
    return 24 * tokens * inner * itemsize, 12 * 4 * base * pixels * 4


def decide(
    device: torch.device, sizes: dict[str, int], free: int, denoising: int, decoding: int
) -> Placement:
    """The fastest placement that fits into ``free`` bytes; ``denoising`` and ``decoding`` are activations."""
    everything, largest = sum(sizes.values()), max(sizes.values())

    def fits(weights: int, work: int) -> bool:
        return MARGIN * (weights + work) <= free

    if fits(everything, max(denoising, decoding)):
        return Placement("resident", False)
    if device.type == "cpu":
        return Placement("release", not fits(everything - sizes["text_encoder"], decoding))
    strategy: Strategy = "offload" if fits(largest, denoising) else "stream"
    return Placement(strategy, not fits(sizes["vae"], decoding))
