"""SDXL checkpoints and what they draw: both formats, diffusers' own pipeline as the measure, damage, no
network.
"""

from __future__ import annotations

import json
import pickle
import shutil
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from checkpoints import sdxl as checkpoints
from stillmotion.errors import CheckpointError
from stillmotion.still import sdxl

KARRAS = "dpm++2m-karras"


def load(path: Path, scheduler: str = KARRAS) -> Any:
    return sdxl.load_pipeline(path, scheduler, torch.float32)


def silent(done: int, total: int) -> None:
    pass


def test_a_single_file_and_its_folder_are_one_model(
    home: Path, pipe: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("something asked for the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    for path in (home / "models" / "sdxl-file" / "model.safetensors", home / "models" / "sdxl-file"):
        single = load(path)
        for name in sdxl.PARTS:
            mine, theirs = getattr(single, name), getattr(pipe, name)
            left, right = mine.state_dict(), theirs.state_dict()
            assert left.keys() == right.keys()
            assert all(torch.equal(left[key], right[key]) for key in left)
        for name in ("block_out_channels", "attention_head_dim", "transformer_layers_per_block"):
            assert list(single.unet.config[name]) == list(pipe.unet.config[name])
        for name in ("addition_time_embed_dim", "cross_attention_dim", "down_block_types", "up_block_types"):
            assert single.unet.config[name] == pipe.unet.config[name] or (
                list(single.unet.config[name]) == list(pipe.unet.config[name])
            )
        assert single.vae.config.scaling_factor == pipe.vae.config.scaling_factor
        assert single.text_encoder_2.config.num_attention_heads == 2


def test_it_draws_what_diffusers_pipeline_draws(pipe: Any) -> None:
    conditions = sdxl.encode_prompts(pipe, "the man", "red", 5.0, 2)
    seen: list[tuple[int, int]] = []
    mine = sdxl.sample(
        pipe,
        conditions,
        (64, 96),
        4,
        generator=torch.Generator().manual_seed(3),
        report=lambda *each: seen.append(each),
    )
    theirs = pipe(
        "the man",
        negative_prompt="red",
        height=64,
        width=96,
        num_inference_steps=4,
        guidance_scale=5.0,
        generator=torch.Generator().manual_seed(3),
        output_type="np",
    ).images[0]
    assert mine.shape == (64, 96, 3) and mine.dtype == np.uint8
    assert int(np.abs(mine.astype(int) - np.rint(theirs * 255).astype(int)).max()) <= 1
    assert seen == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert mine.std() > 1


def test_the_schedule_is_dpm_2m_karras_of_the_checkpoints_prediction(tmp_path: Path) -> None:
    folder = checkpoints.write_folder(tmp_path, latent_channels=16, prediction_type="v_prediction")
    made = load(folder)
    config = made.scheduler.config
    assert type(made.scheduler).__name__ == "DPMSolverMultistepScheduler"
    assert (config.algorithm_type, config.solver_order, config.use_karras_sigmas) == ("dpmsolver++", 2, True)
    assert config.prediction_type == "v_prediction" and config.beta_schedule == "scaled_linear"
    conditions = sdxl.encode_prompts(made, "the man", "", 1.0, 2)
    image = sdxl.sample(made, conditions, (64, 64), 2, generator=torch.Generator(), report=silent)
    assert image.shape == (64, 64, 3)
    assert sdxl.refine(
        made, conditions, image, strength=0.5, steps=2, generator=torch.Generator(), report=silent
    ).shape == (64, 64, 3)


def test_few_step_schedule_spaces_from_the_end_and_does_not_clip(home: Path) -> None:
    made = load(home / "models" / "sdxl", "ddim-trailing")
    made.scheduler.set_timesteps(8)
    assert made.scheduler.timesteps.tolist() == [999, 874, 749, 624, 499, 374, 249, 124]
    assert made.scheduler.config.clip_sample is False


def test_marks_of_a_v_prediction_file(home: Path, tmp_path: Path) -> None:
    shutil.copytree(home / "models" / "sdxl-file", tmp_path / "v")
    path = tmp_path / "v" / "model.safetensors"
    save_file({**load_file(path), "v_pred": torch.zeros(1), "ztsnr": torch.zeros(1)}, path)
    config = load(path).scheduler.config
    assert config.prediction_type == "v_prediction" and config.rescale_betas_zero_snr is True


def test_half_precision_variant_files(home: Path, pipe: Any, tmp_path: Path) -> None:
    checkpoints.write_folder(tmp_path, variant="fp16")
    assert (tmp_path / "unet" / "diffusion_pytorch_model.fp16.safetensors").is_file()
    made = sdxl.load_pipeline(tmp_path, KARRAS, torch.bfloat16)
    assert made.unet.dtype == made.text_encoder.dtype == torch.bfloat16 and made.vae.dtype == torch.float32
    torch.testing.assert_close(
        made.vae.decoder.conv_in.weight, pipe.vae.decoder.conv_in.weight, atol=1e-6, rtol=0
    )
    conditions = sdxl.encode_prompts(made, "the (man:1.2)", "red", 5.0, 2)
    half = sdxl.sample(
        made, conditions, (64, 64), 2, generator=torch.Generator().manual_seed(0), report=silent
    )
    whole = sdxl.sample(
        pipe,
        sdxl.encode_prompts(pipe, "the (man:1.2)", "red", 5.0, 2),
        (64, 64),
        2,
        generator=torch.Generator().manual_seed(0),
        report=silent,
    )
    assert np.abs(half.astype(int) - whole.astype(int)).mean() < 4


def test_a_folder_in_shards(pipe: Any, home: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(home / "models" / "sdxl", tmp_path / "sdxl"))
    (folder / UNET).unlink()
    pipe.unet.save_pretrained(folder / "unet", max_shard_size="8MB")
    shards = sorted((folder / "unet").glob("*.safetensors"))
    assert len(shards) > 2
    made = load(folder)
    assert all(torch.equal(made.unet.state_dict()[k], v) for k, v in pipe.unet.state_dict().items())
    shards[1].unlink()
    with pytest.raises(CheckpointError, match="unet"):
        load(folder)


def test_the_vae_comes_back_to_what_it_was_given(pipe: Any) -> None:
    image = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    with torch.inference_mode():
        latents = sdxl.encode_image(pipe, image)
        expected = pipe.vae.encode(
            torch.from_numpy(image).permute(2, 0, 1)[None] / 127.5 - 1
        ).latent_dist.mode()
        decoded = pipe.vae.decode(expected).sample[0].permute(1, 2, 0)
        mine = sdxl.decode(pipe, latents)
    torch.testing.assert_close(latents, expected * 0.13025, atol=1e-5, rtol=0)
    theirs = ((decoded.clamp(-1, 1) + 1) * 127.5).round().numpy()
    assert np.abs(mine.astype(int) - theirs).max() <= 1


def test_refining_does_all_its_steps_and_strength_says_how_much_changes(pipe: Any) -> None:
    conditions = sdxl.encode_prompts(pipe, "the man", "", 1.0, 2)
    image = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    same = sdxl.decode(pipe, sdxl.encode_image(pipe, image))
    changes = []
    for strength in (0.1, 1.0):
        seen: list[int] = []
        drawn = sdxl.refine(
            pipe,
            conditions,
            image,
            strength=strength,
            steps=3,
            generator=torch.Generator().manual_seed(0),
            report=lambda done, total: seen.append(total),  # noqa: B023 - called before the next round
        )
        assert seen == [3, 3, 3]
        changes.append(float(np.abs(drawn.astype(float) - same).mean()))
    assert 0 < changes[0] < changes[1]


def test_a_presets_own_lora_is_merged_for_good(home: Path, pipe: Any, tmp_path: Path) -> None:
    torch.manual_seed(0)
    down, up = torch.randn(4, 64), torch.randn(64, 4)
    stem = "lora_unet_down_blocks_1_attentions_0_transformer_blocks_0_attn1_to_q"
    lora = {
        f"{stem}.lora_down.weight": down,
        f"{stem}.lora_up.weight": up,
        f"{stem}.alpha": torch.tensor(2.0),
    }
    save_file(lora, tmp_path / "steps.safetensors")
    made = load(home / "models" / "sdxl")
    sdxl.add_lora(made, tmp_path)
    place = "down_blocks.1.attentions.0.transformer_blocks.0.attn1.to_q.weight"
    assert made.unet.state_dict().keys() == pipe.unet.state_dict().keys()
    expected = pipe.unet.state_dict()[place] + 2 / 4 * up @ down
    torch.testing.assert_close(made.unet.state_dict()[place], expected, atol=1e-5, rtol=0)
    (tmp_path / "steps.safetensors").write_bytes(b"no")
    with pytest.raises(CheckpointError, match=r"steps\.safetensors"):
        sdxl.add_lora(made, tmp_path)


def without(path: Path, name: str) -> None:
    tensors = load_file(path)
    del tensors[name]
    save_file(tensors, path)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def reshaped(path: Path, name: str) -> None:
    tensors = load_file(path)
    save_file({**tensors, name: torch.zeros(3)}, path)


UNET = "unet/diffusion_pytorch_model.safetensors"
FOLDER_DAMAGES: dict[str, tuple[str, Callable[[Path], object]]] = {
    "no index": ("model_index.json", lambda f: (f / "model_index.json").unlink()),
    "another pipeline": (
        "model_index.json",
        lambda f: (f / "model_index.json").write_text(json.dumps({"_class_name": "StableDiffusionPipeline"})),
    ),
    "no unet": ("unet", lambda f: shutil.rmtree(f / "unet")),
    "cut unet": ("diffusion_pytorch_model.safetensors", lambda f: cut(f / UNET)),
    "missing tensor": ("conv_in.bias", lambda f: without(f / UNET, "conv_in.bias")),
    "other shape": ("unet", lambda f: reshaped(f / UNET, "conv_in.bias")),
    "no vae weights": ("vae", lambda f: (f / "vae" / "diffusion_pytorch_model.safetensors").unlink()),
    "text encoder tensor": (
        "token_embedding",
        lambda f: without(
            f / "text_encoder_2" / "model.safetensors", "text_model.embeddings.token_embedding.weight"
        ),
    ),
    "pickle": (
        "text_encoder",
        lambda f: [
            (f / "text_encoder" / "model.safetensors").unlink(),
            (f / "text_encoder" / "pytorch_model.bin").write_bytes(pickle.dumps({})),
        ],
    ),
    "no scheduler": ("scheduler", lambda f: shutil.rmtree(f / "scheduler")),
    "no tokenizer": ("tokenizer", lambda f: shutil.rmtree(f / "tokenizer")),
    "broken config": ("config.json", lambda f: (f / "vae" / "config.json").write_text("{")),
}


@pytest.mark.parametrize("damage", FOLDER_DAMAGES)
def test_a_damaged_folder_gives_one_clear_line(home: Path, tmp_path: Path, damage: str) -> None:
    named, harm = FOLDER_DAMAGES[damage]
    folder = Path(shutil.copytree(home / "models" / "sdxl", tmp_path / "sdxl"))
    harm(folder)
    with pytest.raises(CheckpointError) as caught:
        load(folder)
    message = str(caught.value)
    assert str(folder) in message and named in message and "\n" not in message


FILE_DAMAGES: dict[str, Callable[[Path], object]] = {
    "cut": cut,
    "no vae": lambda f: save_file({k: v for k, v in load_file(f).items() if "first_stage" not in k}, f),
    "no text encoder": lambda f: save_file(
        {k: v for k, v in load_file(f).items() if "embedders.1" not in k}, f
    ),
    "no unet": lambda f: save_file({k: v for k, v in load_file(f).items() if "diffusion" not in k}, f),
    "unet tensor": lambda f: without(f, "model.diffusion_model.input_blocks.5.0.in_layers.2.weight"),
    "attention tensor": lambda f: without(f, "model.diffusion_model.middle_block.1.proj_in.weight"),
    "vae tensor": lambda f: without(f, "first_stage_model.decoder.mid.block_1.conv1.weight"),
    "clip tensor": lambda f: without(
        f, "conditioner.embedders.0.transformer.text_model.encoder.layers.1.mlp.fc2.weight"
    ),
    "open_clip tensor": lambda f: without(
        f, "conditioner.embedders.1.model.transformer.resblocks.1.ln_1.weight"
    ),
    "shape": lambda f: reshaped(f, "model.diffusion_model.out.2.bias"),
    "pickle": lambda f: f.write_bytes(pickle.dumps({"state_dict": {}})),
    "a lora": lambda f: save_file({"lora_unet_x.lora_down.weight": torch.zeros(4, 4)}, f),
}


@pytest.mark.parametrize("damage", FILE_DAMAGES)
def test_a_damaged_single_file_gives_one_clear_line(home: Path, tmp_path: Path, damage: str) -> None:
    folder = Path(shutil.copytree(home / "models" / "sdxl-file", tmp_path / "file"))
    FILE_DAMAGES[damage](folder / "model.safetensors")
    with pytest.raises(CheckpointError) as caught:
        load(folder / "model.safetensors")
    message = str(caught.value)
    assert "model.safetensors" in message and "\n" not in message


def test_a_single_file_needs_its_tokenizer_and_derives_the_second(home: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(home / "models" / "sdxl-file", tmp_path / "file"))
    shutil.rmtree(folder / "tokenizer_2")
    first, second = sdxl.load_tokenizers(folder)
    assert (first.pad_token, second.pad_token) == ("<|endoftext|>", "!")
    shutil.rmtree(folder / "tokenizer")
    with pytest.raises(CheckpointError, match=r"the CLIP tokenizer .* is missing"):
        load(folder / "model.safetensors")
