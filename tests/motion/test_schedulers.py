"""Noise schedules in numbers: few-step LoRAs' and the flow shift."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from stillmotion.errors import InputError
from stillmotion.motion import limits, schedulers

from .conftest import make_preset

UNIPC = {"prediction_type": "flow_prediction", "use_flow_sigmas": True, "flow_shift": 1.0}


def test_lightx2v_sigmas() -> None:
    preset = make_preset("vace", sigmas=(1.0, 0.75, 0.5, 0.25), flow_shift=5.0)
    scheduler = schedulers.build(preset, UNIPC, "UniPCMultistepScheduler")
    scheduler.set_timesteps(4, device="cpu")
    # The levels that the LoRA was trained at, 1, .9375, .8333, .625, and the end.
    assert scheduler.sigmas.tolist() == pytest.approx([1, 15 / 16, 5 / 6, 5 / 8, 0])
    assert scheduler.timesteps.tolist() == pytest.approx([1000, 937.5, 833.333, 625], abs=1e-2)


def test_fixed_schedule_integrates_exactly_a_straight_flow() -> None:
    scheduler = schedulers.build(make_preset("vace", sigmas=(1.0, 0.5), flow_shift=5.0), UNIPC, "")
    scheduler.set_timesteps(2)
    clean, noise = torch.randn(1, 4), torch.randn(1, 4)
    latents = noise
    for t in scheduler.timesteps:
        latents = scheduler.step(noise - clean, t, latents, return_dict=False)[0]
    torch.testing.assert_close(latents, clean)


def test_other_numbers_of_steps_are_refused() -> None:
    preset = make_preset("vace", sigmas=(1.0, 0.75, 0.5, 0.25))
    limits.check_steps(preset, 4)
    with pytest.raises(InputError, match=r"^motion_steps: .*exactly 4 steps, not 20"):
        limits.check_steps(preset, 20)
    limits.check_steps(make_preset("vace"), 20)


@pytest.mark.parametrize("name", ["UniPCMultistepScheduler", "FlowMatchEulerDiscreteScheduler"])
def test_flow_shift_of_the_preset_wins(name: str) -> None:
    config = UNIPC if name.startswith("UniPC") else {"shift": 1.0, "num_train_timesteps": 1000}
    sigmas = {}
    for shift in (1.0, 5.0):
        scheduler = schedulers.build(make_preset("vace", flow_shift=shift), config, name)
        scheduler.set_timesteps(10)
        assert type(scheduler).__name__ == name
        sigmas[shift] = scheduler.sigmas[:-1].numpy()
    base = sigmas[1.0][:9]
    if name.startswith("UniPC"):
        np.testing.assert_allclose(sigmas[5.0][:9], 5 * base / (1 + 4 * base), rtol=1e-3)
    assert (sigmas[5.0][1:9] > base[1:] + 0.02).all()
