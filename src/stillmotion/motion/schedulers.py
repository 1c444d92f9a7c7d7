"""Noise schedules: the checkpoint's scheduler with the preset's flow shift, or a few-step LoRA's sigmas."""

from __future__ import annotations

from typing import Any

import diffusers
import torch

from stillmotion.presets import MotionPreset

TRAIN_TIMESTEPS = 1000
_Euler: Any = diffusers.FlowMatchEulerDiscreteScheduler
_UniPC: Any = diffusers.UniPCMultistepScheduler


class FixedSigmasScheduler(_Euler):  # type: ignore[misc]
    """Flow-matching Euler whose ``set_timesteps`` always gives the same few noise levels.

    ``WanVACEPipeline`` passes no ``sigmas`` to its scheduler, so a schedule that a LoRA was distilled for has
    to live in here. ``fixed_sigmas`` are before the shift: with ``shift`` s, sigma becomes
    s * sigma / (1 + (s - 1) * sigma), so [1, .75, .5, .25] with shift 5 are lightx2v's 1, .9375, .8333, .625.
    """

    fixed_sigmas: tuple[float, ...] = ()

    def set_timesteps(
        self, num_inference_steps: int | None = None, device: str | torch.device | None = None, **_: Any
    ) -> None:
        """Set the fixed schedule; a number of steps other than its own is refused."""
        if num_inference_steps not in (None, len(self.fixed_sigmas)):
            raise ValueError(f"{num_inference_steps} steps asked of a schedule of {len(self.fixed_sigmas)}")
        super().set_timesteps(sigmas=list(self.fixed_sigmas), device=device)


def build(preset: MotionPreset, config: dict[str, Any], class_name: str) -> Any:
    """A new scheduler: the checkpoint's own with the preset's shift, or the preset's sigmas."""
    if preset.sigmas is not None:
        scheduler: Any = FixedSigmasScheduler(num_train_timesteps=TRAIN_TIMESTEPS, shift=preset.flow_shift)
        scheduler.fixed_sigmas = preset.sigmas
        return scheduler
    if class_name == "FlowMatchEulerDiscreteScheduler":
        return _Euler.from_config(config, shift=preset.flow_shift)
    return _UniPC.from_config(config, flow_shift=preset.flow_shift)
