"""Every full preset end to end on the CPU, with small random checkpoints where its weights lie.

The folders have the names, layouts and variants that ``stillmotion download`` leaves; only the numbers are
small.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import tiny
import torch
from safetensors.torch import save_file

from stillmotion import identity, presets
from stillmotion.output import read_record
from stillmotion.pipeline import Pipeline
from stillmotion.request import Request

FULL = ["paper", "paper-small", "wan22-5b", "wan22-14b", "fast"]
SMALL: dict[str, Any] = {
    "still_width": 64,
    "still_height": 64,
    "still_steps": 2,
    "candidates": 1,
    "width": 64,
    "height": 64,
    "num_frames": 5,
    "motion_steps": 2,
    "writer": "rules",
    "seed": 3,
}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A weights home with a small stand-in for every part of every full preset."""
    from diffusers import UNet2DConditionModel

    from checkpoints import hyperlora, sdxl, wan

    home = tmp_path_factory.mktemp("full-home")
    models = home / "models"
    sdxl.write_folder(models / "realvisxl-v4.0", variant="fp16")
    unet = UNet2DConditionModel.from_pretrained(
        models / "realvisxl-v4.0" / "unet", variant="fp16", use_safetensors=True
    )
    hyperlora.write_hyperlora(models / "hyperlora" / "sdxl_hyper_id_lora_v1_fidelity", unet)
    hyperlora.write_image_encoder(models / "clip-vit-large-patch14")
    wan.write_vace(models / "wan2.1-vace-14b")
    wan.write_vace(models / "wan2.1-vace-1.3b", seed=1)
    wan.write_ti2v(models / "wan2.2-ti2v-5b")
    wan.write_i2v(models / "wan2.2-i2v-a14b")
    _write_loras(models)
    for pack in ("antelopev2", "buffalo_l", "sam2.1-hiera-tiny"):
        (models / pack).mkdir()
        (models / pack / "present").write_text("the analyzer is replaced; its own tests run it\n")
    return home


def _write_loras(models: Path) -> None:
    """One layer of each few-step LoRA of the preset "fast", named as the published files name theirs."""
    torch.manual_seed(0)
    still = "lora_unet_down_blocks_1_attentions_0_transformer_blocks_0_attn1_to_q"
    motion = "diffusion_model.blocks.1.self_attn.q"
    files = {
        "hyper-sd/Hyper-SDXL-8steps-CFG-lora": (still, 64, {f"{still}.alpha": torch.tensor(2.0)}),
        "wan2.1-distill-loras/wan2.1_t2v_14b_lora_rank64_lightx2v_4step": (motion, 32, {}),
    }
    for name, (layer, size, more) in files.items():
        tensors = {
            f"{layer}.lora_down.weight": torch.randn(2, size),
            f"{layer}.lora_up.weight": torch.randn(size, 2),
        }
        (models / name).parent.mkdir()
        save_file({**tensors, **more}, models / f"{name}.safetensors")


@pytest.mark.parametrize("name", FULL)
def test_a_full_preset_makes_a_video(
    name: str, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def analyzer(name: str, device: str = "cpu", folder: Path | None = None) -> tiny.WarmAnalyzer:
        asked.append(name)
        return tiny.WarmAnalyzer()

    monkeypatch.setenv("STILLMOTION_HOME", str(home))
    monkeypatch.setattr(identity, "analyzer", analyzer)
    chosen = presets.preset(name)  # faces are drawn again at 1024 pixels, which is all that would take time
    quick = replace(chosen, still=replace(chosen.still, detail_size=64))
    monkeypatch.setitem(presets.PRESETS, name, quick)
    small = SMALL | ({"motion_steps": 4} if name == "fast" else {})
    photo = tiny.write_photo(tmp_path / "a.png")
    request = Request(faces=(photo,), prompt="She waves on a beach", preset=name, quality="standard", **small)
    result = Pipeline(name, "cpu").generate(request, tmp_path / "a.mp4")
    assert asked == ["insightface:antelopev2", "insightface:buffalo_l"]
    record = read_record(tmp_path / "a.mp4")
    assert record == result.record and record.clip
    assert (record.clip.frames, record.clip.width, record.clip.height) == (5, 64, 64)
    assert record.clip.fps == presets.preset(name).motion.fps
    assert set(presets.PRESETS) == {*FULL, "mini"}, "a preset is not tried here"
    assert record.parts["realvisxl-v4.0"].startswith("SG161222/RealVisXL_V4.0@")
