"""Puts trained weights into the package, in exactly the formats of the full presets.

    python -m training.install --models checkpoints/mini [--into src/stillmotion/weights/mini]

``models`` holds what the trainers wrote: still_vae/, video_vae/, still.safetensors,
motion.safetensors, face/ and tokenizers/. Everything is stored in bfloat16, in files of at most 24
MB, with a manifest of hashes.
"""

from __future__ import annotations

import argparse
import json
import shutil
from pathlib import Path
from typing import Any

import torch
from diffusers import (
    EulerDiscreteScheduler,
    StableDiffusionXLPipeline,
    UniPCMultistepScheduler,
    WanVACEPipeline,
)
from transformers import CLIPImageProcessor, CLIPTokenizer, PreTrainedTokenizerFast

from stillmotion.motion.vace import ZEROS, RememberingVACEPipeline
from stillmotion.weights import manifest
from training import networks
from training.common import load_tensors
from training.motion import MotionModels
from training.still import StillModels

SHARD = "20MB"
FRAMES = 17


def still(models: Path, into: Path) -> None:
    """Write still/ (an SDXL folder), hyperlora/ and image_encoder/."""
    tokenizer = CLIPTokenizer.from_pretrained(models / "tokenizers/clip")
    trained = StillModels(len(tokenizer), tokenizer.eos_token_id)
    trained.load_state_dict(load_tensors(models / "still.safetensors"))
    vae = networks.still_vae()
    vae.load_state_dict(load_tensors(models / "still_vae/vae.safetensors"))
    scheduler = EulerDiscreteScheduler(
        beta_start=0.00085,
        beta_end=0.012,
        beta_schedule="scaled_linear",
        prediction_type="v_prediction",
        timestep_spacing="leading",
        steps_offset=1,
    )
    pipe = StableDiffusionXLPipeline(
        vae=vae,
        text_encoder=trained.text_encoder,
        text_encoder_2=trained.text_encoder_2,
        tokenizer=tokenizer,
        tokenizer_2=tokenizer,
        unet=trained.unet,
        scheduler=scheduler,
        force_zeros_for_empty_prompt=False,
        add_watermarker=False,
    )
    pipe.to(torch.bfloat16)
    pipe.save_pretrained(into / "still", safe_serialization=True, max_shard_size=SHARD)
    trained.hyperlora.save(into / "hyperlora", dtype=torch.bfloat16)
    trained.image_encoder.to(torch.bfloat16).save_pretrained(into / "image_encoder", safe_serialization=True)
    size = {"shortest_edge": trained.image_encoder.config.image_size}
    CLIPImageProcessor(size=size, crop_size=size["shortest_edge"]).save_pretrained(into / "image_encoder")


def motion(models: Path, into: Path) -> None:
    """Write motion/, a WanVACEPipeline folder."""
    tokenizer = PreTrainedTokenizerFast.from_pretrained(models / "tokenizers/t5")
    trained = MotionModels(len(tokenizer))
    trained.load_state_dict(load_tensors(models / "motion.safetensors"))
    vae = networks.video_vae()
    vae.load_state_dict(load_tensors(models / "video_vae/vae.safetensors"))
    figures: dict[str, Any] = json.loads((models / "video_vae/latents.json").read_text())
    vae.register_to_config(latents_mean=figures["latent_mean"], latents_std=figures["latent_std"])
    scheduler = UniPCMultistepScheduler(
        prediction_type="flow_prediction", use_flow_sigmas=True, flow_shift=3.0, num_train_timesteps=1000
    )
    pipe = WanVACEPipeline(
        tokenizer=tokenizer,
        text_encoder=trained.text_encoder,
        vae=vae,
        transformer=trained.transformer,
        scheduler=scheduler,
    )
    pipe.to(torch.bfloat16)
    pipe.save_pretrained(into / "motion", safe_serialization=True, max_shard_size=SHARD)
    pipe.to(torch.float32)  # as it is loaded: with the rounded weights, but in full precision
    remembering = RememberingVACEPipeline(**pipe.components)
    remembering.remember(into / "motion" / ZEROS, FRAMES, networks.SIZE, networks.SIZE)


def analyzer(models: Path, into: Path) -> None:
    """Copy the face analyzer's folder."""
    shutil.copytree(models / "face/analyzer", into / "analyzer", dirs_exist_ok=True)


def main() -> None:
    """Install every part that has been trained."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--models", type=Path, default=Path("checkpoints/mini"))
    parser.add_argument("--into", type=Path, default=Path("src/stillmotion/weights/mini"))
    args = parser.parse_args()
    for part in (still, motion, analyzer):
        part(args.models, args.into)
    for folder in sorted(p for p in args.into.iterdir() if p.is_dir()):
        manifest.write(folder)
    total = sum(f.stat().st_size for f in args.into.rglob("*") if f.is_file())
    print(f"{total / 2**20:.1f} MiB in {args.into}")


if __name__ == "__main__":
    main()
