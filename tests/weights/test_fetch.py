"""Downloads of presets: from a Hub on loopback, asked by huggingface_hub itself, and from plain addresses."""

from __future__ import annotations

import hashlib
import io
import json
import os
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from safetensors.torch import save

from stillmotion import weights
from stillmotion.errors import CheckpointError, InputError, MissingWeightsError, StillmotionError
from stillmotion.parts import APACHE, INSIGHTFACE, Source
from stillmotion.presets import PAPER, Preset
from stillmotion.weights import fetch, store
from stillmotion.weights.fetch import describe, download, plan_download

from .hub_server import Hub

COMMIT, LATER = "a" * 40, "b" * 40
WEIGHTS = save({"w": torch.arange(50_000.0)})
FILES = {
    "config.json": b'{"model_type": "tiny"}',
    "model.safetensors": WEIGHTS,
    "tokenizer/merges.txt": b"a b\n",
    "pytorch_model.bin": b"pickle",
    "modeling.py": b"import os",
    ".gitattributes": b"*",
    "README.md": b"# hello",
    "weights.onnx": b"1",
}
PINNED = Source("tiny", APACHE, repo="owner/tiny", revision=COMMIT)
UNPINNED = replace(PINNED, revision=None)


def preset_of(*sources: Source) -> Preset:
    """A preset whose parts are just these."""
    part = sources[0]
    still = replace(PAPER.still, checkpoint=part, hyperlora=part, image_encoder=part)
    motion = replace(PAPER.motion, checkpoint=part)
    return replace(PAPER, name="small", still=still, motion=motion, extra_sources=sources[1:])


@pytest.fixture
def filled(hub: Hub) -> Hub:
    hub.add("owner/tiny", COMMIT, FILES)
    return hub


def test_the_plan_tells_files_sizes_and_licences_and_writes_nothing(filled: Hub, home: Path) -> None:
    plan = plan_download(preset_of(PINNED))
    (part,) = plan.missing
    assert [file.name for file in part.files] == ["config.json", "model.safetensors", "tokenizer/merges.txt"]
    assert plan.total_bytes == plan.missing_bytes == sum(len(FILES[file.name]) for file in part.files)
    assert plan.licences == {APACHE: ("tiny",)}
    assert plan.destination == home / "models"
    assert part.commit == COMMIT and part.note == "pinned by commit"
    assert not home.exists()
    assert not any("resolve" in path for path, _ in filled.requests)


def test_nothing_is_fetched_before_the_licences_are_accepted(filled: Hub, home: Path) -> None:
    with pytest.raises(InputError, match=r"^licences: small needs: Apache-2\.0; .*--accept-licences$"):
        download(preset_of(PINNED))
    assert not home.exists()


def test_a_download_is_verified_recorded_and_then_ready(filled: Hub, home: Path) -> None:
    seen: list[tuple[str, int, int]] = []
    plan = download(preset_of(PINNED), True, lambda *step: seen.append(step))
    folder = home / "models" / "tiny"
    found = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert found == {"config.json", "model.safetensors", "tokenizer/merges.txt", "source.json"}
    record = json.loads((folder / "source.json").read_text())
    assert (
        record["commit"] == COMMIT and record["licence"] == "Apache-2.0" and record["pinned_by"] == "commit"
    )
    assert record["files"]["model.safetensors"]["sha256"] == hashlib.sha256(WEIGHTS).hexdigest()
    assert weights.locate(PINNED) == folder
    done = [here for _, here, _ in seen]
    assert done == sorted(done) and done[-1] == plan.total_bytes
    assert {total for *_, total in seen} == {plan.total_bytes}
    filled.requests.clear()
    assert plan_download(preset_of(PINNED)).missing == ()
    assert filled.requests == []


def test_a_killed_download_goes_on_within_the_file(filled: Hub, home: Path) -> None:
    path = f"/owner/tiny/resolve/{COMMIT}/model.safetensors"
    filled.faults[path] = [("cut", 70_000)] + [("status", 503)] * 9
    with pytest.raises(StillmotionError, match="same command goes on"):
        download(preset_of(PINNED), True)
    with pytest.raises(MissingWeightsError, match="interrupted"):
        weights.locate(PINNED)
    filled.faults.clear()
    filled.requests.clear()
    plan = plan_download(preset_of(PINNED))
    assert plan.total_bytes - plan.missing_bytes == 70_000 + len(FILES["config.json"])
    download(plan, True)
    assert filled.ranges(path) == ["bytes=70000-"]
    assert filled.ranges(f"/owner/tiny/resolve/{COMMIT}/config.json") == []
    assert (weights.locate(PINNED) / "model.safetensors").read_bytes() == WEIGHTS


def test_without_a_pin_the_first_commit_is_kept(filled: Hub, home: Path) -> None:
    download(preset_of(UNPINNED), True)
    folder = home / "models" / "tiny"
    record = json.loads((folder / "source.json").read_text())
    assert record["commit"] == COMMIT and record["pinned_by"] == "first download"
    filled.add("owner/tiny", LATER, FILES | {"config.json": b'{"model_type": "other"}'})
    (folder / "config.json").unlink()
    download(preset_of(UNPINNED), True)
    assert (folder / "config.json").read_bytes() == FILES["config.json"]
    assert f"/api/models/owner/tiny/revision/{COMMIT}" in [path for path, _ in filled.requests]


def test_an_interrupted_unpinned_download_stays_at_its_commit(filled: Hub, home: Path) -> None:
    filled.faults[f"/owner/tiny/resolve/{COMMIT}/model.safetensors"] = [("status", 404)]
    with pytest.raises(StillmotionError, match="answers 404"):
        download(preset_of(UNPINNED), True)
    filled.add("owner/tiny", LATER, FILES | {"model.safetensors": save({"v": torch.ones(3)})})
    download(preset_of(UNPINNED), True)
    assert (weights.locate(UNPINNED) / "model.safetensors").read_bytes() == WEIGHTS


def test_a_host_that_gives_other_bytes_under_the_first_commit_is_refused(filled: Hub, home: Path) -> None:
    download(preset_of(UNPINNED), True)
    folder = home / "models" / "tiny"
    filled.add("owner/tiny", COMMIT, FILES | {"config.json": b'{"model_type": "hack"}'})
    (folder / "config.json").unlink()
    with pytest.raises(CheckpointError, match=r"config\.json: differs from the first download"):
        download(preset_of(UNPINNED), True)
    with pytest.raises(MissingWeightsError):
        weights.locate(UNPINNED)


def test_a_sha256_in_the_preset_outranks_the_hub(filled: Hub, home: Path) -> None:
    exact = replace(UNPINNED, files=("model.safetensors",), sha256=hashlib.sha256(WEIGHTS).hexdigest())
    download(preset_of(exact), True)
    wrong = replace(exact, name="wrong", sha256="0" * 64)
    with pytest.raises(CheckpointError, match="sha256 digest"):
        download(preset_of(wrong), True)
    assert exact.pin == "content"


def test_bytes_that_are_not_the_listed_ones_are_refused(filled: Hub, home: Path) -> None:
    for name in ("config.json", "model.safetensors"):
        data = bytearray(FILES[name])
        data[-2] ^= 1
        filled.files[f"/owner/tiny/resolve/{COMMIT}/{name}"] = bytes(data)
        with pytest.raises(CheckpointError, match="digest"):
            download(preset_of(PINNED), True)
        filled.files[f"/owner/tiny/resolve/{COMMIT}/{name}"] = FILES[name]
    download(preset_of(PINNED), True)


def test_a_hostile_repository_does_not_become_ready(hub: Hub, home: Path) -> None:
    hub.add("owner/tiny", COMMIT, FILES | {"config.json": b'{"auto_map": {"AutoModel": "modeling.X"}}'})
    with pytest.raises(CheckpointError, match=r"config\.json: 'auto_map'"):
        download(preset_of(PINNED), True)
    with pytest.raises(MissingWeightsError):
        weights.locate(PINNED)


def test_names_that_leave_the_folder_are_never_asked_for(hub: Hub, home: Path) -> None:
    names = ("../evil.json", "a/../../evil.json", "/evil.json", "..\\evil.json", "x/.hidden.json")
    hub.add("owner/tiny", COMMIT, FILES | dict.fromkeys(names, b"{}"))
    plan = plan_download(preset_of(PINNED))
    assert [file.name for file in plan.missing[0].files] == [
        "config.json",
        "model.safetensors",
        "tokenizer/merges.txt",
    ]


def test_the_hub_s_refusals_are_one_line_each(hub: Hub) -> None:
    with pytest.raises(StillmotionError, match=r"^owner/tiny: not found on 127\.0\.0\.1"):
        plan_download(preset_of(PINNED))
    hub.add("owner/tiny", LATER, FILES)
    with pytest.raises(StillmotionError, match=r"^owner/tiny: the pinned commit is not on"):
        plan_download(preset_of(PINNED))
    api = f"/api/models/owner/tiny/revision/{COMMIT}"
    hub.faults[api] = [("status", 403, {"X-Error-Code": "GatedRepo"})]
    with pytest.raises(StillmotionError, match="accept its terms first: https://"):
        plan_download(preset_of(PINNED))
    hub.faults[api] = [("status", 500)] * 20
    with pytest.raises(StillmotionError, match="answers 500"):
        plan_download(preset_of(PINNED))
    hub.add("owner/tiny", COMMIT, {"readme.md": b""})
    hub.faults.clear()
    with pytest.raises(StillmotionError, match="holds no file that tiny needs"):
        plan_download(preset_of(PINNED))


def test_no_network_and_offline_mode_are_one_line(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(StillmotionError, match="HF_HUB_OFFLINE is set"):
        plan_download(preset_of(PINNED))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(
        StillmotionError, match=r"127\.0\.0\.1 cannot be reached \(.*check the network"
    ) as caught:
        plan_download(preset_of(PINNED))
    assert "\n" not in str(caught.value)


def test_too_small_a_disk_is_told_before_a_byte_is_fetched(
    filled: Hub, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetch.shutil, "disk_usage", lambda _: SimpleNamespace(free=1000))
    plan = plan_download(preset_of(PINNED))
    assert not plan.fits
    with pytest.raises(StillmotionError, match=r"0 MB needed and 0 MB free; .*STILLMOTION_HOME"):
        download(plan, True)
    assert not home.exists()


def test_a_home_that_cannot_be_written_is_one_line(filled: Hub, home: Path) -> None:
    home.write_text("a file")
    with pytest.raises(StillmotionError, match=r"cannot be written .*STILLMOTION_HOME"):
        download(preset_of(PINNED), True)


def test_a_second_download_at_once_is_refused(filled: Hub, home: Path) -> None:
    def again(*_: object) -> None:
        with pytest.raises(StillmotionError, match="another process is downloading"):
            download(plan, True)

    plan = plan_download(preset_of(PINNED))
    download(plan, True, again)


def test_what_a_person_put_there_is_not_touched(hub: Hub, home: Path) -> None:
    folder = home / "models" / "tiny"
    folder.mkdir(parents=True)
    (folder / "config.json").write_text("mine")
    (part,) = plan_download(preset_of(PINNED)).parts
    assert part.note == "put there by hand, not verified" and part.files == ()
    assert hub.requests == []


@pytest.fixture
def pack(hub: Hub) -> Source:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as zipped:
        zipped.writestr("pack/det.onnx", bytes(range(256)) * 100)
        zipped.writestr("pack/readme.txt", "x")
    data = buffer.getvalue()
    hub.files["/pack.zip"] = data
    digest = hashlib.sha256(data).hexdigest()
    return Source("pack", INSIGHTFACE, url=f"{hub.address}/pack.zip", sha256=digest, size=len(data))


def test_a_model_pack_is_resumed_verified_and_unpacked(hub: Hub, pack: Source, home: Path) -> None:
    hub.faults["/pack.zip"] = [("cut", 900)] + [("status", 500)] * 9
    with pytest.raises(StillmotionError):
        download(preset_of(pack), True)
    assert plan_download(preset_of(pack)).missing_bytes == (pack.size or 0) - 900
    hub.faults.clear()
    plan = download(preset_of(pack), True)
    assert plan.licences == {INSIGHTFACE: ("pack",)}
    assert hub.ranges("/pack.zip")[-1] == "bytes=900-"
    folder = weights.locate(pack)
    assert sorted(path.name for path in folder.iterdir()) == ["det.onnx", "source.json"]
    assert plan_download(preset_of(pack)).missing == ()


def test_a_pack_with_another_hash_leaves_nothing_to_load(hub: Hub, pack: Source, home: Path) -> None:
    with pytest.raises(CheckpointError, match="digest"):
        download(preset_of(replace(pack, sha256="1" * 64)), True)
    with pytest.raises(MissingWeightsError):
        weights.locate(pack)
    assert not list((home / "models" / "pack").glob("*.onnx"))
    download(preset_of(pack), True)


def test_only_hosts_of_the_preset_are_contacted(
    hub: Hub, pack: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    import socket

    asked: set[str] = set()
    real = socket.getaddrinfo

    def note(host: str, *rest: object, **named: object) -> object:
        asked.add(host)
        return real(host, *rest, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(socket, "getaddrinfo", note)
    hub.add("owner/tiny", COMMIT, FILES)
    download(preset_of(PINNED, pack), True)
    assert asked == {"127.0.0.1"}


def test_the_plan_in_words_tells_what_has_to_be_told(hub: Hub, pack: Source) -> None:
    hub.add("owner/tiny", COMMIT, FILES)
    text = describe(plan_download(preset_of(UNPINNED, pack)))
    assert "tiny: 3 files, 0 MB; NOT PINNED, the first download is trusted and kept" in text
    assert (
        "pack: insightface model licence NO COMMERCIAL USE (non-commercial research only): https://" in text
    )
    assert "pack: 1 files" in text and "pinned by sha256" in text
    download(preset_of(UNPINNED, pack), True)
    assert describe(plan_download(preset_of(UNPINNED, pack))).startswith("small: everything is here")


def test_a_process_killed_in_the_middle_leaves_what_the_next_one_resumes(hub: Hub, home: Path) -> None:
    """A real SIGKILL while bytes arrive; then the same call fetches only what is missing."""
    large = save({"w": torch.zeros(2_000_000)})
    path = f"/owner/tiny/resolve/{COMMIT}/model.safetensors"
    hub.add("owner/tiny", COMMIT, {"model.safetensors": large})
    hub.faults[path] = [("stall", 3_000_000)]
    program = f"""
from stillmotion.parts import APACHE, Source
from stillmotion.presets import PAPER
from dataclasses import replace
from stillmotion.weights.fetch import download
part = Source("tiny", APACHE, repo="owner/tiny", revision="{COMMIT}")
still = replace(PAPER.still, checkpoint=part, hyperlora=part, image_encoder=part)
motion = replace(PAPER.motion, checkpoint=part)
preset = replace(PAPER, name="small", still=still, motion=motion, extra_sources=())
download(preset, True, lambda step, done, total: print(done, flush=True))
"""
    environment = {name: value for name, value in os.environ.items() if not name.endswith("OFFLINE")}
    process = subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, env=environment
    )
    assert process.stdout is not None
    for line in process.stdout:
        if int(line) >= 2_900_000:
            break
    process.kill()
    process.wait()
    process.stdout.close()
    kept = (home / "models" / "tiny" / "model.safetensors.part").stat().st_size
    assert 0 < kept < len(large)
    download(preset_of(PINNED), True)
    assert hub.ranges(path)[-1] == f"bytes={kept}-"
    assert (weights.locate(PINNED) / "model.safetensors").read_bytes() == large


def test_a_package_without_its_weights_is_not_called_ready(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store.resources, "files", lambda _: tmp_path)
    with pytest.raises(MissingWeightsError, match="still: the embedded weights are not in this installation"):
        plan_download("mini")
