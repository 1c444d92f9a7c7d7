"""The package's weights go back to the trainers' files, and from there into the package, unchanged."""

from __future__ import annotations

import sys
from pathlib import Path

import mini
import pytest

import stillmotion
from training import install, restore

PACKAGE = Path(stillmotion.__file__).parent / "weights/mini"


@mini.needed
def test_restoring_and_installing_changes_no_weight(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    models, again = tmp_path / "models", tmp_path / "again"
    monkeypatch.setattr(sys, "argv", ["restore", "--models", str(models), "--from", str(PACKAGE)])
    restore.main()
    monkeypatch.setattr(sys, "argv", ["install", "--models", str(models), "--into", str(again)])
    install.main()
    for file in PACKAGE.rglob("*.safetensors"):
        assert (again / file.relative_to(PACKAGE)).read_bytes() == file.read_bytes(), file
