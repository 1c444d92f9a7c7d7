"""Where parts lie, and what is said where they do not."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from stillmotion import weights
from stillmotion.errors import CheckpointError, MissingWeightsError
from stillmotion.parts import OWN, QWEN, Source
from stillmotion.presets import MINI, PAPER, PRESETS
from stillmotion.weights import manifest, store

PART = replace(QWEN, subfolder="")


def put(home: Path, name: str, files: dict[str, bytes], record: bool = True) -> Path:
    folder = home / "models" / name
    folder.mkdir(parents=True)
    for file, data in files.items():
        (folder / file).write_bytes(data)
    if record:
        entries = {file: {"size": len(data), "sha256": ""} for file, data in files.items()}
        (folder / "source.json").write_text(json.dumps({"commit": "c", "files": entries}))
    return folder


def test_home_follows_the_variable(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert weights.home() == tmp_path / "home"
    monkeypatch.setenv("STILLMOTION_HOME", "~/elsewhere")
    assert weights.home() == Path.home() / "elsewhere"
    monkeypatch.delenv("STILLMOTION_HOME")
    assert weights.home() == Path.home() / ".cache" / "stillmotion"


def test_missing_parts_are_named_with_the_exact_command(home: Path) -> None:
    with pytest.raises(
        MissingWeightsError, match=r"qwen3-8b: not on this machine .*: stillmotion download paper$"
    ):
        weights.locate(QWEN)
    with pytest.raises(MissingWeightsError, match=r"stillmotion download wan22-5b$"):
        weights.locate(QWEN, "wan22-5b")
    with pytest.raises(MissingWeightsError, match=r"^realvisxl-v4.0: .*stillmotion download fast$"):
        weights.require(PRESETS["fast"])
    (home / "models" / "qwen3-8b").mkdir(parents=True)
    with pytest.raises(MissingWeightsError, match="not on this machine"):
        weights.locate(QWEN)


def test_a_finished_part_is_found_and_a_changed_size_is_not(home: Path) -> None:
    folder = put(home, "qwen3-8b", {"config.json": b"{}"})
    assert weights.locate(PART) == folder
    assert weights.find_repository("qwen/Qwen3-8B") == folder
    (folder / "config.json").write_bytes(b"{ }")
    with pytest.raises(
        CheckpointError, match=r"config\.json: 3 bytes instead of 2; .*stillmotion download paper"
    ):
        weights.locate(PART)
    (folder / "config.json").unlink()
    with pytest.raises(CheckpointError, match=r"config\.json: missing"):
        weights.locate(PART)


def test_an_interrupted_download_names_the_command_that_goes_on(home: Path) -> None:
    folder = put(home, "qwen3-8b", {"config.json": b"{}"}, record=False)
    (folder / ".incomplete").write_text("{}")
    with pytest.raises(MissingWeightsError, match=r"interrupted .*go on with: stillmotion download paper$"):
        weights.locate(PART)


def test_what_a_person_put_there_is_used(home: Path) -> None:
    folder = put(home, "qwen3-8b", {"config.json": b"{}"}, record=False)
    assert weights.locate(PART) == folder
    single = replace(PART, name="single.safetensors")
    (home / "models" / "single.safetensors").write_bytes(b"x")
    assert weights.locate(single) == home / "models" / "single.safetensors"


def test_the_subfolder_is_what_a_loader_gets(home: Path) -> None:
    folder = put(home, "hyperlora", {"a.json": b"{}"})
    with pytest.raises(CheckpointError, match="sdxl_hyper_id_lora_v1_fidelity: missing"):
        weights.locate(PAPER.still.hyperlora)
    (folder / "sdxl_hyper_id_lora_v1_fidelity").mkdir()
    assert weights.locate(PAPER.still.hyperlora) == folder / "sdxl_hyper_id_lora_v1_fidelity"


@pytest.mark.parametrize("text", ["", "[]", '{"files": 5}', '{"files": {"a": {"size": "x"}}}'])
def test_a_broken_record_is_one_clear_error(home: Path, text: str) -> None:
    folder = put(home, "qwen3-8b", {"config.json": b"{}"})
    (folder / "source.json").write_text(text)
    with pytest.raises(CheckpointError, match=r"source\.json: not a record"):
        weights.locate(PART)


def test_an_unknown_repository_names_its_folder(home: Path) -> None:
    with pytest.raises(MissingWeightsError, match="hf download a/b --local-dir"):
        weights.find_repository("a/b")
    put(home, "a--b", {"config.json": b"{}"}, record=False)
    assert weights.find_repository("a/b") == home / "models" / "a--b"


def test_embedded_parts_are_verified_by_their_manifest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store.resources, "files", lambda _: tmp_path)
    part = Source("tiny", OWN, embedded=True)
    with pytest.raises(MissingWeightsError, match="embedded weights are not in this installation"):
        weights.locate(part)
    folder = tmp_path / "mini" / "tiny"
    folder.mkdir(parents=True)
    (folder / "w.safetensors").write_bytes(b"1234")
    with pytest.raises(CheckpointError, match=r"manifest\.json: missing"):
        weights.locate(part)
    manifest.write(folder)
    assert weights.locate(part) == folder
    (folder / "w.safetensors").write_bytes(b"1235")
    with pytest.raises(CheckpointError, match=r"w\.safetensors: damaged"):
        weights.locate(part)


def test_the_embedded_weights_of_this_package_are_whole() -> None:
    for source in MINI.sources():
        if store.folder_of(source).exists():
            assert weights.locate(source) == store.folder_of(source)


def test_offline_before_and_after_the_libraries_are_imported() -> None:
    program = """
import sys
if sys.argv[1] == "late":
    import huggingface_hub.constants, diffusers.utils.constants
from stillmotion import weights
weights.offline_environment()
import os, huggingface_hub.constants, huggingface_hub.errors
assert huggingface_hub.constants.is_offline_mode()
assert os.environ["DIFFUSERS_DISABLE_REMOTE_CODE"] == "1"
if sys.argv[1] == "late":
    assert diffusers.utils.constants.DIFFUSERS_DISABLE_REMOTE_CODE
try:
    huggingface_hub.HfApi(endpoint="http://127.0.0.1:9").model_info("a/b")
except huggingface_hub.errors.OfflineModeIsEnabled:
    print("offline")
"""
    clean = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("HF_", "TRANSFORMERS", "DIFF"))
    }
    for when in ("early", "late"):
        done = subprocess.run(
            [sys.executable, "-c", program, when], capture_output=True, text=True, env=clean, check=False
        )
        assert done.stdout.strip() == "offline", done.stderr


def test_importing_the_room_is_light() -> None:
    program = (
        "import sys, stillmotion.weights.store, stillmotion.weights.safety; print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
