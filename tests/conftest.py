"""For all tests: few threads for small tensors, and ``tiny``'s whole preset where a test asks for it."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

os.environ.setdefault("OMP_NUM_THREADS", "2")
sys.path.insert(0, str(Path(__file__).parent))

import tiny


@pytest.fixture(scope="session")
def tiny_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A weights home with the preset's random checkpoints; tests leave it as it is."""
    return tiny.write_models(tmp_path_factory.mktemp("tiny-home"))


@pytest.fixture
def tiny_preset(tiny_home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The preset "tiny" is known and its weights are found."""
    monkeypatch.setenv("STILLMOTION_HOME", str(tiny_home))
    tiny.install(monkeypatch)
    yield "tiny"
