"""Small random Wan checkpoints in exactly the released diffusers folder formats.

Random weights: never show what they draw.

The layouts are those of ``Wan-AI/Wan2.1-VACE-{1.3B,14B}-diffusers``, ``Wan-AI/Wan2.2-TI2V-5B-Diffusers`` and
``Wan-AI/Wan2.2-I2V-A14B-Diffusers``: the same classes, files and config fields, smaller numbers.
"""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import torch
from diffusers import (
    AutoencoderKLWan,
    UniPCMultistepScheduler,
    WanTransformer3DModel,
    WanVACETransformer3DModel,
)
from tokenizers import (
    AddedToken,
    Tokenizer,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
    processors,
    trainers,
)
from transformers import UMT5Config, UMT5EncoderModel

TEXT_DIM = 32
TEXTS = (
    "A woman smiles and turns her head slowly to the left.",
    "A man waves his right hand and laughs in the warm light of the evening.",
    "A person walks along the beach, looks into the camera and nods.",
    "细节模糊不清，最差质量，低质量，静态，字幕",
)
WAN_MEAN = [
    -0.76,
    -0.71,
    -0.91,
    0.11,
    -0.17,
    0.97,
    -0.15,
    1.55,
    0.41,
    -0.07,
    0.55,
    -0.36,
    -0.19,
    -0.95,
    0.25,
    -0.29,
]
WAN_STD = [2.82, 1.45, 2.33, 2.66, 1.22, 1.77, 2.61, 2.07, 3.27, 2.15, 2.87, 1.56, 1.64, 1.13, 2.83, 1.92]


def write_vace(folder: Path, *, seed: int = 0, patched_vae: bool = False) -> Path:
    """A Wan2.1-VACE folder; ``patched_vae``: with ``patch_size`` 2 and still 8 pixels a latent."""
    torch.manual_seed(seed)
    vae = _vae_patched() if patched_vae else _vae_21()
    transformer = WanVACETransformer3DModel(
        **_transformer(16, 16), vace_layers=[0, 2], vace_in_channels=2 * 16 + 8 * 8
    )
    _liven(transformer)
    return _write(folder, "WanVACEPipeline", vae, {"transformer": transformer, "transformer_2": None}, 3.0)


def write_ti2v(folder: Path, *, seed: int = 0) -> Path:
    """A Wan2.2-TI2V-5B folder: a residual VAE of 48 channels and 16 pixels a latent, timesteps per token."""
    torch.manual_seed(seed)
    vae = AutoencoderKLWan(
        base_dim=8, decoder_base_dim=8, z_dim=48, dim_mult=[1, 2, 4, 4], num_res_blocks=1, is_residual=True,
        in_channels=12, out_channels=12, patch_size=2, scale_factor_spatial=16, scale_factor_temporal=4,
        latents_mean=[0.01 * i for i in range(48)], latents_std=[1 + 0.01 * i for i in range(48)],
    )  # fmt: skip
    transformer = WanTransformer3DModel(**_transformer(48, 48))
    extra = {"boundary_ratio": None, "expand_timesteps": True}
    return _write(folder, "WanPipeline", vae, {"transformer": transformer, "transformer_2": None}, 5.0, extra)


def write_i2v(folder: Path, *, seed: int = 0) -> Path:
    """A Wan2.2-I2V-A14B folder: two transformers, boundary 0.9, no image encoder."""
    torch.manual_seed(seed)
    high, low = WanTransformer3DModel(**_transformer(36, 16)), WanTransformer3DModel(**_transformer(36, 16))
    models_ = {"transformer": high, "transformer_2": low, "image_encoder": None, "image_processor": None}
    extra = {"boundary_ratio": 0.9}
    return _write(folder, "WanImageToVideoPipeline", _vae_21(), models_, 3.0, extra)


def _transformer(in_channels: int, out_channels: int) -> dict[str, Any]:
    """The transformer's config, small: two heads of 16 (rotary positions need at least 12), 3 layers."""
    return {
        "patch_size": (1, 2, 2), "num_attention_heads": 2, "attention_head_dim": 16,
        "in_channels": in_channels, "out_channels": out_channels, "text_dim": TEXT_DIM, "freq_dim": 32,
        "ffn_dim": 64, "num_layers": 3, "cross_attn_norm": True, "qk_norm": "rms_norm_across_heads",
        "eps": 1e-6, "rope_max_seq_len": 64,
    }  # fmt: skip


def _liven(transformer: torch.nn.Module) -> None:
    """Random where a fresh model is zero, so that what the control branch is fed shows in the frames."""
    with torch.no_grad():
        for name, parameter in transformer.named_parameters():
            if name.startswith("vace_blocks") and "proj_" in name:
                parameter.normal_(std=0.3)


def _vae_21() -> AutoencoderKLWan:
    return AutoencoderKLWan(
        base_dim=8,
        z_dim=16,
        dim_mult=[1, 2, 2, 2],
        num_res_blocks=1,
        latents_mean=WAN_MEAN,
        latents_std=WAN_STD,
    )


def _vae_patched() -> AutoencoderKLWan:
    return AutoencoderKLWan(
        base_dim=8, z_dim=16, dim_mult=[1, 2, 2], num_res_blocks=1, temperal_downsample=[True, True],
        in_channels=12, out_channels=12, patch_size=2, scale_factor_spatial=8, scale_factor_temporal=4,
        latents_mean=WAN_MEAN, latents_std=WAN_STD,
    )  # fmt: skip


def _write(
    folder: Path,
    pipeline: str,
    vae: Any,
    parts: dict[str, Any],
    flow_shift: float,
    extra: dict[str, Any] | None = None,
) -> Path:
    """Write all components and ``model_index.json``."""
    folder.mkdir(parents=True, exist_ok=True)
    vocabulary = write_tokenizer(folder / "tokenizer")
    write_text_encoder(folder / "text_encoder", vocabulary)
    vae.save_pretrained(folder / "vae")
    UniPCMultistepScheduler(
        prediction_type="flow_prediction",
        use_flow_sigmas=True,
        flow_shift=flow_shift,
        num_train_timesteps=1000,
    ).save_pretrained(folder / "scheduler")
    index: dict[str, Any] = {"_class_name": pipeline, "_diffusers_version": "0.34.0.dev0", **(extra or {})}
    index["scheduler"] = ["diffusers", "UniPCMultistepScheduler"]
    index["text_encoder"] = ["transformers", "UMT5EncoderModel"]
    index["tokenizer"] = ["transformers", "T5TokenizerFast"]
    index["vae"] = ["diffusers", "AutoencoderKLWan"]
    for name, model in parts.items():
        index[name] = [None, None] if model is None else ["diffusers", type(model).__name__]
        if model is not None:
            model.save_pretrained(folder / name, max_shard_size="200KB")
    (folder / "model_index.json").write_text(json.dumps(index, indent=2) + "\n")
    return folder


def write_text_encoder(folder: Path, vocabulary: int) -> None:
    """A small umT5 encoder: unlike T5, every layer has its own relative position bias."""
    config = UMT5Config(
        vocab_size=vocabulary, d_model=TEXT_DIM, d_kv=8, d_ff=48, num_layers=2, num_decoder_layers=2,
        num_heads=4, feed_forward_proj="gated-gelu", tie_word_embeddings=False, pad_token_id=0,
        eos_token_id=1,
    )  # fmt: skip
    UMT5EncoderModel(config).save_pretrained(folder)


def write_tokenizer(folder: Path) -> int:
    """A Unigram tokenizer as umT5's: tokenizer.json, spiece.model and the two configs; returns the
    vocabulary's size.
    """
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFKC()])
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always")
    tokenizer.decoder = decoders.Metaspace(replacement="▁", prepend_scheme="always")
    special = ["<pad>", "</s>", "<unk>"]
    trainer = trainers.UnigramTrainer(
        vocab_size=160, special_tokens=special, unk_token="<unk>", show_progress=False
    )
    tokenizer.train_from_iterator(TEXTS, trainer)
    tokenizer.add_special_tokens([AddedToken(f"<extra_id_{i}>", normalized=False) for i in range(4)])
    tokenizer.post_processor = processors.TemplateProcessing(
        single=["$A", "</s>"], pair=["$A", "</s>", "$B", "</s>"], special_tokens=[("</s>", 1)]
    )
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(folder / "tokenizer.json"))
    pieces = json.loads(tokenizer.to_str())["model"]["vocab"]
    (folder / "spiece.model").write_bytes(_sentencepiece(pieces))
    names = {"eos_token": "</s>", "pad_token": "<pad>", "unk_token": "<unk>"}
    (folder / "special_tokens_map.json").write_text(json.dumps(names))
    config = {**names, "extra_ids": 4, "model_max_length": 512, "tokenizer_class": "T5Tokenizer"}
    (folder / "tokenizer_config.json").write_text(json.dumps(config))
    return tokenizer.get_vocab_size()


def _sentencepiece(pieces: list[tuple[str, float]]) -> bytes:
    """A sentencepiece ``ModelProto``: pieces {1: text, 2: score, 3: type}; type 2 unknown, 3 control."""
    kinds = {"<pad>": 3, "</s>": 3, "<unk>": 2}
    model = b""
    for piece, score in pieces:
        text = piece.encode()
        entry = b"\x0a" + _varint(len(text)) + text + b"\x15" + struct.pack("<f", score)
        entry += b"\x18" + _varint(kinds.get(piece, 1))
        model += b"\x0a" + _varint(len(entry)) + entry
    return model


def _varint(value: int) -> bytes:
    """Protocol Buffers' variable-length integer."""
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])
