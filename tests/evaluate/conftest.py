"""A weights home with the face judges' parts, for the modules that ask for it with ``at_home``."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from .packs import home_with

    return home_with(tmp_path_factory.mktemp("judges"))


@pytest.fixture
def at_home(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STILLMOTION_HOME", str(home))
