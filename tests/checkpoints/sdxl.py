"""Small SDXL checkpoints with random weights, in the released formats: diffusers folder and single original
file.

Nothing that they draw means anything; they have the released names, shapes' proportions and configurations.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import torch
from diffusers import (
    AutoencoderKL,
    EulerDiscreteScheduler,
    StableDiffusionXLPipeline,
    UNet2DConditionModel,
)
from safetensors.torch import save_file
from tokenizers.pre_tokenizers import ByteLevel
from torch import Tensor
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection, CLIPTokenizer

MERGES = ("t h", "th e</w>", "i n", "in g</w>", "m a", "ma n</w>", "w o", "r e", "re d</w>", "s k</w>", "f c")
WIDE, WIDER = 64, 128


def write_tokenizer(folder: Path, pad_token: str = "<|endoftext|>") -> Path:
    """A CLIP tokenizer's files with a small vocabulary: every byte, a few merges, the two marks last."""
    folder.mkdir(parents=True, exist_ok=True)
    letters = sorted(ByteLevel.alphabet())
    words = [
        *letters,
        *(f"{letter}</w>" for letter in letters),
        *(merge.replace(" ", "") for merge in MERGES),
    ]
    words += ["<|startoftext|>", "<|endoftext|>"]
    (folder / "vocab.json").write_text(json.dumps({word: i for i, word in enumerate(words)}))
    (folder / "merges.txt").write_text("#version: 0.2\n" + "\n".join(MERGES) + "\n")
    marks = {"bos_token": words[-2], "eos_token": words[-1], "unk_token": words[-1], "pad_token": pad_token}
    (folder / "special_tokens_map.json").write_text(json.dumps(marks))
    config = {"tokenizer_class": "CLIPTokenizer", "model_max_length": 77, "do_lower_case": True, **marks}
    (folder / "tokenizer_config.json").write_text(json.dumps(config))
    return folder


def _text(kind: Any, width: int, activation: str, vocabulary: int) -> Any:
    config = CLIPTextConfig(
        vocab_size=vocabulary,
        hidden_size=width,
        intermediate_size=2 * width,
        num_hidden_layers=3,
        num_attention_heads=width // 64,
        projection_dim=width,
        hidden_act=activation,
        bos_token_id=0,
        eos_token_id=2,
        pad_token_id=1,
    )
    return kind(config)


def random_pipeline(
    folder: Path, *, latent_channels: int = 4, prediction_type: str = "epsilon", seed: int = 0
) -> Any:
    """A StableDiffusionXLPipeline: three UNet levels with 0, 1 and 2 transformer blocks, two text
    encoders.
    """
    torch.manual_seed(seed)
    first = CLIPTokenizer.from_pretrained(write_tokenizer(folder / "tokenizer"))
    second = CLIPTokenizer.from_pretrained(write_tokenizer(folder / "tokenizer_2", pad_token="!"))
    unet = UNet2DConditionModel(
        sample_size=8,
        in_channels=latent_channels,
        out_channels=latent_channels,
        block_out_channels=(64, 64, 128),
        layers_per_block=2,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
        transformer_layers_per_block=(1, 1, 2),
        attention_head_dim=(1, 1, 2),
        cross_attention_dim=WIDE + WIDER,
        use_linear_projection=True,
        addition_embed_type="text_time",
        addition_time_embed_dim=8,
        projection_class_embeddings_input_dim=WIDER + 6 * 8,
    )
    vae = AutoencoderKL(
        block_out_channels=(32, 32, 32, 64),
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        layers_per_block=1,
        latent_channels=latent_channels,
        scaling_factor=0.13025,
        force_upcast=True,
        sample_size=1024,
    )
    scheduler = EulerDiscreteScheduler(
        beta_start=0.00085,
        beta_end=0.012,
        beta_schedule="scaled_linear",
        prediction_type=prediction_type,
        steps_offset=1,
        timestep_spacing="leading",
    )
    return StableDiffusionXLPipeline(
        vae=vae,
        unet=unet,
        scheduler=scheduler,
        tokenizer=first,
        tokenizer_2=second,
        text_encoder=_text(CLIPTextModel, WIDE, "quick_gelu", len(first)),
        text_encoder_2=_text(CLIPTextModelWithProjection, WIDER, "gelu", len(first)),
        add_watermarker=False,
    )


def write_folder(folder: Path, variant: str | None = None, **options: Any) -> Path:
    """A diffusers SDXL folder (as RealVisXL's): ``latent_channels``, ``prediction_type``, ``seed`` as
    above.
    """
    random_pipeline(folder, **options).save_pretrained(folder, safe_serialization=True, variant=variant)
    return folder


def write_single_file(path: Path, **options: Any) -> Path:
    """The same weights as ``write_folder`` makes, in one file with the original names, tokenizer beside
    it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    pipe = random_pipeline(path.parent, **options)
    tensors = {f"model.diffusion_model.{_unet_name(k, 2)}": v for k, v in pipe.unet.state_dict().items()}
    tensors |= {
        f"first_stage_model.{_vae_name(k, 4)}": _vae_value(k, v) for k, v in pipe.vae.state_dict().items()
    }
    tensors |= _clip(pipe.text_encoder) | _open_clip(pipe.text_encoder_2)
    save_file({name: value.clone().contiguous() for name, value in tensors.items()}, path)
    return path


def _replace(name: str, pairs: dict[str, str]) -> str:
    for old, new in pairs.items():
        name = re.sub(old, new, name)
    return name


def _unet_name(name: str, layers: int) -> str:
    name = _replace(
        name,
        {
            r"^conv_in\.": "input_blocks.0.0.",
            r"^time_embedding\.linear_1": "time_embed.0",
            r"^time_embedding\.linear_2": "time_embed.2",
            r"^add_embedding\.linear_1": "label_emb.0.0",
            r"^add_embedding\.linear_2": "label_emb.0.2",
            r"^conv_norm_out": "out.0",
            r"^conv_out": "out.2",
            r"^mid_block\.resnets\.0": "middle_block.0",
            r"^mid_block\.attentions\.0": "middle_block.1",
            r"^mid_block\.resnets\.1": "middle_block.2",
        },
    )
    match = re.match(r"(down|up)_blocks\.(\d+)\.(\w+)\.(\d+)\.(.*)", name)
    if match:
        side, block, kind, layer, rest = match[1], int(match[2]), match[3], int(match[4]), match[5]
        row = block * (layers + 1) + (layer if kind in ("resnets", "attentions") else layers)
        row += side == "down"
        place = {"resnets": "0", "attentions": "1", "downsamplers": "0", "upsamplers": "2"}[kind]
        rest = rest.replace("conv.", "op.") if kind == "downsamplers" else rest
        name = f"{'input' if side == 'down' else 'output'}_blocks.{row}.{place}.{rest}"
    return _replace(
        name,
        {
            r"(\d)\.norm1\.(weight|bias)$": r"\1.in_layers.0.\2",
            r"\.conv1\.": ".in_layers.2.",
            r"\.time_emb_proj\.": ".emb_layers.1.",
            r"(\d)\.norm2\.(weight|bias)$": r"\1.out_layers.0.\2",
            r"\.conv2\.": ".out_layers.3.",
            r"\.conv_shortcut\.": ".skip_connection.",
        }
        if "transformer_blocks" not in name
        else {},
    )


def _vae_name(name: str, blocks: int) -> str:
    name = _replace(
        name,
        {
            r"down_blocks\.(\d)\.resnets\.(\d)": r"down.\1.block.\2",
            r"down_blocks\.(\d)\.downsamplers\.0": r"down.\1.downsample",
            r"mid_block\.resnets\.0": "mid.block_1",
            r"mid_block\.resnets\.1": "mid.block_2",
            r"mid_block\.attentions\.0": "mid.attn_1",
            r"attn_1\.group_norm": "attn_1.norm",
            r"attn_1\.to_out\.0": "attn_1.proj_out",
            r"attn_1\.to_([qkv])": r"attn_1.\1",
            r"conv_norm_out": "norm_out",
            r"conv_shortcut": "nin_shortcut",
        },
    )
    match = re.match(r"decoder\.up_blocks\.(\d)\.(resnets|upsamplers)\.(\d)\.(.*)", name)
    if not match:
        return name
    inner = f"block.{match[3]}" if match[2] == "resnets" else "upsample"
    return f"decoder.up.{blocks - 1 - int(match[1])}.{inner}.{match[4]}"


def _vae_value(name: str, value: Tensor) -> Tensor:
    """The original attention is made of 1 x 1 convolutions."""
    return value[..., None, None] if re.search(r"to_(q|k|v|out\.0)\.weight$", name) else value


def _clip(encoder: Any) -> dict[str, Tensor]:
    prefix = "conditioner.embedders.0.transformer.text_model."
    return {prefix + name.removeprefix("text_model."): value for name, value in encoder.state_dict().items()}


def _open_clip(encoder: Any) -> dict[str, Tensor]:
    state = {name.removeprefix("text_model."): value for name, value in encoder.state_dict().items()}
    prefix = "conditioner.embedders.1.model."
    tensors = {
        "positional_embedding": state["embeddings.position_embedding.weight"],
        "token_embedding.weight": state["embeddings.token_embedding.weight"],
        "ln_final.weight": state["final_layer_norm.weight"],
        "ln_final.bias": state["final_layer_norm.bias"],
        "text_projection": state["text_projection.weight"].T,
        "logit_scale": torch.tensor(4.6),
    }
    for layer in range(3):
        old, new = f"encoder.layers.{layer}.", f"transformer.resblocks.{layer}."
        names = {"layer_norm1": "ln_1", "layer_norm2": "ln_2", "mlp.fc1": "mlp.c_fc", "mlp.fc2": "mlp.c_proj"}
        names["self_attn.out_proj"] = "attn.out_proj"
        for kind in ("weight", "bias"):
            tensors |= {f"{new}{b}.{kind}": state[f"{old}{a}.{kind}"] for a, b in names.items()}
            parts = [state[f"{old}self_attn.{p}_proj.{kind}"] for p in "qkv"]
            tensors[f"{new}attn.in_proj_{kind}"] = torch.cat(parts)
    return {prefix + name: value for name, value in tensors.items()}
