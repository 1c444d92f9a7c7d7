"""A home of its own and servers on loopback for every test here."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from stillmotion.weights import transfer

from .hub_server import Hub, Server


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "home"
    monkeypatch.setenv("STILLMOTION_HOME", str(folder))
    monkeypatch.setattr(transfer, "PAUSES", [0.0] * 4)
    return folder


@pytest.fixture
def server() -> Iterator[Server]:
    running = Server()
    yield running
    running.close()


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    running = Hub()
    monkeypatch.setenv("HF_ENDPOINT", running.address)
    monkeypatch.setenv("HF_HUB_DISABLE_IMPLICIT_TOKEN", "1")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    yield running
    running.close()
