"""Small HyperLoRA checkpoints with random weights, in the released format, and a CLIP vision tower to go
with them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection

from stillmotion.still.hyperlora import HyperLoRA, HyperLoRAConfig
from stillmotion.still.lora import attention_modules

WIDTH = 32


def write_image_encoder(folder: Path, seed: int = 0, image_size: int = 32) -> Path:
    """A CLIPVisionModelWithProjection folder."""
    torch.manual_seed(seed)
    config = CLIPVisionConfig(
        hidden_size=WIDTH,
        intermediate_size=2 * WIDTH,
        num_hidden_layers=3,
        num_attention_heads=2,
        image_size=image_size,
        patch_size=8,
        projection_dim=16,
    )
    CLIPVisionModelWithProjection(config).save_pretrained(folder)
    return folder


def ldm_name(name: str, layers: int = 2) -> str:
    """A diffusers-style attention name as the released files have it."""
    for side, ldm, shift in (("down", "input", 1), ("up", "output", 0)):
        start = f"lora_unet_{side}_blocks_"
        if name.startswith(start):
            block, _, layer, rest = name.removeprefix(start).split("_", 3)
            return f"lora_unet_{ldm}_blocks_{int(block) * (layers + 1) + int(layer) + shift}_1_{rest}"
    return name.replace("mid_block_attentions_0", "middle_block_1")


def write_hyperlora(
    folder: Path, unet: Any, *, ldm: bool = True, seed: int = 0, strength: float = 1.0
) -> Path:
    """A HyperLoRA for every attention of ``unet``; 512 numbers of a face in, as ArcFace gives them."""
    torch.manual_seed(seed)
    modules = attention_modules(unet)
    named = {ldm_name(name): sizes for name, sizes in modules.items()} if ldm else modules
    config = HyperLoRAConfig(
        hyper_dim=8, lora_rank=4, width=32, depth=2, heads=2, dim_head=16, clip_dim=WIDTH, num_id_tokens=4
    )
    model = HyperLoRA.from_config(named, config)
    for name, parameter in model.named_parameters():
        if "up_basis" in name:
            torch.nn.init.normal_(parameter, std=strength)
    model.save(folder)
    return folder
