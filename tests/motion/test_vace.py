"""What the VACE transformer is fed, computed here anew; and the frames against the plain pipeline's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from diffusers import WanVACEPipeline
from safetensors.torch import save_file

from stillmotion import motion
from stillmotion.identity.types import Identity
from stillmotion.motion.models import MotionModels
from stillmotion.motion.pictures import reference_image
from stillmotion.motion.segments import seed_of
from stillmotion.motion.vace import ZEROS

from .conftest import SIDE, make_plan, make_settings

Frames = np.ndarray[Any, np.dtype[np.uint8]]
KINDS = ["vace", "vace-patched"]


class Spy:
    """Keeps the transformer's first arguments and counts the VAE's encodings."""

    def __init__(self, models: MotionModels, monkeypatch: pytest.MonkeyPatch) -> None:
        self.calls: list[dict[str, torch.Tensor]] = []
        self.encoded: list[int] = []
        transformer, vae = models.pipe.transformer, models.pipe.vae
        forward, encode = transformer.forward, vae._encode
        monkeypatch.setattr(transformer, "forward", lambda **k: (self.calls.append(k), forward(**k))[1])
        monkeypatch.setattr(vae, "_encode", lambda x: (self.encoded.append(x.shape[2]), encode(x))[1])
        models.pipe.zeros.clear()


def _latents(models: MotionModels, video: torch.Tensor) -> torch.Tensor:
    """Normalised latents of a (T, H, W, 3) video in -1..1, straight from the VAE."""
    vae = models.pipe.vae
    mean, std = (
        torch.tensor(v).view(1, -1, 1, 1, 1) for v in (vae.config.latents_mean, vae.config.latents_std)
    )
    with torch.no_grad():
        return (vae.encode(video.permute(3, 0, 1, 2)[None]).latent_dist.mode() - mean) / std


def _to_unit(frames: Frames) -> torch.Tensor:
    return torch.from_numpy(frames.astype(np.float32)) / 127.5 - 1


@pytest.mark.parametrize("kind", KINDS)
def test_first_frame_layout(
    kind: str,
    models: dict[str, MotionModels],
    first: Frames,
    identity: Identity,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    spy = Spy(models[kind], monkeypatch)
    motion.animate(first, make_plan(), identity, models[kind], make_settings())
    fed = spy.calls[0]["control_hidden_states"]
    side = SIDE // 8
    assert fed.shape == (1, 2 * 16 + 64, 1 + 3, side, side), (
        "reference + 3 latent frames; 2 streams and 8x8 masks"
    )
    video = torch.zeros(9, SIDE, SIDE, 3)
    video[0] = _to_unit(first)
    reference = _to_unit(np.asarray(reference_image(identity, SIDE, SIDE)))[None]
    close = {"rtol": 0, "atol": 1e-5}
    torch.testing.assert_close(fed[:, :16, :1], _latents(models[kind], reference), **close)
    assert (fed[:, 16:, :1] == 0).all(), "nothing of the reference is to be generated"
    torch.testing.assert_close(fed[:, :16, 1:], _latents(models[kind], video), **close)
    torch.testing.assert_close(fed[:, 16:32, 1:], _latents(models[kind], torch.zeros_like(video)), **close)
    # Of the frames 0..8, nearest-exact takes 1, 4 and 7 for the three latent frames: all generated.
    assert (fed[:, 32:, 1:] == 1).all()


def test_extension_layout(
    models: dict[str, MotionModels], first: Frames, identity: Identity, monkeypatch: pytest.MonkeyPatch
) -> None:
    spy = Spy(models["vace"], monkeypatch)
    kept: dict[int, Frames] = {}
    plan = make_plan((0, 1, "she waves"), (1, 2, "she turns"))
    clip = motion.animate(
        first, plan, identity, models["vace"], make_settings(num_frames=13), keep=kept.__setitem__
    )
    assert [len(piece) for piece in kept.values()] == [9, 8]
    assert len(clip.frames) == 16
    fed = spy.calls[-1]["control_hidden_states"]
    video = torch.zeros(13, SIDE, SIDE, 3)
    video[:5] = _to_unit(kept[0][-5:])
    torch.testing.assert_close(fed[:, :16, 1:], _latents(models["vace"], video), rtol=0, atol=1e-5)
    reference = _to_unit(np.asarray(reference_image(identity, SIDE, SIDE)))[None]
    torch.testing.assert_close(fed[:, :16, :1], _latents(models["vace"], reference), rtol=0, atol=1e-5)
    # Nearest-exact takes frames 1, 4, 8 and 11 of 13; the first 5 are kept.
    assert [fed[:, 32:, 1 + i].unique().tolist() for i in range(4)] == [[0], [0], [1], [1]]


def test_reference_only_layout(
    models: dict[str, MotionModels], identity: Identity, monkeypatch: pytest.MonkeyPatch
) -> None:
    spy = Spy(models["vace"], monkeypatch)
    clip = motion.animate(None, make_plan(), identity, models["vace"], make_settings(mode="r2v"))
    assert clip.frames.shape == (9, SIDE, SIDE, 3)
    fed = spy.calls[0]["control_hidden_states"]
    zeros = _latents(models["vace"], torch.zeros(9, SIDE, SIDE, 3))
    torch.testing.assert_close(fed[:, :32, 1:], torch.cat([zeros, zeros], dim=1), rtol=0, atol=1e-5)
    assert (fed[:, 32:, 1:] == 1).all()
    assert spy.encoded[:2] == [9, 1], "zeros once for both streams, and the reference"


def test_zeros_are_encoded_once(
    models: dict[str, MotionModels], first: Frames, identity: Identity, monkeypatch: pytest.MonkeyPatch
) -> None:
    spy = Spy(models["vace"], monkeypatch)
    plan = make_plan((0, 1.5, "she waves"), (1.5, 2.5, "she turns"))
    motion.animate(first, plan, identity, models["vace"], make_settings(num_frames=13))
    # Part 1: its stream, zeros, reference. Part 2: its stream and the reference; the zeros are known.
    assert spy.encoded == [13, 13, 1, 13, 1]
    motion.animate(first, make_plan(), identity, models["vace"], make_settings(num_frames=9))
    assert spy.encoded[5:] == [9, 1], "a shorter video of zeros is the beginning of a longer one"


def test_a_checkpoint_that_brings_zeros_along_encodes_none(
    models: dict[str, MotionModels],
    first: Frames,
    identity: Identity,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    ours, plan, settings = models["vace"], make_plan(), make_settings()
    ours.pipe.zeros.clear()
    made = motion.animate(first, plan, identity, ours, settings).frames
    ours.pipe.remember(tmp_path / ZEROS, 9, SIDE, SIDE)
    spy = Spy(ours, monkeypatch)
    ours.pipe.recall(tmp_path / ZEROS)
    assert np.array_equal(motion.animate(first, plan, identity, ours, settings).frames, made)
    assert spy.encoded == [9, 1], "the first frame's stream and the reference"
    ours.pipe.recall(tmp_path / "nothing here")
    assert ours.pipe.zeros
    save_file({"parameters": torch.zeros(1, 7, 3, 4, 4)}, tmp_path / ZEROS)
    with pytest.raises(ValueError, match="no encoding of zeros"):
        ours.pipe.recall(tmp_path / ZEROS)


@pytest.mark.parametrize("mode", ["decoupled", "r2v"])
@pytest.mark.parametrize("before", [0, 13])
def test_frames_are_the_plain_pipelines(
    mode: str, before: int, models: dict[str, MotionModels], first: Frames, identity: Identity
) -> None:
    """Bit for bit, also when the zeros come from memory (``before``: a longer clip was made first)."""
    ours, settings = models["vace"], make_settings(mode=mode)
    ours.pipe.zeros.clear()
    start = first if mode == "decoupled" else None
    if before:
        motion.animate(start, make_plan(), identity, ours, make_settings(num_frames=before))
    clip = motion.animate(start, make_plan(), identity, ours, settings)
    parts = {
        name: getattr(ours.pipe, name)
        for name in ("tokenizer", "text_encoder", "vae", "transformer", "scheduler")
    }
    plain = WanVACEPipeline(**parts)
    plain.set_progress_bar_config(disable=True)
    video, mask = np.full((1, 9, SIDE, SIDE, 3), 127.5 / 255), np.ones((1, 9, SIDE, SIDE, 1))
    video[0, 0], mask[0, 0] = first / 255, 0
    result = plain(
        video=video.astype(np.float32) if start is not None else None,
        mask=mask.astype(np.float32) if start is not None else None,
        reference_images=reference_image(identity, SIDE, SIDE),
        prompt=make_plan().temporal,
        negative_prompt=settings.motion_negative_prompt,
        width=SIDE, height=SIDE, num_frames=9, num_inference_steps=2, guidance_scale=3.0,
        max_sequence_length=32,
        generator=torch.Generator().manual_seed(seed_of(7, 0)),
    )  # fmt: skip
    assert (clip.frames == (result.frames[0] * 255).round().astype(np.uint8)).all()


def test_conditioning_scale_and_reference_matter(
    models: dict[str, MotionModels], first: Frames, identity: Identity
) -> None:
    ours, settings, plan = models["vace"], make_settings(), make_plan()
    base = motion.animate(first, plan, identity, ours, settings).frames
    assert (motion.animate(first, plan, None, ours, settings).frames != base).any()
    assert (
        motion.animate(first, plan, identity, ours, settings, conditioning_scale=0.2).frames != base
    ).any()
    other = 255 - first
    assert (motion.animate(other, plan, identity, ours, settings).frames != base).any()


def test_spatial_factor_of_a_patching_vae(models: dict[str, MotionModels]) -> None:
    assert models["vace-patched"].pipe.vae_scale_factor_spatial == 8
    assert models["vace-patched"].spatial == 16
