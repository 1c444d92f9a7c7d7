"""All kinds end to end on random weights: seeds, resuming, interrupts, progress, and every refusal."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from stillmotion import motion
from stillmotion.errors import InputError, OutOfMemoryError
from stillmotion.identity.types import Identity
from stillmotion.motion import models as loading
from stillmotion.motion.chain import colour_drift
from stillmotion.motion.models import MotionModels, load_folder
from stillmotion.motion.placement import Placement

from .conftest import SIDE, make_plan, make_preset, make_settings

Frames = np.ndarray[Any, np.dtype[np.uint8]]
KINDS = ["vace", "vace-patched", "ti2v", "i2v"]
TIMED = make_plan((0, 1, "she waves"), (1, 2, "she turns"))


def _animate(
    models: MotionModels, first: Frames | None, identity: Identity | None = None, **changes: Any
) -> Frames:
    return motion.animate(first, make_plan(), identity, models, make_settings(**changes)).frames


@pytest.mark.parametrize("kind", KINDS)
def test_a_clip_of_every_kind(
    kind: str, models: dict[str, MotionModels], first: Frames, identity: Identity
) -> None:
    clip = motion.animate(first, make_plan(), identity, models[kind], make_settings())
    assert clip.frames.shape == (9, SIDE, SIDE, 3) and clip.frames.dtype == np.uint8 and clip.fps == 8.0
    assert clip.frames.std() > 0
    again = motion.animate(first, make_plan(), identity, models[kind], make_settings())
    assert (again.frames == clip.frames).all(), "same seed, same frames"
    other = motion.animate(first, make_plan(), identity, models[kind], make_settings(seed=8))
    assert (other.frames != clip.frames).any()


@pytest.mark.parametrize("kind", KINDS)
def test_resuming_gives_the_same_frames(kind: str, models: dict[str, MotionModels], first: Frames) -> None:
    settings, kept = make_settings(num_frames=13), {}
    whole = motion.animate(first, TIMED, None, models[kind], settings, keep=kept.__setitem__)
    assert whole.frames.shape[0] == 16
    assert (np.concatenate(list(kept.values()))[:16] == whole.frames).all()
    again: dict[int, Frames] = {}
    resumed = motion.animate(
        first, TIMED, None, models[kind], settings, done=[kept[0]], keep=again.__setitem__
    )
    assert list(again) == [1], "a finished part is not made again"
    assert (resumed.frames == whole.frames).all()
    calls: list[str] = []
    motion.animate(
        first, TIMED, None, models[kind], settings, lambda *a: calls.append(a[0]), done=[kept[0], kept[1]]
    )
    assert not calls


@pytest.mark.parametrize("kind", ["ti2v", "i2v"])
def test_wan22_goes_on_from_the_last_frame(
    kind: str, models: dict[str, MotionModels], first: Frames, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept: dict[int, Frames] = {}
    starts: list[torch.Tensor] = []
    encode = models[kind].pipe.vae._encode
    monkeypatch.setattr(models[kind].pipe.vae, "_encode", lambda x: (starts.append(x[0, :, 0]), encode(x))[1])
    motion.animate(first, TIMED, None, models[kind], make_settings(), keep=kept.__setitem__)
    for start, frame in zip(starts, (first, kept[0][-1]), strict=True):
        np.testing.assert_allclose((start.permute(1, 2, 0).numpy() + 1) * 127.5, frame, atol=1e-3)


def test_a14b_hands_over_at_the_boundary(
    models: dict[str, MotionModels], first: Frames, monkeypatch: pytest.MonkeyPatch
) -> None:
    used: dict[str, list[float]] = {"transformer": [], "transformer_2": []}
    for name, seen in used.items():
        module = getattr(models["i2v"].pipe, name)
        forward = module.forward

        def spy(seen: list[float] = seen, forward: Any = forward, **k: Any) -> Any:
            seen.append(float(k["timestep"][0]))
            return forward(**k)

        monkeypatch.setattr(module, "forward", spy)
    _animate(models["i2v"], first, motion_steps=4)
    assert min(used["transformer"]) >= 900 > max(used["transformer_2"])
    assert len(used["transformer"]) + len(used["transformer_2"]) == 8, "4 steps, with and without the words"


def test_the_presets_boundary_wins(folders: dict[str, Path]) -> None:
    for boundary, expected in ((None, 0.9), (0.5, 0.5)):
        pipe = load_folder(folders["i2v"], make_preset("i2v", boundary_ratio=boundary), "cpu").pipe
        assert pipe.config.boundary_ratio == expected


def test_loading_says_nothing(
    folders: dict[str, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("STILLMOTION_HOME", str(tmp_path))
    preset = make_preset("vace")
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / preset.checkpoint.name).symlink_to(folders["vace"])
    motion.load(preset, "cpu")
    assert capfd.readouterr().err == ""


def test_importing_the_room_is_light() -> None:
    code = "import sys, stillmotion.motion; print({'torch', 'diffusers', 'transformers'} & set(sys.modules))"
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
        == "set()\n"
    )


def test_guidance_off_is_one_forward_a_step(
    models: dict[str, MotionModels], first: Frames, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[int] = []
    forward = models["vace"].pipe.transformer.forward
    monkeypatch.setattr(
        models["vace"].pipe.transformer, "forward", lambda **k: (calls.append(1), forward(**k))[1]
    )
    _animate(models["vace"], first, motion_guidance_scale=1.0)
    assert len(calls) == 2


def test_words_and_negative_words_matter(models: dict[str, MotionModels], first: Frames) -> None:
    base = _animate(models["ti2v"], first)
    assert (_animate(models["ti2v"], first, motion_negative_prompt="静态") != base).any()
    plan = make_plan().model_copy(update={"temporal": "A man laughs in the warm light."})
    assert (motion.animate(first, plan, None, models["ti2v"], make_settings()).frames != base).any()


def test_progress_counts_every_step(models: dict[str, MotionModels], first: Frames) -> None:
    seen: list[tuple[str, int, int]] = []
    motion.animate(first, make_plan(), None, models["vace"], make_settings(), lambda *a: seen.append(a))
    assert seen == [("motion", 0, 2), ("motion", 1, 2), ("motion", 2, 2)]
    seen.clear()
    motion.animate(first, TIMED, None, models["i2v"], make_settings(), lambda *a: seen.append(a))
    assert [s for s in seen if s[1] == 2] == [("motion: part 1 of 2", 2, 2), ("motion: part 2 of 2", 2, 2)]


@pytest.mark.parametrize("kind", KINDS)
def test_an_interrupt_leaves_a_usable_model(
    kind: str, models: dict[str, MotionModels], first: Frames
) -> None:
    def stop(step: str, done: int, total: int) -> None:
        if done == 1:
            raise KeyboardInterrupt

    before = _animate(models[kind], first)
    with pytest.raises(KeyboardInterrupt):
        motion.animate(first, make_plan(), None, models[kind], make_settings(), stop)
    assert (_animate(models[kind], first) == before).all()


def test_release_drops_the_text_encoder_and_changes_nothing(
    folders: dict[str, Path], models: dict[str, MotionModels], first: Frames, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loading.placement, "decide", lambda *a: Placement("release", False))
    lean = load_folder(folders["vace"], make_preset("vace"), "cpu")
    assert lean.pipe.text_encoder is None
    seen: list[bool] = []
    clip = motion.animate(
        first,
        make_plan(),
        None,
        lean,
        make_settings(),
        lambda *a: seen.append(lean.pipe.text_encoder is None),
    )
    assert all(seen), "not in memory while the clip is denoised"
    assert (clip.frames == _animate(models["vace"], first)).all()


def test_few_step_schedule(folders: dict[str, Path], first: Frames) -> None:
    preset = make_preset("vace", sigmas=(1.0, 0.75, 0.5, 0.25), flow_shift=5.0)
    models = load_folder(folders["vace"], preset, "cpu")
    assert _animate(models, first, motion_steps=4, motion_guidance_scale=1.0).shape == (9, SIDE, SIDE, 3)
    assert models.pipe.scheduler.sigmas.tolist() == pytest.approx([1, 0.9375, 0.83333, 0.625, 0], abs=1e-4)
    with pytest.raises(InputError, match=r"^motion_steps: .*exactly 4"):
        _animate(models, first, motion_steps=5)


@pytest.mark.parametrize("kind", ["ti2v", "i2v"])
def test_r2v_needs_vace(kind: str, models: dict[str, MotionModels], identity: Identity) -> None:
    with pytest.raises(InputError, match=r"^mode: 'r2v' needs .*take mode 'decoupled'"):
        _animate(models[kind], None, identity)


def test_r2v_needs_a_person(models: dict[str, MotionModels]) -> None:
    with pytest.raises(InputError, match=r"^faces: 'r2v'"):
        _animate(models["vace"], None)


@pytest.mark.parametrize(
    ("kind", "changes", "message"),
    [
        ("vace", {"width": 72}, "^width: 72 is not a multiple of 16.*take 64 or 80"),
        ("ti2v", {"height": 112}, "^height: 112 is not a multiple of 32.*take 96 or 128"),
        ("i2v", {"num_frames": 8}, "^num_frames: 8 .*take 5 or 9"),
    ],
)
def test_sizes_are_never_rounded(
    kind: str, changes: dict[str, Any], message: str, models: dict[str, MotionModels], first: Frames
) -> None:
    with pytest.raises(InputError, match=message):
        _animate(models[kind], first, **changes)


def test_limits_are_known_before_loading(
    folders: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STILLMOTION_HOME", str(tmp_path))
    (tmp_path / "models").mkdir()
    for kind in ("vace", "ti2v"):
        (tmp_path / "models" / f"random-{kind}").symlink_to(folders[kind])
    vace, ti2v = make_preset("vace"), make_preset("ti2v")
    assert motion.check(vace, make_settings(), make_plan()) == 9
    assert motion.check(vace, make_settings(), TIMED) == 16
    assert motion.check(vace, make_settings(width=80, mode="r2v"), make_plan()) == 9
    for preset, changes, field in (
        (vace, {"width": 72}, "width: 72"),
        (ti2v, {"width": 80}, "width: 80"),
        (ti2v, {"mode": "r2v"}, "mode: 'r2v'"),
        (vace, {"num_frames": 6}, "num_frames: 6"),
    ):
        with pytest.raises(InputError, match=f"^{field}"):
            motion.check(preset, make_settings(**changes), make_plan())


def test_pieces_of_another_run_are_refused(models: dict[str, MotionModels], first: Frames) -> None:
    piece = np.zeros((9, 32, 32, 3), np.uint8)
    with pytest.raises(InputError, match=r"^run: finished part 0 .*\[9, 64, 64, 3\]"):
        motion.animate(first, TIMED, None, models["vace"], make_settings(num_frames=13), done=[piece])
    with pytest.raises(InputError, match=r"^run: holds 2 finished parts of 1"):
        motion.animate(first, make_plan(), None, models["vace"], make_settings(), done=[piece, piece])


@pytest.mark.parametrize(
    "fault",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 9 GiB"),
        MemoryError(),
        RuntimeError(
            "[enforce fail at alloc_cpu.cpp:117] err == 0. DefaultCPUAllocator: can't allocate memory"
        ),
    ],
)
def test_out_of_memory_names_a_smaller_setting(
    fault: Exception, models: dict[str, MotionModels], first: Frames
) -> None:
    def fail(step: str, done: int, total: int) -> None:
        raise fault

    with pytest.raises(OutOfMemoryError, match="at 64x64 with 81 frames; take num_frames 53"):
        motion.animate(first, make_plan(), None, models["vace"], make_settings(num_frames=81), fail)


def test_our_own_bugs_keep_their_class(models: dict[str, MotionModels], first: Frames) -> None:
    def fail(step: str, done: int, total: int) -> None:
        raise RuntimeError("a bug")

    with pytest.raises(RuntimeError, match="a bug"):
        motion.animate(first, make_plan(), None, models["vace"], make_settings(), fail)


def test_colour_drift() -> None:
    given = np.full((5, 4, 4, 3), 100, np.uint8)
    sampled = given + np.array([0, 3, 1], np.uint8)
    assert colour_drift(given, sampled) == 3
