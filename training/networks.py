"""The sizes of mini's networks, each built fresh from the same classes that the full presets load.

About 66 million parameters together: 126 MiB in bfloat16, inside the 128 MiB that the package may carry.
"""

from __future__ import annotations

from typing import Any

from diffusers import AutoencoderKL, AutoencoderKLWan, UNet2DConditionModel, WanVACETransformer3DModel
from transformers import (
    CLIPTextConfig,
    CLIPTextModel,
    CLIPTextModelWithProjection,
    CLIPVisionConfig,
    CLIPVisionModelWithProjection,
    UMT5Config,
    UMT5EncoderModel,
)

from stillmotion.still.hyperlora import HyperLoRA, HyperLoRAConfig
from stillmotion.still.lora import attention_modules

TEXT_1, TEXT_2 = 128, 160
UMT5 = 160
SIZE = 256
TIME_IDS = (SIZE, SIZE, 0, 0, SIZE, SIZE)


def still_vae() -> AutoencoderKL:
    """f8, 16 channels; 6.8 M."""
    return AutoencoderKL(
        in_channels=3,
        out_channels=3,
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        block_out_channels=(64, 128, 160, 160),
        layers_per_block=1,
        latent_channels=16,
        norm_num_groups=16,
        mid_block_add_attention=False,
        sample_size=SIZE,
        scaling_factor=1.0,
        force_upcast=False,
    )


def video_vae() -> AutoencoderKLWan:
    """f8 in space (2x2 patches, then two halvings), 4 in time, 16 channels; 7.9 M."""
    return AutoencoderKLWan(
        base_dim=48,
        decoder_base_dim=48,
        z_dim=16,
        dim_mult=[1, 2, 2],
        num_res_blocks=2,
        temperal_downsample=[True, True],
        patch_size=2,
        in_channels=12,
        out_channels=12,
        scale_factor_spatial=8,
        scale_factor_temporal=4,
        latents_mean=[0.0] * 16,
        latents_std=[1.0] * 16,
    )


def unet() -> UNet2DConditionModel:
    """SDXL's UNet with text-time conditioning and cross attention at all three levels; 19.8 M."""
    channels = (80, 160, 256)
    return UNet2DConditionModel(
        sample_size=SIZE // 8,
        in_channels=16,
        out_channels=16,
        down_block_types=("CrossAttnDownBlock2D",) * 3,
        up_block_types=("CrossAttnUpBlock2D",) * 3,
        block_out_channels=channels,
        layers_per_block=1,
        transformer_layers_per_block=1,
        attention_head_dim=(2, 4, 8),
        use_linear_projection=True,
        cross_attention_dim=TEXT_1 + TEXT_2,
        addition_embed_type="text_time",
        addition_time_embed_dim=32,
        projection_class_embeddings_input_dim=TEXT_2 + 6 * 32,
        norm_num_groups=16,
    )


def text_encoders(vocab: int, eos: int) -> tuple[CLIPTextModel, CLIPTextModelWithProjection]:
    """The two CLIP text encoders of SDXL in small; ``vocab`` and ``eos`` are the tokenizer's."""
    common: dict[str, Any] = {
        "vocab_size": vocab,
        "num_hidden_layers": 4,
        "max_position_embeddings": 77,
        "eos_token_id": eos,
        "bos_token_id": eos - 1,
        "pad_token_id": eos,
    }
    one = CLIPTextConfig(
        hidden_size=TEXT_1,
        intermediate_size=TEXT_1 * 4,
        num_attention_heads=2,
        projection_dim=TEXT_1,
        **common,
    )
    two = CLIPTextConfig(
        hidden_size=TEXT_2,
        intermediate_size=TEXT_2 * 4,
        num_attention_heads=5,
        projection_dim=TEXT_2,
        **common,
    )
    return CLIPTextModel(one), CLIPTextModelWithProjection(two)


def vision() -> CLIPVisionModelWithProjection:
    """The CLIP vision tower that HyperLoRA reads: 64 px, 8x8 patches; 1.6 M."""
    return CLIPVisionModelWithProjection(
        CLIPVisionConfig(
            hidden_size=160,
            intermediate_size=640,
            num_hidden_layers=5,
            num_attention_heads=5,
            image_size=64,
            patch_size=8,
            projection_dim=160,
        )
    )


def hyperlora(model: UNet2DConditionModel) -> HyperLoRA:
    """A fresh HyperLoRA for that UNet: every attention, rank 4 from 32 bases; 5.5 M."""
    config = HyperLoRAConfig(
        hyper_dim=32,
        lora_rank=4,
        width=160,
        depth=3,
        heads=4,
        dim_head=40,
        clip_dim=160,
        num_id_tokens=4,
    )
    return HyperLoRA.from_config(attention_modules(model), config)


def transformer() -> WanVACETransformer3DModel:
    """Wan's transformer with VACE's control blocks; 16.9 M."""
    return WanVACETransformer3DModel(
        patch_size=(1, 2, 2),
        num_attention_heads=5,
        attention_head_dim=64,
        in_channels=16,
        out_channels=16,
        text_dim=UMT5,
        freq_dim=128,
        ffn_dim=896,
        num_layers=8,
        vace_layers=[0, 3, 6],
        vace_in_channels=96,
        rope_max_seq_len=128,
    )


def umt5(vocab: int) -> UMT5EncoderModel:
    """umT5's encoder in small; 1.6 M."""
    return UMT5EncoderModel(
        UMT5Config(
            vocab_size=vocab,
            d_model=UMT5,
            d_kv=40,
            d_ff=448,
            num_layers=4,
            num_heads=4,
            feed_forward_proj="gated-gelu",
            dropout_rate=0.0,
            is_encoder_decoder=False,
            use_cache=False,
        )
    )


def count(model: Any) -> float:
    """Millions of parameters."""
    return float(sum(p.numel() for p in model.parameters()) / 1e6)
