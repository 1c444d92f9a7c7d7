"""Takes the package's weights apart again, into the files that the trainers go on from: the inverse of
`training.install`.

    python -m training.restore --models checkpoints/mini [--from src/stillmotion/weights/mini]
"""

from __future__ import annotations

import argparse
import json
import shutil
from pathlib import Path

import torch
from diffusers import AutoencoderKL, AutoencoderKLWan, UNet2DConditionModel, WanVACETransformer3DModel
from transformers import (
    CLIPTextModel,
    CLIPTextModelWithProjection,
    CLIPTokenizer,
    CLIPVisionModelWithProjection,
    PreTrainedTokenizerFast,
    UMT5EncoderModel,
)

from stillmotion.still.hyperlora import HyperLoRA
from training.common import save_tensors, write_json
from training.motion import MotionModels
from training.still import StillModels

WHOLE = {"torch_dtype": torch.float32}


def still(source: Path, models: Path) -> None:
    """Write still.safetensors, still_vae/ and the tokenizer."""
    tokenizer = CLIPTokenizer.from_pretrained(source / "still/tokenizer")
    trained = StillModels(len(tokenizer), tokenizer.eos_token_id)
    encoder = CLIPVisionModelWithProjection.from_pretrained(source / "image_encoder", dtype=torch.float32)
    trained.unet = UNet2DConditionModel.from_pretrained(source / "still/unet", **WHOLE)
    trained.text_encoder = CLIPTextModel.from_pretrained(source / "still/text_encoder", dtype=torch.float32)
    trained.text_encoder_2 = CLIPTextModelWithProjection.from_pretrained(
        source / "still/text_encoder_2", dtype=torch.float32
    )
    trained.image_encoder = encoder
    hyperlora = HyperLoRA.from_folder(source / "hyperlora", encoder).state_dict()
    trained.hyperlora.load_state_dict({k: hyperlora[k] for k in trained.hyperlora.state_dict()})
    save_tensors(trained.state_dict(), models / "still.safetensors")
    vae = AutoencoderKL.from_pretrained(source / "still/vae", **WHOLE)
    save_tensors(vae.state_dict(), models / "still_vae/vae.safetensors")
    shutil.copytree(source / "still/tokenizer", models / "tokenizers/clip", dirs_exist_ok=True)


def motion(source: Path, models: Path) -> None:
    """Write motion.safetensors, video_vae/ and the tokenizer."""
    tokenizer = PreTrainedTokenizerFast.from_pretrained(source / "motion/tokenizer")
    trained = MotionModels(len(tokenizer))
    trained.transformer = WanVACETransformer3DModel.from_pretrained(source / "motion/transformer", **WHOLE)
    trained.text_encoder = UMT5EncoderModel.from_pretrained(
        source / "motion/text_encoder", dtype=torch.float32
    )
    save_tensors(trained.state_dict(), models / "motion.safetensors")
    vae = AutoencoderKLWan.from_pretrained(source / "motion/vae", **WHOLE)
    save_tensors(vae.state_dict(), models / "video_vae/vae.safetensors")
    spread = {"latent_mean": vae.config.latents_mean, "latent_std": vae.config.latents_std}
    write_json(spread, models / "video_vae/latents.json")
    shutil.copytree(source / "motion/tokenizer", models / "tokenizers/t5", dirs_exist_ok=True)


def main() -> None:
    """Read the command line and restore every part."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--models", type=Path, required=True)
    parser.add_argument("--from", dest="source", type=Path, default=Path("src/stillmotion/weights/mini"))
    args = parser.parse_args()
    still(args.source, args.models)
    motion(args.source, args.models)
    shutil.copytree(args.source / "analyzer", args.models / "face/analyzer", dirs_exist_ok=True)
    print(json.dumps(sorted(str(p.relative_to(args.models)) for p in args.models.rglob("*.safetensors"))))


if __name__ == "__main__":
    main()
