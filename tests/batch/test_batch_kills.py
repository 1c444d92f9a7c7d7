"""The command itself, killed with SIGKILL: the same files, the same frames, nothing finished made twice."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import small
import tiny

from stillmotion.batch.layouts import Dataset

pytestmark = pytest.mark.usefixtures("tiny_preset")


class Command:
    """``stillmotion batch`` in a process of its own, and what it has finished so far."""

    def __init__(self, data: Path, out: Path, home: Path) -> None:
        self.data, self.out = data, out
        self._environment = os.environ | {"STILLMOTION_HOME": str(home), "OMP_NUM_THREADS": "2"}
        self.finished: dict[str, tuple[int, str]] = {}

    def start(self, *more: str) -> subprocess.Popen[str]:
        line = [sys.executable, tiny.__file__, "batch", str(self.data), "-o", str(self.out)]
        line += ["--preset", "tiny", "--quality", "draft", "--num-frames", "5", "--seed", "3", *more]
        pipe = subprocess.PIPE
        return subprocess.Popen(line, stdout=pipe, stderr=pipe, text=True, env=self._environment)

    def kill(self, when: Callable[[], bool]) -> None:
        """Start it and kill it as soon as ``when``; or let it end."""
        process = self.start()
        while process.poll() is None and not when():
            time.sleep(0.005)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        self.check()

    def check(self) -> None:
        """What was finished before is untouched, and no item has two lines."""
        lines = self.lines()
        names = [line["output"] for line in lines]
        assert len(names) == len(set(names))
        for name, (moment, hash_) in self.finished.items():
            assert (self.out / name).stat().st_mtime_ns == moment, f"{name} was made again"
            assert next(line for line in lines if line["output"] == name)["frames_sha256"] == hash_
        for line in lines:
            moment = (self.out / line["output"]).stat().st_mtime_ns
            self.finished.setdefault(line["output"], (moment, line["frames_sha256"]))

    def lines(self) -> list[dict[str, Any]]:
        path = self.out / "manifest.jsonl"
        found = []
        for line in path.read_text().splitlines() if path.exists() else ():
            if line.endswith("}"):
                found.append(json.loads(line))
        return found

    def finish(self) -> dict[str, Any]:
        done = self.start("--json")
        stdout, stderr = done.communicate()
        assert done.returncode == 0, stderr
        self.check()
        return dict(json.loads(stdout))


def test_killed_then_interrupted_the_same_batch_finishes(
    data_set: Dataset, straight: dict[str, Any], tmp_path: Path, tiny_home: Path
) -> None:
    out = tmp_path / "out"
    command = Command(data_set.root, out, tiny_home)
    command.kill(lambda: len(list(out.glob(".work/*/*/done/still.json"))) >= 2)
    assert not command.finished

    process = command.start()
    while process.poll() is None and len(list(out.glob("*/*.mp4"))) < 2:
        time.sleep(0.005)
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate()
    assert process.returncode == 130, stderr
    assert "the same command goes on" in stderr and "Traceback" not in stderr
    command.check()
    assert command.finished

    with (out / "manifest.jsonl").open("a") as file:
        file.write('{"id": "id001", "outp')  # as a power cut may leave it
    summary = small.make(data_set, out)
    command.check()
    assert summary.failed == 0 and summary.done + summary.skipped == 4 > summary.done
    assert small.frames(out) == straight["frames"] and small.files(out) == small.files(straight["out"])


@pytest.mark.slow
def test_killed_at_twenty_random_moments(tmp_path: Path, tiny_home: Path) -> None:
    data = small.write(tmp_path / "set", people=12)
    straight = Command(data, tmp_path / "straight", tiny_home)
    began = time.monotonic()
    assert straight.finish()["done"] == 24
    whole = time.monotonic() - began
    command, moments = Command(data, tmp_path / "out", tiny_home), random.Random(7)
    for _ in range(20):
        until = time.monotonic() + moments.uniform(0.02, 0.7) * whole
        command.kill(lambda until=until: time.monotonic() > until)  # type: ignore[misc]
    command.finish()
    assert small.frames(command.out) == small.frames(straight.out)
    assert small.files(command.out) == small.files(straight.out)
