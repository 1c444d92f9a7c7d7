"""SDXL in one safetensors file with its original names: the sizes, read from the tensors.

diffusers would fetch a configuration from the Hub for such a file; nothing is fetched here. The configuration
is derived from the tensors' shapes and from what all SDXL models share (64 channels a head, the VAE's scale,
the noise schedule). Words cannot be derived: a ``tokenizer`` folder must lie beside the file.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from stillmotion.errors import CheckpointError
from stillmotion.libraries import AGAIN
from stillmotion.still.checkpoint import read_shapes

UNET = "model.diffusion_model."
VAE = "first_stage_model."
CLIP = "conditioner.embedders.0.transformer.text_model."
OPEN_CLIP = "conditioner.embedders.1.model."
HEAD = 64
TIME_IDS = 6

Shapes = Mapping[str, tuple[int, ...]]


class _Reader:
    """Shapes by name, with one clear error for the name that is not there."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.shapes: Shapes = read_shapes(path, "an SDXL checkpoint")

    def size(self, name: str, axis: int) -> int:
        """One side of a tensor."""
        shape = self.shapes.get(name, ())
        if axis >= len(shape):
            raise CheckpointError(
                f"{self.path}: no SDXL checkpoint, tensor '{name}' is missing or flat; {AGAIN}"
            )
        return shape[axis]

    def count(self, prefix: str) -> int:
        """How many numbered children ``prefix`` has."""
        rest = (name[len(prefix) :].split(".")[0] for name in self.shapes if name.startswith(prefix))
        return len(set(rest))


def configuration(path: Path) -> dict[str, dict[str, Any]]:
    """File name -> JSON of a diffusers folder for the SDXL checkpoint in ``path``, from its tensors alone."""
    reader = _Reader(path)
    text, text_2 = _clip(reader), _open_clip(reader)
    return {
        "model_index.json": _MODEL_INDEX,
        "unet/config.json": _unet(reader, text_2["projection_dim"]),
        "vae/config.json": _vae(reader),
        "text_encoder/config.json": text,
        "text_encoder_2/config.json": text_2,
        "scheduler/scheduler_config.json": _scheduler(reader),
    }


_MODEL_INDEX = {
    "_class_name": "StableDiffusionXLPipeline",
    "force_zeros_for_empty_prompt": True,
    "scheduler": ["diffusers", "EulerDiscreteScheduler"],
    "text_encoder": ["transformers", "CLIPTextModel"],
    "text_encoder_2": ["transformers", "CLIPTextModelWithProjection"],
    "tokenizer": ["transformers", "CLIPTokenizer"],
    "tokenizer_2": ["transformers", "CLIPTokenizer"],
    "unet": ["diffusers", "UNet2DConditionModel"],
    "vae": ["diffusers", "AutoencoderKL"],
}


def _scheduler(reader: _Reader) -> dict[str, Any]:
    """SDXL's noise schedule; ``v_pred`` and ``ztsnr`` are the marks of v-prediction fine-tunes."""
    return {
        "_class_name": "EulerDiscreteScheduler",
        "beta_start": 0.00085,
        "beta_end": 0.012,
        "beta_schedule": "scaled_linear",
        "num_train_timesteps": 1000,
        "prediction_type": "v_prediction" if "v_pred" in reader.shapes else "epsilon",
        "rescale_betas_zero_snr": "ztsnr" in reader.shapes,
        "steps_offset": 1,
        "timestep_spacing": "leading",
    }


def _unet(reader: _Reader, pooled: int) -> dict[str, Any]:
    """The UNet: block widths, transformer depths and conditioning widths."""
    rows = reader.count(f"{UNET}input_blocks.")
    downs = [row for row in range(1, rows) if f"{UNET}input_blocks.{row}.0.op.weight" in reader.shapes]
    layers = (downs[0] if downs else rows) - 1
    firsts = [1, *(row + 1 for row in downs)]
    channels = [reader.size(f"{UNET}input_blocks.{row}.0.out_layers.3.weight", 0) for row in firsts]
    depths = [reader.count(f"{UNET}input_blocks.{row}.1.transformer_blocks.") for row in firsts]
    label = reader.size(f"{UNET}label_emb.0.0.weight", 1)
    middle = f"{UNET}middle_block.1.transformer_blocks.0.attn2.to_k.weight"
    kinds = [("CrossAttn" if depth else "", depth) for depth in depths]
    return {
        "_class_name": "UNet2DConditionModel",
        "in_channels": reader.size(f"{UNET}input_blocks.0.0.weight", 1),
        "out_channels": reader.size(f"{UNET}out.2.weight", 0),
        "block_out_channels": channels,
        "layers_per_block": layers,
        "down_block_types": [f"{kind}DownBlock2D" for kind, _ in kinds],
        "up_block_types": [f"{kind}UpBlock2D" for kind, _ in reversed(kinds)],
        "transformer_layers_per_block": [max(depth, 1) for depth in depths],
        "attention_head_dim": [max(channel // HEAD, 1) for channel in channels],
        "cross_attention_dim": reader.size(middle, 1),
        "use_linear_projection": True,
        "addition_embed_type": "text_time",
        "addition_time_embed_dim": (label - pooled) // TIME_IDS,
        "projection_class_embeddings_input_dim": label,
        "sample_size": 128,
    }


def _vae(reader: _Reader) -> dict[str, Any]:
    """The baked VAE."""
    blocks = reader.count(f"{VAE}encoder.down.")
    if not blocks:
        raise CheckpointError(
            f"{reader.path}: holds no VAE; take a checkpoint with a baked VAE or a diffusers folder"
        )
    channels = [reader.size(f"{VAE}encoder.down.{i}.block.0.conv1.weight", 0) for i in range(blocks)]
    return {
        "_class_name": "AutoencoderKL",
        "block_out_channels": channels,
        "down_block_types": ["DownEncoderBlock2D"] * blocks,
        "up_block_types": ["UpDecoderBlock2D"] * blocks,
        "layers_per_block": reader.count(f"{VAE}encoder.down.0.block."),
        "latent_channels": reader.size(f"{VAE}decoder.conv_in.weight", 1),
        "scaling_factor": 0.13025,
        "sample_size": 1024,
        "force_upcast": True,
    }


def _clip(reader: _Reader) -> dict[str, Any]:
    """The first text encoder, in transformers' own names."""
    embedding = f"{CLIP}embeddings.token_embedding.weight"
    hidden = reader.size(embedding, 1)
    return _text(
        "CLIPTextModel",
        vocab_size=reader.size(embedding, 0),
        hidden_size=hidden,
        layers=reader.count(f"{CLIP}encoder.layers."),
        intermediate_size=reader.size(f"{CLIP}encoder.layers.0.mlp.fc1.weight", 0),
        positions=reader.size(f"{CLIP}embeddings.position_embedding.weight", 0),
        projection_dim=hidden,
        activation="quick_gelu",
    )


def _open_clip(reader: _Reader) -> dict[str, Any]:
    """The second text encoder, in open_clip's names."""
    return _text(
        "CLIPTextModelWithProjection",
        vocab_size=reader.size(f"{OPEN_CLIP}token_embedding.weight", 0),
        hidden_size=reader.size(f"{OPEN_CLIP}token_embedding.weight", 1),
        layers=reader.count(f"{OPEN_CLIP}transformer.resblocks."),
        intermediate_size=reader.size(f"{OPEN_CLIP}transformer.resblocks.0.mlp.c_fc.weight", 0),
        positions=reader.size(f"{OPEN_CLIP}positional_embedding", 0),
        projection_dim=reader.size(f"{OPEN_CLIP}text_projection", 1),
        activation="gelu",
    )


def _text(
    architecture: str,
    *,
    vocab_size: int,
    hidden_size: int,
    layers: int,
    intermediate_size: int,
    positions: int,
    projection_dim: int,
    activation: str,
) -> dict[str, Any]:
    """A CLIP text encoder's config; eos_token_id 2 makes transformers pool at the largest id, CLIP's end
    token.
    """
    return {
        "architectures": [architecture],
        "model_type": "clip_text_model",
        "vocab_size": vocab_size,
        "hidden_size": hidden_size,
        "num_hidden_layers": layers,
        "num_attention_heads": max(hidden_size // HEAD, 1),
        "intermediate_size": intermediate_size,
        "max_position_embeddings": positions,
        "projection_dim": projection_dim,
        "hidden_act": activation,
        "layer_norm_eps": 1e-05,
        "bos_token_id": 0,
        "eos_token_id": 2,
        "pad_token_id": 1,
    }
