"""The judges' weights: pickles become safetensors once, hostile ones are refused, nothing else is loaded."""

from __future__ import annotations

import hashlib
import io
import json
import pickle
import tempfile
from collections import OrderedDict
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from stillmotion.cli import run
from stillmotion.errors import CheckpointError, InputError, StillmotionError
from stillmotion.evaluate.judges import JUDGES
from stillmotion.evaluate.types import NotComputed, Sample
from stillmotion.evaluate.weights import judge_file
from stillmotion.parts import APACHE, CLIP_VISION
from stillmotion.weights import locate
from stillmotion.weights.catalogue import judges
from stillmotion.weights.convert import convert
from stillmotion.weights.fetch import download, plan_download
from stillmotion.weights.judges import BUNDLES, CLIP_BASE, DINO, PARTS, RAFT, Judges, PickledSource, bundle_of

from .hub_server import Hub, Server

COMMIT = "c" * 40
STATE = OrderedDict(w=torch.arange(30_000.0).view(300, 100), n=torch.tensor(7))


class Hostile:
    """Unpickled by a reader that trusts, this leaves a file; here the reader must not trust."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.mark,)


def pickled(value: Any, modern: bool = True) -> bytes:
    """``value`` as torch.save writes it, today (a zip) or before torch 1.6."""
    stream = io.BytesIO()
    torch.save(value, stream, _use_new_zipfile_serialization=modern)
    return stream.getvalue()


def on_hub(name: str = "judge") -> PickledSource:
    return PickledSource(
        name,
        APACHE,
        repo="owner/judge",
        revision=COMMIT,
        files=("config.json", "deep/w.bin"),
        pickle="deep/w.bin",
        becomes="model.safetensors",
    )


def at_address(server: Server, data: bytes, digits: int = 8) -> PickledSource:
    server.files["/models/raft-0.pth"] = data
    return PickledSource(
        "raft",
        APACHE,
        url=f"{server.address}/models/raft-0.pth",
        sha256=hashlib.sha256(data).hexdigest()[:digits],
        size=10,
        subfolder="raft.safetensors",
        pickle="raft-0.pth",
        becomes="raft.safetensors",
    )


def bundle(source: PickledSource) -> Judges:
    return Judges("evaluate", "test", (source,))


def hub_with(hub: Hub, data: bytes) -> Hub:
    hub.add(
        "owner/judge", COMMIT, {"config.json": b"{}", "deep/w.bin": data, "other.bin": b"x", "a.py": b"x"}
    )
    return hub


def files_in(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*")}


@pytest.mark.parametrize("modern", [True, False])
def test_a_pickle_on_the_hub_is_kept_as_safetensors_only(hub: Hub, home: Path, modern: bool) -> None:
    data = pickled(STATE, modern)
    hub_with(hub, data)
    plan = plan_download(bundle(on_hub()))
    assert plan.total_bytes == len(data) + 2
    assert not home.exists()
    download(plan, True)
    folder = home / "models" / "judge"
    assert files_in(folder) == {"config.json", "model.safetensors", "source.json"}
    found = load_file(locate(on_hub()) / "model.safetensors")
    assert all(torch.equal(found[name], value) for name, value in STATE.items()) and len(found) == 2
    record = json.loads((folder / "source.json").read_text())
    assert record["files"].keys() == {"config.json", "model.safetensors"}
    hub.requests.clear()
    assert plan_download(bundle(on_hub())).missing == ()
    assert hub.requests == []


def test_an_address_tells_its_size_and_its_first_digits_pin_it(server: Server, home: Path) -> None:
    data = pickled({"state_dict": dict(STATE), "epoch": 3})
    source = at_address(server, data)
    plan = plan_download(bundle(source))
    assert plan.total_bytes == len(data)
    download(plan, True)
    assert torch.equal(load_file(locate(source))["w"], STATE["w"])
    assert files_in(home / "models" / "raft") == {"raft.safetensors", "source.json"}


def test_other_bytes_than_pinned_are_refused_unread(server: Server, home: Path) -> None:
    source = at_address(server, pickled(STATE))
    server.files["/models/raft-0.pth"] = pickled({"w": torch.zeros(9)})
    with pytest.raises(CheckpointError, match="sha256 digest is"):
        download(bundle(source), True)
    assert not list(home.rglob("*.safetensors")) and not list(home.rglob("*.pth"))


@pytest.mark.parametrize("modern", [True, False])
def test_a_hostile_pickle_runs_nothing_and_leaves_nothing(hub: Hub, home: Path, modern: bool) -> None:
    mark = home.parent / "run"
    data = pickled({"w": torch.ones(2), "x": Hostile(mark)}, modern)
    torch.load(io.BytesIO(data), weights_only=False)
    assert mark.exists(), "the trap must work where a reader trusts"
    mark.unlink()
    hub_with(hub, data)
    with pytest.raises(CheckpointError, match=r"w\.bin: not a plain checkpoint, so it is not read"):
        download(bundle(on_hub()), True)
    assert not mark.exists()
    left = [path for path in files_in(home) if path.endswith((".bin", ".safetensors"))]
    assert left == []


@pytest.mark.parametrize(
    "value",
    [
        [torch.ones(2)],
        {},
        {"w": 3},
        {"w": torch.ones(2), "meta": {"lr": 0.1}},
        {3: torch.ones(2)},
        {"w": torch.ones(2, 2).to_sparse()},
        {"w": torch.empty(2, device="meta")},
        {"w": torch.ones(1).expand(2**31)},
        b"plain",
        {"w": tempfile.TemporaryDirectory},
    ],
)
def test_what_is_no_plain_state_dict_is_refused(tmp_path: Path, value: Any) -> None:
    path = tmp_path / "judge.pth"
    path.write_bytes(pickled(value))
    with pytest.raises(CheckpointError, match=r"judge\.pth: "):
        convert(path, tmp_path / "judge.safetensors")
    assert files_in(tmp_path) == {"judge.pth"}


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04garbage", pickle.dumps({"a": 1}), b"\x80\x02}q\x00."])
def test_a_damaged_pickle_is_one_line(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "judge.pth"
    path.write_bytes(data)
    with pytest.raises(CheckpointError, match=r"^[^\n]*judge\.pth: [^\n]+$"):
        convert(path, tmp_path / "judge.safetensors")


def test_tensors_that_share_memory_and_views_are_kept(tmp_path: Path) -> None:
    whole = torch.arange(12.0)
    (tmp_path / "j.pth").write_bytes(pickled({"a": whole, "b": whole[2:6], "c": whole.view(3, 4).T}))
    convert(tmp_path / "j.pth", tmp_path / "j.safetensors")
    found = load_file(tmp_path / "j.safetensors")
    assert found["b"].tolist() == [2.0, 3.0, 4.0, 5.0] and found["c"].shape == (4, 3)


def test_a_cut_download_goes_on_and_a_fetched_pickle_is_not_fetched_again(
    hub: Hub, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = pickled(STATE)
    hub_with(hub, data)
    path = f"/owner/judge/resolve/{COMMIT}/deep/w.bin"
    hub.faults[path] = [("cut", 50_000)] + [("status", 503)] * 9
    with pytest.raises(StillmotionError, match="same command goes on"):
        download(bundle(on_hub()), True)
    hub.faults.clear()
    plan = plan_download(bundle(on_hub()))
    assert plan.total_bytes - plan.missing_bytes == 50_000 + 2

    def killed(*_: Path) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("stillmotion.weights.fetch._convert", killed)
        with pytest.raises(KeyboardInterrupt):
            download(plan, True)
    hub.requests.clear()
    plan = plan_download(bundle(on_hub()))
    assert plan.missing_bytes == 0 and plan.missing
    download(plan, True)
    assert hub.ranges(path) == []
    assert torch.equal(load_file(locate(on_hub()) / "model.safetensors")["w"], STATE["w"])


def test_a_judge_that_is_not_here_names_its_command(home: Path) -> None:
    with pytest.raises(NotComputed, match=r"raft-large: not on this machine .*download evaluate-flow$"):
        judge_file("raft-large")
    with pytest.raises(NotComputed, match=r"stillmotion download evaluate$"):
        judge_file("buffalo_l")
    with pytest.raises(KeyError):
        judge_file("raft")


def test_only_whole_safetensors_are_given_to_a_judge(home: Path) -> None:
    folder = home / "models" / "raft-large"
    folder.mkdir(parents=True)
    (folder / "raft-large.pth").write_bytes(pickled(STATE))
    with pytest.raises(NotComputed, match="missing; fetch it again: stillmotion download evaluate-flow"):
        judge_file("raft-large")
    save_file(dict(STATE), folder / "raft-large.safetensors")
    assert judge_file("raft-large") == folder / "raft-large.safetensors"
    (folder / "raft-large.safetensors").write_bytes(b"\x00" * 99)
    with pytest.raises(NotComputed, match="damaged"):
        judge_file("raft-large")
    clip = home / "models" / "clip-vit-base-patch32"
    clip.mkdir()
    (clip / "pytorch_model.bin").write_bytes(pickled(STATE))
    with pytest.raises(NotComputed, match="may hold code, so it is never loaded"):
        judge_file("clip-vit-base-patch32")


def test_the_command_tells_sizes_and_licences_and_asks_first(
    hub: Hub, home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    data = pickled(STATE)
    hub.add("openai/clip-vit-base-patch32", str(CLIP_BASE.revision), {"pytorch_model.bin": data})
    monkeypatch.setattr("sys.stdin.isatty", lambda: False, raising=False)
    assert run(["download", "evaluate-clip"]) == 2
    said = capsys.readouterr().err
    assert "clip-vit-base-patch32: 0 MB to fetch (pinned by commit)" in said and "licence of clip-vit" in said
    assert "--accept-licences" in said and not home.exists()
    assert run(["download", "evaluate-clip", "--accept-licences"]) == 0
    assert capsys.readouterr().out == "evaluate-clip is ready\n"
    assert judge_file("clip-vit-base-patch32") == home / "models" / "clip-vit-base-patch32"


def test_non_commercial_parts_say_so_and_musiq_is_in_no_other_download() -> None:
    assert not PARTS["musiq-spaq"].licence.commercial and "pyiqa" in PARTS["musiq-spaq"].licence.name
    assert [name for name, found in BUNDLES.items() if PARTS["musiq-spaq"] in found.parts] == [
        "evaluate-musiq"
    ]
    assert not PARTS["curricularface"].licence.commercial and not PARTS["buffalo_l"].licence.commercial
    assert bundle_of(RAFT) == "evaluate-flow" and bundle_of(CLIP_VISION) == "evaluate-aesthetic"


def test_every_part_is_pinned_and_converted_where_it_is_a_pickle() -> None:
    for part in PARTS.values():
        assert part.pin in ("commit", "content")
        assert part.licence.address.startswith("https://") and part.size
        assert (part.url or "https://").startswith("https://")
        if isinstance(part, PickledSource):
            assert part.pickle and part.becomes.endswith(".safetensors")
            assert part.url is None or part.url.endswith("/" + part.pickle)
            assert part.repo is None or part.pickle in part.files


def test_a_pinned_digest_counts_more_than_what_the_hub_says(hub: Hub, home: Path) -> None:
    data = pickled(STATE)
    hub_with(hub, data)
    known = hashlib.sha256(data).hexdigest()
    source = replace(on_hub(), revision=None, files=("deep/w.bin",), sha256=known)
    assert source.pin == "content"
    with pytest.raises(CheckpointError, match="sha256 digest is"):
        download(bundle(replace(source, sha256="0" * 64)), True)
    download(bundle(source), True)
    assert (locate(source) / "model.safetensors").is_file()


def test_a_released_pickle_becomes_a_judge_that_measures(hub: Hub, home: Path) -> None:
    """DINO as it is published, small: configuration, a pickle in the released tensor names, with a pooler."""
    from transformers import ViTConfig, ViTModel

    config = ViTConfig(
        hidden_size=16, intermediate_size=24, num_hidden_layers=1, num_attention_heads=2, patch_size=16
    )
    ViTModel(config).save_pretrained(home.parent / "dino")
    state = load_file(home.parent / "dino" / "model.safetensors")
    assert "encoder.layer.0.attention.attention.query.weight" in state and "pooler.dense.bias" in state
    told = (home.parent / "dino" / "config.json").read_bytes()
    files = {"config.json": told, "pytorch_model.bin": pickled(OrderedDict(state), modern=False)}
    hub.add("facebook/dino-vitb16", str(DINO.revision), files)
    download("evaluate-dino", True)
    frames = np.random.default_rng(0).integers(0, 256, (3, 40, 64, 3), dtype=np.uint8)
    judge = JUDGES["dino"].load("cpu")
    found = judge.measure(Sample("id001", "prompt1", Path("a.mp4"), frames, 8.0, frames[0], "she waves"))
    assert 0 < found.values["subject_consistency"] <= 1 + 1e-6


def test_a_preset_may_not_name_a_pickle(hub: Hub) -> None:
    hub_with(hub, pickled(STATE))
    plain = replace(CLIP_VISION, repo="owner/judge", revision=COMMIT, files=("deep/w.bin",))
    with pytest.raises(StillmotionError, match="holds no file"):
        plan_download(Judges("evaluate", "test", (plain,)))


def test_an_unknown_name_is_the_users_mistake() -> None:
    with pytest.raises(InputError, match=r"'evaluat' is unknown; .*mini.*evaluate-musiq"):
        plan_download("evaluat")


def test_the_page_lists_what_the_catalogue_says() -> None:
    page = (Path(__file__).parents[2] / "docs" / "evaluate-metrics.md").read_text(encoding="utf-8")
    generated = page.split("<!-- generated")[1].split("-->", 1)[1].split("<!-- end -->")[0]
    assert generated.strip() == judges().strip()
