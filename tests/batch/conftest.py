"""One data set and one undisturbed batch of it, to which the others are compared."""

from __future__ import annotations

import weakref
from pathlib import Path
from typing import Any

import pytest
import small
import tiny

from stillmotion import identity, motion, still
from stillmotion.batch.layouts import Dataset


@pytest.fixture(scope="session")
def data_set(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return small.dataset(tmp_path_factory.mktemp("set"))


@pytest.fixture(scope="session")
def straight(data_set: Dataset, tiny_home: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """An undisturbed run: its folder, its frames, and how often each thing was loaded or read."""
    counts = dict.fromkeys(("still", "motion", "read", "analyzer"), 0)

    loaded: list[weakref.ref[Any]] = []
    left: list[bool] = []

    def counted(name: str, function: Any) -> Any:
        def call(*arguments: Any, **options: Any) -> Any:
            counts[name] += 1
            if name == "motion":
                left.append(loaded[0]() is not None)
            result = function(*arguments, **options)
            if name == "still":
                loaded.append(weakref.ref(result))
            return result

        return call

    out = tmp_path_factory.mktemp("straight") / "out"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STILLMOTION_HOME", str(tiny_home))
        tiny.install(patch)
        patch.setattr(still, "load", counted("still", still.load), raising=False)
        patch.setattr(motion, "load", counted("motion", motion.load))
        patch.setattr(identity, "read", counted("read", identity.read))
        patch.setattr(identity, "analyzer", counted("analyzer", identity.analyzer))
        summary = small.make(data_set, out)
        told = {"summary": summary, "counts": counts, "stills_left": left}
        return {"out": out, "frames": small.frames(out), **told}
