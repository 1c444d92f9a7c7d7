"""Loading: damaged and foreign folders are named in one line; tokens, tensors and LoRAs arrive as written."""

from __future__ import annotations

import json
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer

from stillmotion import motion
from stillmotion.errors import CheckpointError, InputError, MissingWeightsError, OutOfMemoryError
from stillmotion.motion import models as loading
from stillmotion.motion.models import MotionModels, load_folder
from stillmotion.parts import Source

from .conftest import make_plan, make_preset, make_settings


def _edit(path: Path, **changes: Any) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1000])


def _rename_tensor(path: Path) -> None:
    tensors = load_file(path)
    name = sorted(tensors)[0]
    tensors["foreign"] = tensors.pop(name)
    save_file(tensors, path)


def _only_pickles(folder: Path) -> None:
    for file in folder.glob("*.safetensors*"):
        file.unlink()
    (folder / "diffusion_pytorch_model.bin").write_bytes(pickle.dumps({"a": 1}))


SHARD = "transformer/diffusion_pytorch_model-00001-of-00002.safetensors"
DAMAGES: dict[str, tuple[Callable[[Path], Any], str]] = {
    "no index": (lambda f: (f / "model_index.json").unlink(), r"model_index\.json: missing"),
    "index is not JSON": (
        lambda f: (f / "model_index.json").write_text("{"),
        r"model_index\.json: not valid JSON",
    ),
    "other pipeline": (
        lambda f: _edit(f / "model_index.json", _class_name="WanPipeline"),
        r"model_index\.json: is of 'WanPipeline', not WanVACEPipeline",
    ),
    "foreign class": (
        lambda f: _edit(f / "model_index.json", vae=["os", "system"]),
        r"model_index\.json: 'vae' is of \['os', 'system'\]",
    ),
    "no transformer named": (
        lambda f: _edit(f / "model_index.json", transformer=[None, None]),
        r"model_index\.json: names no 'transformer'",
    ),
    "missing shard": (lambda f: (f / SHARD).unlink(), r"00001-of-00002\.safetensors: missing"),
    "cut shard": (lambda f: _cut(f / SHARD), r"00001-of-00002\.safetensors: .*cut"),
    "cut VAE": (lambda f: _cut(f / "vae/diffusion_pytorch_model.safetensors"), r"vae/diffusion.*: .*cut"),
    "cut text encoder": (
        lambda f: _cut(f / "text_encoder/model.safetensors"),
        r"text_encoder/model.*: .*cut",
    ),
    "pickled VAE": (lambda f: _only_pickles(f / "vae"), r"vae/diffusion_pytorch_model\.bin: may hold code"),
    "no VAE folder": (lambda f: shutil.rmtree(f / "vae"), r"vae: missing|vae/config\.json: missing"),
    "no tokenizer": (
        lambda f: (f / "tokenizer/tokenizer.json").unlink(),
        r"tokenizer: .*tokenizer\.json is missing",
    ),
    "broken tokenizer": (
        lambda f: (f / "tokenizer/tokenizer.json").write_text("{}"),
        r"tokenizer: cannot be loaded",
    ),
    "renamed tensor": (
        lambda f: _rename_tensor(f / "vae/diffusion_pytorch_model.safetensors"),
        r"vae: (tensor 'decoder.conv_in.bias' is missing|cannot be loaded .*decoder.conv_in.bias)",
    ),
    "renamed text tensor": (
        lambda f: _rename_tensor(f / "text_encoder/model.safetensors"),
        r"text_encoder: tensor 'encoder.block.0.layer.0.SelfAttention.k.weight' is missing",
    ),
    "other shape": (lambda f: _edit(f / "vae/config.json", base_dim=4), r"/vae: "),
    "other channels": (
        lambda f: _edit(f / "transformer/config.json", in_channels=36),
        r"transformer/config\.json: takes 36 channels where .*'vace'.* takes 16",
    ),
    "other masks": (
        lambda f: _edit(f / "transformer/config.json", vace_in_channels=288),
        r"transformer/config\.json: vace_in_channels",
    ),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_folder_is_named(damage: str, folders: dict[str, Path], tmp_path: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(folders["vace"], folder)
    break_it, message = DAMAGES[damage]
    break_it(folder)
    with pytest.raises(CheckpointError, match=message) as caught:
        load_folder(folder, make_preset("vace"), "cpu")
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 600


@pytest.mark.parametrize(
    ("folder", "kind", "message"),
    [
        ("ti2v", "vace", "is of 'WanPipeline', not WanVACEPipeline"),
        ("vace", "i2v", "is of 'WanVACEPipeline', not WanImageToVideoPipeline"),
        ("ti2v", "i2v", "is of 'WanPipeline'"),
        ("i2v", "ti2v", "takes 36 channels"),
    ],
)
def test_another_kind_of_model(folder: str, kind: str, message: str, folders: dict[str, Path]) -> None:
    with pytest.raises(CheckpointError, match=message):
        load_folder(folders[folder], make_preset(kind), "cpu")


def test_ti2v_without_its_flag(folders: dict[str, Path], tmp_path: Path) -> None:
    shutil.copytree(folders["ti2v"], tmp_path / "model")
    _edit(tmp_path / "model/model_index.json", expand_timesteps=False)
    with pytest.raises(CheckpointError, match="no 'expand_timesteps'"):
        load_folder(tmp_path / "model", make_preset("ti2v"), "cpu")


def test_a_file_or_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    for path in (tmp_path / "file", tmp_path / "nothing"):
        with pytest.raises(CheckpointError, match="not a folder"):
            load_folder(path, make_preset("vace"), "cpu")


@pytest.mark.parametrize("device", ["cuda:63", "mps", "gpu", "cpu:x"])
def test_a_device_that_is_not_here(device: str, folders: dict[str, Path]) -> None:
    with pytest.raises(InputError, match=f"^device: '{device}' "):
        load_folder(folders["vace"], make_preset("vace"), device)


def test_weights_that_do_not_fit(folders: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(loading, "_move", fail)
    with pytest.raises(OutOfMemoryError, match="do not fit into the memory of 'cpu'; take a smaller preset"):
        load_folder(folders["vace"], make_preset("vace"), "cpu")


def test_load_finds_the_presets_folder(
    folders: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STILLMOTION_HOME", str(tmp_path))
    preset = make_preset("vace")
    with pytest.raises(MissingWeightsError):
        motion.load(preset, "cpu")
    shutil.copytree(folders["vace"], tmp_path / "models" / preset.checkpoint.name)
    assert motion.load(preset, "cpu").spatial == 16


def test_half_precision_files_run_in_float32_on_the_cpu(folders: dict[str, Path], tmp_path: Path) -> None:
    shutil.copytree(folders["vace"], tmp_path / "model")
    for path in (tmp_path / "model").rglob("*.safetensors"):
        save_file({k: v.to(torch.bfloat16) for k, v in load_file(path).items()}, path, {"format": "pt"})
    models = load_folder(tmp_path / "model", make_preset("vace"), "cpu")
    parts = (models.pipe.vae, models.pipe.transformer, models.pipe.text_encoder)
    assert {p.dtype for part in parts for p in part.parameters()} == {torch.float32}


def test_tokens_are_those_of_the_file(models: dict[str, MotionModels], folders: dict[str, Path]) -> None:
    """The normalizer of tokenizer.json works: full-width letters are folded before the look-up."""
    text = "A woman ｓｍｉｌｅｓ. 细节模糊不清，最差质量"
    expected = Tokenizer.from_file(str(folders["vace"] / "tokenizer/tokenizer.json")).encode(text).ids
    tokenizer = models["vace"].pipe.tokenizer
    found = tokenizer(text, padding="max_length", max_length=len(expected) + 3, return_tensors="pt")
    assert found.input_ids[0].tolist() == expected + [0] * 3
    assert expected[-1] == 1, "ends with </s>"
    assert found.attention_mask[0].sum() == len(expected)


def test_embeddings_are_remembered_and_zero_behind_the_text(models: dict[str, MotionModels]) -> None:
    first, second, again = models["vace"].embed(["A man waves.", "静态", "A man waves."])
    assert first is again
    assert first.shape == (1, 32, 32)
    length = len(models["vace"].pipe.tokenizer("A man waves.").input_ids)
    assert (first[0, length:] == 0).all() and (first[0, :length] != 0).all(dim=-1).all()
    assert not torch.equal(first, second)


def _lora(folder: Path, layer: str, out_size: int, in_size: int, strength: float) -> dict[str, torch.Tensor]:
    """A LoRA of rank 2 for one layer, written in the original Wan naming that lightx2v's files use."""
    generator = torch.Generator().manual_seed(3)
    down = torch.randn(2, in_size, generator=generator)
    up = torch.randn(out_size, 2, generator=generator) * strength
    folder.mkdir(parents=True)
    name = f"diffusion_model.{layer}"
    save_file({f"{name}.lora_down.weight": down, f"{name}.lora_up.weight": up}, folder / "lora.safetensors")
    return {"delta": up @ down}


def test_a_few_step_lora_is_merged(
    folders: dict[str, Path], models: dict[str, MotionModels], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STILLMOTION_HOME", str(tmp_path))
    delta = _lora(tmp_path / "models" / "few-step", "blocks.1.self_attn.q", 32, 32, 0.5)["delta"]
    preset = make_preset("vace", loras=(Source("few-step", "none"),))
    merged = load_folder(folders["vace"], preset, "cpu").pipe.transformer
    plain = models["vace"].pipe.transformer
    weights, before = merged.state_dict(), plain.state_dict()
    assert weights.keys() == before.keys(), "nothing of the adapter is left"
    changed = "blocks.1.attn1.to_q.weight"
    torch.testing.assert_close(weights[changed], before[changed] + delta)
    assert all(torch.equal(weights[k], before[k]) for k in before if k != changed)


def test_a_lora_with_bias_differences(
    folders: dict[str, Path], models: dict[str, MotionModels], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As few-step LoRAs have them: pairs for linear layers, ``diff_b`` for biases, ``diff`` for norms."""
    monkeypatch.setenv("STILLMOTION_HOME", str(tmp_path))
    layers = [f"{kind}_attn.{part}" for kind in ("self", "cross") for part in "qkvo"] + ["ffn.0", "ffn.2"]
    sizes = {"ffn.0": (64, 32), "ffn.2": (32, 64)}
    tensors: dict[str, torch.Tensor] = {}
    for block in range(3):
        for layer in layers:
            rows, columns = sizes.get(layer, (32, 32))
            name = f"diffusion_model.blocks.{block}.{layer}"
            tensors[f"{name}.lora_down.weight"] = torch.randn(2, columns)
            tensors[f"{name}.lora_up.weight"] = torch.randn(rows, 2)
            tensors[f"{name}.diff_b"] = torch.randn(rows)
        tensors[f"diffusion_model.blocks.{block}.norm3.diff"] = torch.zeros(32)
    folder = tmp_path / "models" / "few-step"
    folder.mkdir(parents=True)
    save_file(tensors, folder / "lora.safetensors")
    merged = load_folder(folders["vace"], make_preset("vace", loras=(Source("few-step", "none"),)), "cpu")
    after, before = merged.pipe.transformer.state_dict(), models["vace"].pipe.transformer.state_dict()
    names = {"ffn.0": "ffn.net.0.proj", "ffn.2": "ffn.net.2", "cross_attn.o": "attn2.to_out.0"}
    for layer, ours in names.items():
        lora = f"diffusion_model.blocks.2.{layer}"
        delta = tensors[f"{lora}.lora_up.weight"] @ tensors[f"{lora}.lora_down.weight"]
        weight, bias = f"blocks.2.{ours}.weight", f"blocks.2.{ours}.bias"
        torch.testing.assert_close(after[weight], before[weight] + delta)
        torch.testing.assert_close(after[bias], before[bias] + tensors[f"{lora}.diff_b"])
    unchanged = [name for name in before if name.startswith("vace_")]
    assert unchanged and all(torch.equal(after[name], before[name]) for name in unchanged)


def test_two_loras_go_into_two_transformers(
    folders: dict[str, Path], models: dict[str, MotionModels], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STILLMOTION_HOME", str(tmp_path))
    deltas = {
        name: _lora(tmp_path / "models" / name, "blocks.0.self_attn.k", 32, 32, strength)["delta"]
        for name, strength in (("high", 0.5), ("low", 0.25))
    }
    preset = make_preset("i2v", loras=(Source("high", "none"), Source("low", "none")))
    pipe = load_folder(folders["i2v"], preset, "cpu").pipe
    for name, part in (("high", "transformer"), ("low", "transformer_2")):
        after = getattr(pipe, part).blocks[0].attn1.to_k.weight
        before = getattr(models["i2v"].pipe, part).blocks[0].attn1.to_k.weight
        torch.testing.assert_close(after, before + deltas[name])


def test_a_foreign_lora_is_named(
    folders: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STILLMOTION_HOME", str(tmp_path))
    preset = make_preset("vace", loras=(Source("foreign", "none"),))
    folder = tmp_path / "models" / "foreign"
    folder.mkdir(parents=True)
    save_file({"unet.down.lora_A.weight": torch.zeros(2, 2)}, folder / "lora.safetensors")
    with pytest.raises(CheckpointError, match=r"foreign/lora\.safetensors: not a LoRA for this video model"):
        load_folder(folders["vace"], preset, "cpu")
    (folder / "lora.safetensors").write_bytes(b"\x00" * 7)
    with pytest.raises(CheckpointError, match=r"foreign/lora\.safetensors"):
        load_folder(folders["vace"], preset, "cpu")


def test_frames_with_a_lora_differ(
    folders: dict[str, Path],
    models: dict[str, MotionModels],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    first: Any,
) -> None:
    monkeypatch.setenv("STILLMOTION_HOME", str(tmp_path))
    _lora(tmp_path / "models" / "few-step", "blocks.1.ffn.0", 64, 32, 1.0)
    merged = load_folder(folders["vace"], make_preset("vace", loras=(Source("few-step", "none"),)), "cpu")
    frames = [
        motion.animate(first, make_plan(), None, m, make_settings()).frames for m in (merged, models["vace"])
    ]
    assert (frames[0] != frames[1]).any()
