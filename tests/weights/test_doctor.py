"""The doctor: what it finds, also on strange machines."""

from __future__ import annotations

import hashlib
import json
import sys
import time
from pathlib import Path

import pytest

from stillmotion.presets import PRESETS
from stillmotion.weights import doctor
from stillmotion.weights.doctor import Device


def report_of(report: doctor.Report, name: str) -> doctor.PresetReport:
    return next(preset for preset in report.presets if preset.name == name)


def test_it_is_quick_and_plain(home: Path) -> None:
    doctor.examine()
    start = time.monotonic()
    report = doctor.examine()
    assert time.monotonic() - start < 3
    assert json.loads(json.dumps(report.as_json()))["home"] == str(home)
    assert [preset.name for preset in report.presets] == list(PRESETS)
    assert report.home_writable and report.free_bytes > 0 and report.h264_encoder
    assert not home.exists()


def test_a_missing_preset_comes_with_its_exact_command(home: Path) -> None:
    report = doctor.examine()
    paper = report_of(report, "paper")
    assert not paper.ready and "stillmotion download paper" in paper.commands
    text = doctor.render(report)
    assert "missing: realvisxl-v4.0 (6.9 GB), hyperlora," in text
    assert "  run: stillmotion download wan22-14b" in text


def test_memory_decides_whether_a_preset_fits() -> None:
    cpu = Device("cpu", "cpu", 8.0)
    small, large = Device("cuda", "small", 24.0), Device("cuda", "large", 80.0)
    verdicts = {
        name: (doctor._fit(preset, (cpu, small))[0], doctor._fit(preset, (cpu, small, large))[0])
        for name, preset in PRESETS.items()
    }
    assert verdicts == {
        "mini": (True, True),
        "paper": (False, True),
        "paper-small": (True, True),
        "wan22-5b": (True, True),
        "wan22-14b": (False, True),
        "fast": (False, True),
    }
    assert doctor._fit(PRESETS["paper"], (cpu,))[1] == (
        "does not fit here: needs 39 GiB on a CUDA device, and there is none"
    )


def test_a_machine_without_torch_and_av_is_examined(monkeypatch: pytest.MonkeyPatch) -> None:
    real = doctor.importlib.util.find_spec
    monkeypatch.setattr(
        doctor.importlib.util,
        "find_spec",
        lambda name: None if name == "insightface" else real(name),
    )
    monkeypatch.setitem(sys.modules, "av", None)
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.setattr(doctor, "_version", lambda name: None)
    report = doctor.examine()
    assert not report.h264_encoder and not report.healthy
    assert any("torch is not installed" in note for note in report.notes)
    assert "pip install 'stillmotion[insightface]'" in report_of(report, "paper").commands
    assert "torch MISSING" in doctor.render(report)


def test_a_broken_torch_is_a_note(monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken:
        def __getattr__(self, name: str) -> object:
            raise RuntimeError("driver\nmismatch")

    monkeypatch.setitem(sys.modules, "torch", Broken())
    report = doctor.examine()
    assert any("torch does not work: driver mismatch" in note for note in report.notes)


def test_a_home_that_cannot_be_written_is_found(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home.write_text("a file")
    report = doctor.examine()
    assert not report.home_writable
    assert "NOT WRITABLE" in doctor.render(report)


def test_verify_finds_a_changed_byte_that_its_size_hides(home: Path) -> None:
    folder = home / "models" / "qwen3-8b"
    folder.mkdir(parents=True)
    (folder / "config.json").write_text("{}")
    digest = hashlib.sha256(b"{}").hexdigest()
    record = {"files": {"config.json": {"size": 2, "sha256": digest}}}
    (folder / "source.json").write_text(json.dumps(record))

    def state(verify: bool) -> doctor.PartReport:
        parts = report_of(doctor.examine(verify), "paper").parts
        return next(part for part in parts if part.name == "qwen3-8b")

    assert state(True).state == "ready"
    (folder / "config.json").write_text("[]")
    assert state(False).state == "ready"
    assert state(True).state == "damaged"
    assert "config.json: changed since it was downloaded; delete this file" in (state(True).problem or "")
