"""The command itself, killed with SIGKILL: the same files, the same frames, nothing finished made twice."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import small
import tiny

from benchmarks.batch_command import PHASES, Command
from benchmarks.batch_kills import moments, same
from stillmotion.batch.layouts import Dataset

pytestmark = pytest.mark.usefixtures("tiny_preset")


def command(data: Path, out: Path, home: Path) -> Command:
    line = [sys.executable, tiny.__file__, "batch", str(data), "-o", str(out)]
    line += ["--preset", "tiny", "--quality", "draft", "--num-frames", "5", "--seed", "3"]
    return Command(line, out, os.environ | {"STILLMOTION_HOME": str(home), "OMP_NUM_THREADS": "2"})


@pytest.fixture
def heeded() -> Iterator[None]:
    """Programs started here heed interrupts, also where the tests run in the background of a shell, which
    has its background ignore them: what a shell ignores, all its children do.
    """
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def interrupt(process: subprocess.Popen[str], manifest: Path) -> None:
    """Interrupt a batch when the first of its videos is finished, though the others take a moment only.

    It is stopped whenever the manifest is looked at, and runs in short turns: on a busy machine it might
    otherwise be through before it is seen that there is one.
    """
    while process.poll() is None:
        process.send_signal(signal.SIGSTOP)
        begun = manifest.exists() and manifest.read_bytes().endswith(b"\n")
        if begun:
            process.send_signal(signal.SIGINT)  # it waits until the process goes on
        process.send_signal(signal.SIGCONT)
        if begun:
            break
        time.sleep(0.01)
    process.wait()


@pytest.mark.usefixtures("heeded")
def test_killed_then_interrupted_the_same_batch_finishes(
    data_set: Dataset, straight: dict[str, Any], tmp_path: Path, tiny_home: Path
) -> None:
    out = tmp_path / "out"
    batch = command(data_set.root, out, tiny_home)
    assert batch.kill(lambda: len(list(out.glob(".work/*/*/done/still.json"))) >= 2)
    assert not batch.finished

    with batch.running() as process:
        interrupt(process, out / "manifest.jsonl")
    assert process.returncode == 130, batch.said()
    assert "the same command goes on" in batch.said() and "Traceback" not in batch.said()
    assert batch.finished

    with (out / "manifest.jsonl").open("a") as file:
        file.write('{"id": "id001", "outp')  # as a power cut may leave it
    summary = small.make(data_set, out)
    batch.check()
    assert not batch.wrong
    assert summary.failed == 0 and summary.done + summary.skipped == 4 > summary.done
    assert small.frames(out) == straight["frames"] and small.files(out) == small.files(straight["out"])


@pytest.mark.slow
def test_killed_at_twenty_random_moments(tmp_path: Path, tiny_home: Path) -> None:
    data = small.write(tmp_path / "set", people=12)
    straight, batch = (command(data, tmp_path / name, tiny_home) for name in ("straight", "out"))
    summary, seconds = straight.finish()
    assert summary["done"] == 24
    whole, moments = sum(seconds.values()), random.Random(7)
    for _ in range(20):
        until = time.monotonic() + moments.uniform(0.02, 0.7) * whole
        batch.kill(lambda until=until: time.monotonic() > until)  # type: ignore[misc]
    batch.finish()
    assert not straight.wrong + batch.wrong
    assert small.frames(batch.out) == small.frames(straight.out)
    assert small.files(batch.out) == small.files(straight.out)


@pytest.mark.parametrize("harm", ["touched", "again", "line"])
def test_a_finished_video_that_changes_is_noticed(
    data_set: Dataset, straight: dict[str, Any], tmp_path: Path, tiny_home: Path, harm: str
) -> None:
    out = tmp_path / "out"
    shutil.copytree(straight["out"], out)
    batch = command(data_set.root, out, tiny_home)
    batch.check()
    assert len(batch.finished) == 4 and not batch.wrong
    lines = small.lines(out)
    video = out / lines[0]["output"]
    if harm == "touched":
        os.utime(video)
    elif harm == "again":
        video.write_bytes(video.read_bytes() + b"0")
    else:
        with (out / "manifest.jsonl").open("a") as file:
            file.write(json.dumps(lines[0]) + "\n")
    batch.check()
    assert len(batch.wrong) == 1


def test_every_phase_has_its_kill() -> None:
    seconds = dict.fromkeys(PHASES, 1.0) | {"motion": 300.0}
    due = moments(random.Random(1), 20, seconds, 100)
    assert {moment.phase for moment in due} == set(PHASES) and len(due) == 20
    aimed = [(PHASES.index(m.phase), m.share) for m in due if m.phase != "start"]
    assert aimed == sorted(aimed)
    assert sum(moment.phase == "motion" for moment in due) > 10
    assert all(moment.wait <= 3 for moment in due)


def test_a_missing_or_other_video_makes_a_difference(straight: dict[str, Any], tmp_path: Path) -> None:
    first, second = straight["out"], tmp_path / "out"
    shutil.copytree(first, second)
    outputs = [line["output"] for line in small.lines(first)]
    assert all(same(first, second, outputs).values())
    (second / outputs[0]).write_bytes((first / outputs[1]).read_bytes())
    assert not same(first, second, outputs)["decoded_frames"]
    (second / outputs[0]).unlink()
    assert not same(first, second, outputs)["files"]
