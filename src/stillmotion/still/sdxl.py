"""SDXL: a checkpoint becomes models, latents become pictures. It knows no people, faces or candidates.

Checkpoints are diffusers folders, or single safetensors files with the original names (see ``single_file``;
their ``tokenizer`` folder lies beside them). Only safetensors and JSON are read, nothing is fetched.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from diffusers import (
    AutoencoderKL,
    DDIMScheduler,
    DPMSolverMultistepScheduler,
    StableDiffusionXLPipeline,
    UNet2DConditionModel,
)
from numpy.typing import NDArray
from torch import Tensor
from transformers import CLIPTextModel, CLIPTextModelWithProjection

from stillmotion.errors import CheckpointError
from stillmotion.libraries import AGAIN, one_line, quiet
from stillmotion.still.checkpoint import read_json
from stillmotion.still.single_file import configuration
from stillmotion.still.text import Encoded, encode
from stillmotion.still.tokenizers import load_tokenizers, single_file_in
from stillmotion.weights import check_folder, offline_environment

PARTS: dict[str, Any] = {
    "unet": UNet2DConditionModel,
    "vae": AutoencoderKL,
    "text_encoder": CLIPTextModel,
    "text_encoder_2": CLIPTextModelWithProjection,
}
_SCHEDULERS: dict[str, tuple[Any, dict[str, Any]]] = {
    "dpm++2m-karras": (
        DPMSolverMultistepScheduler,
        {"algorithm_type": "dpmsolver++", "solver_order": 2, "use_karras_sigmas": True},
    ),
    # Latents are not bounded by 1, so clipping them, DDIM's default, would ruin them.
    "ddim-trailing": (
        DDIMScheduler,
        {"timestep_spacing": "trailing", "clip_sample": False, "set_alpha_to_one": False},
    ),
}
GUIDED_ABOVE = 1.0

Report = Callable[[int, int], None]


@dataclass(frozen=True)
class Conditions:
    """What every step is conditioned on: embeddings (B, 77, C) and pooled (B, P); B is 2 with guidance."""

    tokens: Tensor
    pooled: Tensor
    guidance_scale: float


def load_pipeline(path: Path, scheduler: str, dtype: torch.dtype) -> Any:
    """Load diffusers' SDXL pipeline from a folder or a single file, on the CPU, its VAE in float32.

    ``scheduler`` is one of StillPreset's names; it honours the checkpoint's prediction type. Raises
    CheckpointError naming the file and what is wrong with it.
    """
    offline_environment()
    check_folder(path)
    file = single_file_in(path)
    with quiet():
        pipe = _from_file(file, dtype, scheduler) if file else _from_folder(path, dtype, scheduler)
    for name in PARTS:
        part = getattr(pipe, name)
        part.eval().requires_grad_(False)
        lost = next((key for key, value in part.state_dict().items() if value.is_meta), None)
        if lost:
            raise CheckpointError(f"{file or path}: the {name}'s tensor '{lost}' is missing; {AGAIN}")
    return pipe


def encode_prompts(
    pipe: Any, prompt: str, negative: str, guidance_scale: float, clip_skip: int
) -> Conditions:
    """Embed the prompts. Without guidance the negative one is not used; where the checkpoint asks for it, an
    empty negative prompt is zeros.
    """
    positive = encode(prompt, pipe, clip_skip)
    if guidance_scale <= GUIDED_ABOVE:
        return Conditions(positive.tokens, positive.pooled, guidance_scale)
    if not negative.strip() and pipe.config.force_zeros_for_empty_prompt:
        other = Encoded(torch.zeros_like(positive.tokens), torch.zeros_like(positive.pooled))
    else:
        other = encode(negative, pipe, clip_skip)
    tokens = torch.cat([other.tokens, positive.tokens])
    return Conditions(tokens, torch.cat([other.pooled, positive.pooled]), guidance_scale)


def scale_of(pipe: Any) -> int:
    """Pixels per latent, along one side."""
    return int(2 ** (len(pipe.vae.config.block_out_channels) - 1))


def latent_step(pipe: Any) -> int:
    """What both sides of a picture must be a multiple of, in pixels."""
    return scale_of(pipe)


def add_lora(pipe: Any, path: Path, weight: float = 1.0) -> None:
    """Merge a LoRA that belongs to the preset, not to a person, into the UNet for good (a few-step LoRA).

    ``path``: one safetensors file, or the folder that holds it. Done once after loading, before any person.
    """
    check_folder(path)
    file = single_file_in(path)
    if file is None:
        raise CheckpointError(f"{path}: should hold exactly one LoRA in a .safetensors file; {AGAIN}")
    try:
        with quiet():
            pipe.load_lora_weights(
                str(file.parent), weight_name=file.name, use_safetensors=True, local_files_only=True
            )
            pipe.fuse_lora(lora_scale=weight)
            pipe.unload_lora_weights()
    except MemoryError:
        raise
    except Exception as fault:  # diffusers and peft raise nearly anything for a file they do not understand
        raise CheckpointError(
            f"{file}: no LoRA for this SDXL checkpoint ({one_line(fault)}); {AGAIN}"
        ) from None


@torch.inference_mode()
def denoise(pipe: Any, conditions: Conditions, latents: Tensor, timesteps: Tensor, report: Report) -> Tensor:
    """Run the scheduler's ``timesteps`` on latents (1, C, h, w) float32; ``report(done, total)`` after each.

    The picture's size is told to the UNet as its original size, uncropped.
    """
    unet, guidance = pipe.unet, conditions.guidance_scale
    batch = conditions.tokens.shape[0]
    size = [side * scale_of(pipe) for side in latents.shape[-2:]]
    added = {
        "text_embeds": conditions.pooled,
        "time_ids": torch.tensor([[*size, 0, 0, *size]] * batch, dtype=torch.float32, device=latents.device),
    }
    for done, timestep in enumerate(timesteps, start=1):
        given = pipe.scheduler.scale_model_input(latents.expand(batch, -1, -1, -1), timestep).to(unet.dtype)
        given = given.contiguous(memory_format=torch.channels_last)
        noise = unet(given, timestep, conditions.tokens, added_cond_kwargs=added, return_dict=False)[
            0
        ].float()
        if batch == 2:
            noise = noise[:1] + guidance * (noise[1:] - noise[:1])
        latents = pipe.scheduler.step(noise, timestep, latents, return_dict=False)[0]
        report(done, len(timesteps))
    return latents


@torch.inference_mode()
def sample(
    pipe: Any,
    conditions: Conditions,
    size: tuple[int, int],
    steps: int,
    *,
    generator: torch.Generator,
    report: Report,
) -> NDArray[np.uint8]:
    """A new picture (height, width, 3) uint8 of ``size`` (height, width) from noise of the CPU
    ``generator``.
    """
    device = pipe._execution_device
    pipe.scheduler.set_timesteps(steps, device=device)
    noise = _noise(pipe, size, generator).to(device)
    latents = denoise(
        pipe, conditions, noise * pipe.scheduler.init_noise_sigma, pipe.scheduler.timesteps, report
    )
    return decode(pipe, latents)


@torch.inference_mode()
def refine(
    pipe: Any,
    conditions: Conditions,
    image: NDArray[np.uint8],
    *,
    strength: float,
    steps: int,
    generator: torch.Generator,
    report: Report,
) -> NDArray[np.uint8]:
    """Noise a picture (H, W, 3) by ``strength`` in 0..1 and denoise it again in ``steps`` steps.

    The steps are the last of a schedule of steps / strength, so that 10 steps at 0.5 are 10 steps.
    """
    device = pipe._execution_device
    pipe.scheduler.set_timesteps(max(steps, round(steps / strength)), device=device)
    timesteps = pipe.scheduler.timesteps[-steps:]
    if hasattr(pipe.scheduler, "set_begin_index"):  # DDIM keeps no index: it goes by the timesteps alone
        pipe.scheduler.set_begin_index(len(pipe.scheduler.timesteps) - steps)
    noise = _noise(pipe, (image.shape[0], image.shape[1]), generator).to(device)
    latents = pipe.scheduler.add_noise(encode_image(pipe, image), noise, timesteps[:1])
    return decode(pipe, denoise(pipe, conditions, latents, timesteps, report))


def encode_image(pipe: Any, image: NDArray[np.uint8]) -> Tensor:
    """A picture (H, W, 3) uint8 -> its latents (1, C, h, w) float32, scaled as the UNet knows them."""
    vae = pipe.vae
    pixels = torch.from_numpy(image.copy()).permute(2, 0, 1)[None].to(pipe._execution_device)
    given = (pixels.to(vae.dtype) / 127.5 - 1).contiguous(memory_format=torch.channels_last)
    latents: Tensor = vae.encode(given).latent_dist.mode().float()
    mean, std = _statistics(vae, latents)
    return (latents - mean) / std


def decode(pipe: Any, latents: Tensor) -> NDArray[np.uint8]:
    """Latents (1, C, h, w) -> the picture (H, W, 3) uint8."""
    vae = pipe.vae
    mean, std = _statistics(vae, latents)
    given = (latents * std + mean).to(vae.dtype).contiguous(memory_format=torch.channels_last)
    pixels = vae.decode(given, return_dict=False)[0][0].float()
    return np.asarray(((pixels.clamp(-1, 1) + 1) * 127.5).round().byte().permute(1, 2, 0).cpu().numpy())


def _statistics(vae: Any, latents: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and deviation of the VAE's latents, from its config."""
    given = [getattr(vae.config, name, None) for name in ("latents_mean", "latents_std")]
    mean, std = (0.0, 1.0) if None in given else given
    shaped = [torch.tensor(value, device=latents.device).reshape(1, -1, 1, 1) for value in (mean, std)]
    return shaped[0], shaped[1] / vae.config.scaling_factor


def _noise(pipe: Any, size: tuple[int, int], generator: torch.Generator) -> Tensor:
    """Unit noise on the CPU for a picture of ``size``, so that a seed means the same on every device."""
    height, width = (side // scale_of(pipe) for side in size)
    return torch.randn((1, pipe.unet.config.in_channels, height, width), generator=generator)


def _from_folder(folder: Path, dtype: torch.dtype, scheduler: str) -> Any:
    index = read_json(folder / "model_index.json", "an SDXL pipeline's list of parts")
    kind = index.get("_class_name")
    if kind not in ("StableDiffusionXLPipeline", "StableDiffusionXLImg2ImgPipeline"):
        raise CheckpointError(f"{folder / 'model_index.json'}: is a {kind}, not an SDXL checkpoint; give one")
    tokenizer, tokenizer_2 = load_tokenizers(folder)
    schedule = read_json(folder / "scheduler" / "scheduler_config.json", "the noise schedule")
    build: Any = StableDiffusionXLPipeline
    return build(
        **{name: _part(folder, name, torch.float32 if name == "vae" else dtype) for name in PARTS},
        tokenizer=tokenizer,
        tokenizer_2=tokenizer_2,
        scheduler=_scheduler(scheduler, schedule),
        force_zeros_for_empty_prompt=bool(index.get("force_zeros_for_empty_prompt", True)),
        add_watermarker=False,
    )


def _scheduler(name: str, schedule: dict[str, Any]) -> Any:
    """The named solver on the checkpoint's own noise schedule and prediction type."""
    kind, options = _SCHEDULERS[name]
    return kind.from_config(schedule, **options)


def _part(folder: Path, name: str, dtype: torch.dtype) -> Any:
    """One model of a diffusers folder, every tensor of it present and of the right shape."""
    read_json(folder / name / "config.json", f"the {name}'s sizes")
    files = list((folder / name).glob("*.safetensors"))
    variant = "fp16" if files and all(".fp16" in file.name for file in files) else None
    named = files[0] if len(files) == 1 else folder / name
    try:
        model, report = PARTS[name].from_pretrained(
            folder / name,
            torch_dtype=dtype,
            use_safetensors=True,
            local_files_only=True,
            variant=variant,
            output_loading_info=True,
        )
    except MemoryError:
        raise
    except Exception as fault:  # the libraries raise nearly anything for a file they do not understand
        raise CheckpointError(f"{named}: no {name} of SDXL ({_reason(fault)}); {AGAIN}") from None
    for what, keys in (("is missing", "missing_keys"), ("has another shape", "mismatched_keys")):
        if report[keys]:
            first = min(str(key[0] if isinstance(key, tuple) else key) for key in report[keys])
            raise CheckpointError(f"{named}: tensor '{first}' {what}; {AGAIN}")
    return model


def _from_file(path: Path, dtype: torch.dtype, scheduler: str) -> Any:
    """A single file; its configuration is written to a temporary folder, which is where diffusers looks."""
    tokenizer, tokenizer_2 = load_tokenizers(path)
    with TemporaryDirectory() as temporary:
        files = configuration(path)
        for name, value in files.items():
            target = Path(temporary) / name
            target.parent.mkdir(exist_ok=True)
            target.write_text(json.dumps(value), encoding="utf-8")
        given: dict[str, Any] = {"config": temporary, "local_files_only": True}
        unet = _piece(path, "unet", dtype, given)
        vae = _piece(path, "vae", torch.float32, given)
        try:
            return StableDiffusionXLPipeline.from_single_file(
                str(path),
                unet=unet,
                vae=vae,
                tokenizer=tokenizer,
                tokenizer_2=tokenizer_2,
                scheduler=_scheduler(scheduler, files["scheduler/scheduler_config.json"]),
                torch_dtype=dtype,
                add_watermarker=False,
                **given,
            )
        except MemoryError:
            raise
        except Exception as fault:  # diffusers raises nearly anything for a file it does not understand
            raise CheckpointError(f"{path}: no text encoders of SDXL ({_reason(fault)}); {AGAIN}") from None


def _piece(path: Path, name: str, dtype: torch.dtype, given: dict[str, Any]) -> Any:
    """UNet or VAE of a single file."""
    try:
        return PARTS[name].from_single_file(str(path), subfolder=name, torch_dtype=dtype, **given)
    except MemoryError:
        raise
    except Exception as fault:  # diffusers raises nearly anything for a file it does not understand
        raise CheckpointError(f"{path}: no whole {name} of SDXL ({_reason(fault)}); {AGAIN}") from None


def _reason(fault: Exception) -> str:
    """What a library's exception says about a checkpoint, without its advice to programmers."""
    line = one_line(fault).split(" If you want to instead")[0]
    return "tensors are missing" if "meta tensor" in line else line
