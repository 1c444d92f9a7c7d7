"""What stage 1 keeps in memory: SDXL, HyperLoRA and the person that was read last."""

from __future__ import annotations

import logging
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from stillmotion.errors import CheckpointError, StillmotionError
from stillmotion.identity.types import Identity
from stillmotion.presets import StillPreset
from stillmotion.still import lora, sdxl
from stillmotion.still.hyperlora import HyperLoRA
from stillmotion.still.reference import pixel_values, reference_images
from stillmotion.still.words import count_tokens
from stillmotion.weights import locate

log = logging.getLogger("stillmotion")
# Activations of one UNet step and one VAE pass at 1024 x 1024, besides the weights.
HEADROOM = 6 * 2**30


@dataclass(eq=False)
class StillModels:
    """Loaded once, used for any number of people. HyperLoRA stays on the CPU in float32: it runs once a
    person.
    """

    pipe: Any
    hyperlora: HyperLoRA
    preset: StillPreset
    device: str
    _read: tuple[Identity, dict[str, tuple[Tensor, Tensor]]] | None = field(default=None, repr=False)

    def count_tokens(self, prompt: str) -> int:
        """How many of CLIP's 75 tokens the prompt takes; start and end, brackets and weights are not
        counted.
        """
        return count_tokens(prompt, self.pipe.tokenizer)

    def person(self, identity: Identity, weight: float) -> AbstractContextManager[None]:
        """A context in which the UNet draws this person, with HyperLoRA's ``weight``."""
        if self._read is None or self._read[0] is not identity:
            self._read = identity, self._lora(identity)
        return lora.personal(self.pipe.unet, self._read[1], weight)

    def _lora(self, identity: Identity) -> dict[str, tuple[Tensor, Tensor]]:
        """The person's LoRA, from all portraits."""
        encoder: Any = self.hyperlora.image_encoder
        size = int(encoder.config.image_size)
        pixels = pixel_values(reference_images(identity.portraits, size))
        faces = torch.stack([torch.from_numpy(portrait.face.embedding) for portrait in identity.portraits])
        wanted = self.hyperlora.config.id_embed_dim
        if faces.shape[1] != wanted:
            raise CheckpointError(
                f"HyperLoRA: reads face embeddings of {wanted} numbers, the analyzer gives {faces.shape[1]}; "
                "take the analyzer that it was trained with"
            )
        return lora.factors(self.hyperlora.id_lora(pixels, faces[:, None].float()))


def load(preset: StillPreset, device: str) -> StillModels:
    """Load stage 1's models on "cpu" (float32) or "cuda" (bfloat16, VAE float32).

    Where a GPU cannot hold them at once, each waits in main memory for its turn. Raises MissingWeightsError
    with the command that fetches what is missing, and CheckpointError for what is damaged.
    """
    paths = [locate(source) for source in (preset.checkpoint, preset.hyperlora, preset.image_encoder)]
    loras = [locate(source) for source in preset.loras]
    pipe = sdxl.load_pipeline(
        paths[0], preset.scheduler, torch.float32 if device == "cpu" else torch.bfloat16
    )
    for path in loras:
        sdxl.add_lora(pipe, path)
    # On the CPU channels_last makes the convolutions of UNet and VAE a third faster; on a GPU it costs
    # nothing.
    pipe.unet.to(memory_format=torch.channels_last)
    pipe.vae.to(memory_format=torch.channels_last)
    _place(pipe, device)
    return StillModels(pipe, HyperLoRA.from_folder(paths[1], paths[2]), preset, device)


def _place(pipe: Any, device: str) -> None:
    """Move the models to the device, or let them take turns on it where they do not fit together."""
    if device == "cpu":
        return
    if not torch.cuda.is_available():
        raise StillmotionError(f"{device}: this machine has no such device; ask for --device cpu")
    parts = [getattr(pipe, name) for name in sdxl.PARTS]
    need = sum(p.numel() * p.element_size() for part in parts for p in part.parameters()) + HEADROOM
    if need < torch.cuda.mem_get_info()[0]:
        pipe.to(device)
        return
    log.info("the GPU's free memory does not hold the still's models at once: they take turns")
    pipe.enable_model_cpu_offload(device=device)
    pipe.vae.enable_tiling()
