"""Checkpoints that a loader must not open: pickles, foreign code, damaged headers; and good ones."""

from __future__ import annotations

import json
import pickle
import random
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save, save_file

from stillmotion.errors import CheckpointError
from stillmotion.weights import check_file, check_folder

TENSORS = {
    "a": torch.arange(12.0).reshape(3, 4),
    "b": torch.ones(5, dtype=torch.bfloat16),
    "c": torch.tensor(1),
}


@pytest.fixture
def pipeline(tmp_path: Path) -> Path:
    """A folder as diffusers writes them; its tensors are random, only the layout counts here."""
    folder = tmp_path / "checkpoint"
    index: dict[str, Any] = {
        "_class_name": "WanVACEPipeline",
        "_diffusers_version": "0.42.1",
        "scheduler": ["diffusers", "UniPCMultistepScheduler"],
        "transformer": ["diffusers", "WanVACETransformer3DModel"],
        "transformer_2": [None, None],
        "boundary_ratio": None,
    }
    for name in ("scheduler", "transformer"):
        (folder / name).mkdir(parents=True)
        config = {"_class_name": index[name][1]}
        (folder / name / "config.json").write_text(json.dumps(config))
    save_file(TENSORS, folder / "transformer" / "diffusion_pytorch_model.safetensors")
    (folder / "model_index.json").write_text(json.dumps(index))
    return folder


def edit(path: Path, **values: Any) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


def test_a_good_folder_and_a_good_file_pass(pipeline: Path) -> None:
    check_folder(pipeline)
    check_folder(pipeline / "transformer" / "diffusion_pytorch_model.safetensors")


def test_a_released_layout_written_by_diffusers_passes(tmp_path: Path) -> None:
    from diffusers import AutoencoderKL, EulerDiscreteScheduler

    AutoencoderKL(block_out_channels=(8,), norm_num_groups=4).save_pretrained(tmp_path / "vae")
    EulerDiscreteScheduler().save_pretrained(tmp_path / "scheduler")
    check_folder(tmp_path)


@pytest.mark.parametrize("name", ["pytorch_model.bin", "model.ckpt", "x.pt", "x.PTH", "x.pkl", "x.npy"])
def test_pickles_alone_are_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(pickle.dumps({"a": 1}))
    with pytest.raises(CheckpointError, match=r"convert it to \.safetensors"):
        check_folder(tmp_path)
    with pytest.raises(CheckpointError, match=r"convert it to \.safetensors"):
        check_file(tmp_path / name)


def test_a_pickle_beside_safetensors_is_left_alone(pipeline: Path) -> None:
    (pipeline / "transformer" / "pytorch_model.bin").write_bytes(pickle.dumps(1))
    check_folder(pipeline)


def test_a_pickle_called_safetensors_is_refused(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_bytes(pickle.dumps({"a": list(range(1000))}))
    with pytest.raises(CheckpointError, match=r"model\.safetensors: not a safetensors file"):
        check_folder(tmp_path)


def test_code_in_a_checkpoint_is_refused(pipeline: Path) -> None:
    (pipeline / "transformer" / "modeling.py").write_text("import os")
    with pytest.raises(CheckpointError, match=r"modeling\.py: code does not belong"):
        check_folder(pipeline)


@pytest.mark.parametrize(
    "value",
    [
        ["modeling", "Hostile"],
        ["os", "system"],
        ["diffusers", "DiffusionPipeline"],
        ["transformers", "AutoModel"],
        ["transformers", "CLIPTextModel", "x"],
        [["diffusers"], "AutoencoderKL"],
        ["diffusers"],
        [],
    ],
)
def test_a_component_of_another_class_is_refused(pipeline: Path, value: list[Any]) -> None:
    edit(pipeline / "model_index.json", transformer=value)
    with pytest.raises(CheckpointError, match=r"model_index\.json: 'transformer' is of"):
        check_folder(pipeline)


@pytest.mark.parametrize("name", ["FluxPipeline", ["pipeline", "Hostile"], None, 7])
def test_another_pipeline_is_refused(pipeline: Path, name: object) -> None:
    edit(pipeline / "model_index.json", _class_name=name)
    with pytest.raises(CheckpointError, match=r"model_index\.json"):
        check_folder(pipeline)


def test_configurations_that_ask_for_code_or_other_weights_are_refused(pipeline: Path) -> None:
    config = pipeline / "transformer" / "config.json"
    before = config.read_text()
    edit(config, auto_map={"AutoModel": "modeling.Hostile"})
    with pytest.raises(CheckpointError, match="'auto_map' asks for code"):
        check_folder(pipeline)
    config.write_text(before)
    edit(config, _class_name="HostileModel")
    with pytest.raises(CheckpointError, match="HostileModel"):
        check_folder(pipeline)
    config.write_text(before)
    (pipeline / "transformer" / "adapter_config.json").write_text('{"base_model_name_or_path": "x/y"}')
    with pytest.raises(CheckpointError, match=r"adapter_config\.json"):
        check_folder(pipeline)


def test_missing_parts_are_named(pipeline: Path) -> None:
    (pipeline / "transformer" / "diffusion_pytorch_model.safetensors").unlink()
    with pytest.raises(CheckpointError, match=r"transformer: no \.safetensors weights"):
        check_folder(pipeline)
    save_file(TENSORS, pipeline / "transformer" / "model.safetensors")
    edit(pipeline / "model_index.json", vae=["diffusers", "AutoencoderKLWan"])
    with pytest.raises(CheckpointError, match=r"vae: missing, but named in model_index\.json"):
        check_folder(pipeline)
    with pytest.raises(CheckpointError, match="no such checkpoint"):
        check_folder(pipeline / "nowhere")


@pytest.mark.parametrize(
    "shard", ["../../secret.safetensors", "/etc/x.safetensors", "a\\b.safetensors", "a.bin"]
)
def test_an_index_names_only_shards_beside_it(pipeline: Path, shard: str) -> None:
    index = pipeline / "transformer" / "diffusion_pytorch_model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": {"a": shard}}))
    with pytest.raises(CheckpointError, match="not a safetensors file beside it"):
        check_folder(pipeline)
    index.write_text(json.dumps({"weight_map": {"a": "model-00001-of-00002.safetensors"}}))
    with pytest.raises(CheckpointError, match=r"model-00001-of-00002\.safetensors: missing"):
        check_folder(pipeline)


def test_every_cut_of_a_file_is_refused(tmp_path: Path) -> None:
    data = save(TENSORS)
    path = tmp_path / "model.safetensors"
    for length in [*range(0, len(data), 7), len(data) - 1]:
        path.write_bytes(data[:length])
        with pytest.raises(CheckpointError, match=r"model\.safetensors"):
            check_file(path)
    path.write_bytes(data + b"\0")
    with pytest.raises(CheckpointError, match="holds"):
        check_file(path)


def test_flipped_header_bits_only_ever_give_the_one_error(tmp_path: Path) -> None:
    data = save(TENSORS)
    length = int.from_bytes(data[:8], "little")
    path = tmp_path / "model.safetensors"
    refused = 0
    choose = random.Random(5)
    for _ in range(400):
        damaged = bytearray(data)
        damaged[choose.randrange(8 + length)] ^= 1 << choose.randrange(8)
        path.write_bytes(damaged)
        try:
            check_file(path)
        except CheckpointError as error:
            assert str(path) in str(error) and "\n" not in str(error)
            refused += 1
    # What passes has a flipped bit in a tensor's name or in the padding, which no header check can see.
    assert refused > 300


@pytest.mark.parametrize(
    "header",
    [
        {"a": {"dtype": "F32", "shape": [2**40, 2**40], "data_offsets": [0, 8]}},
        {"a": {"dtype": "F32", "shape": [-2], "data_offsets": [0, 8]}},
        {"a": {"dtype": "F32", "shape": [2], "data_offsets": [8, 0]}},
        {"a": {"dtype": "OBJECT", "shape": [2], "data_offsets": [0, 8]}},
        {"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 2**70]}},
        {"a": {"dtype": "F32", "shape": [True, 2], "data_offsets": [0, 8]}},
        {"a": {"dtype": ["F32"], "shape": [2], "data_offsets": [0, 8]}},
        {"a": 5},
        [],
        "x",
        {
            "a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]},
            "b": {"dtype": "F32", "shape": [1], "data_offsets": [4, 8]},
        },
    ],
)
def test_absurd_headers_are_refused(tmp_path: Path, header: object) -> None:
    text = json.dumps(header).encode()
    path = tmp_path / "model.safetensors"
    path.write_bytes(len(text).to_bytes(8, "little") + text + bytes(8))
    with pytest.raises(CheckpointError, match=r"model\.safetensors"):
        check_file(path)


def test_an_absurd_header_length_reads_nothing(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    path.write_bytes((2**63).to_bytes(8, "little") + b"{}")
    with pytest.raises(CheckpointError, match="not a safetensors file"):
        check_file(path)


def test_broken_and_deep_json_are_refused(tmp_path: Path) -> None:
    for text in ("{", "[" * 100_000, "\xff\xfe"):
        (tmp_path / "config.json").write_text(text, encoding="latin-1")
        with pytest.raises(CheckpointError, match=r"config\.json: not valid JSON"):
            check_folder(tmp_path)
