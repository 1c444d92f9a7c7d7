"""``stillmotion batch``: words in, exit codes and one line or one object out."""

from __future__ import annotations

import json
from collections import deque
from pathlib import Path
from typing import Any

import pytest
import small

from stillmotion.batch import engine
from stillmotion.batch.engine import Summary
from stillmotion.batch.manifest import Entry
from stillmotion.cli import batch, run

pytestmark = pytest.mark.usefixtures("tiny_preset")
FAILED = Entry(
    id="id001",
    prompt_id="prompt2",
    output="id001/prompt2.mp4",
    status="failed",
    attempts=3,
    error="still: out of memory",
    input_sha256="a",
    settings_sha256="b",
)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return small.write(tmp_path / "set", people=1)


def test_options_reach_the_engine_and_failures_are_told(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    seen: list[Any] = []

    def ran(dataset: Any, job: Any, *rest: Any, progress: Any) -> Summary:
        seen.extend((dataset, job, *rest))
        progress("still", 0, 2)
        progress("still", 2, 2)
        return Summary(1, 1, 3, 200.0, (FAILED,))

    monkeypatch.setattr(engine, "run", ran)
    line = [str(data), "-o", str(tmp_path / "out"), "--preset", "tiny", "--shard", "2/8", "--limit", "5"]
    line += [
        "--seed",
        "4",
        "--num-frames",
        "5",
        "--no-detail",
        "--engine",
        "ray",
        "--json",
        "--device",
        "cpu",
    ]
    assert run(["batch", *line]) == 1
    dataset, job, *rest = seen
    assert len(dataset.items) == 2 and rest == ["ray", (2, 8), 5]
    assert (job.out, job.preset, job.device, job.seed) == (tmp_path / "out", "tiny", "cpu", 4)
    assert job.options == {"num_frames": 5, "detail": False}
    told = capsys.readouterr()
    result = json.loads(told.out)
    assert (result["done"], result["failed"], result["skipped"]) == (1, 1, 3)
    assert result["set_aside"] == [{"output": "id001/prompt2.mp4", "error": "still: out of memory"}]
    assert "still: 2 of 2" in told.err and "id001/prompt2.mp4: set aside: still: out of memory" in told.err
    assert "1 made, 3 finished before, 1 set aside; 3 min" in told.err


def test_wrong_words_are_one_line_and_nothing_is_written(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    for more, words in (
        (["--shard", "two"], "--shard: 'two' is none; write 2/8"),
        (["--shard", "0/2"], "shard: 0/2 is none"),
        (["--num-frames", "6"], "num_frames: 6 is not 4n+1"),
        (["--seed", "x"], "--seed"),
        (["--engine", "moon"], "engine: 'moon' is unknown; there are local, ray"),
    ):
        assert run(["batch", str(data), "-o", str(out), "--preset", "tiny", *more]) == 2
        error = capsys.readouterr().err
        assert words in error and "Traceback" not in error and not out.exists()
    (data / "raw" / "id001" / "prompt1.txt").write_text("")
    (data / "raw" / "id001" / "prompt2.txt").write_bytes(b"\xff")
    assert run(["batch", str(data), "-o", str(out), "--preset", "tiny"]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 3 and "prompt1.txt" in lines[0] and "prompt2.txt" in lines[1]
    assert lines[2].startswith("error: ") and "2 problems" in lines[2] and not out.exists()


def test_a_batch_by_the_command(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    line = ["batch", str(data), "-o", str(out), "--preset", "tiny", "--quality", "draft", "--num-frames", "5"]
    assert run([*line, "--limit", "1"]) == 0
    assert small.files(out) == ["id001/prompt1.mp4", "manifest.jsonl"]
    assert capsys.readouterr().out == f"{out}\n"
    assert run(line) == 0
    assert "1 made, 1 finished before, 0 set aside" in capsys.readouterr().err


def test_the_pace_is_that_of_the_latest_items() -> None:
    assert batch._pace(deque([(0.0, 0)]), 9) == ""
    assert batch._pace(deque([(10.0, 4), (70.0, 10)]), 40) == "6.0 a minute, about 5 min left"
    assert batch._pace(deque([(10.0, 4), (70.0, 10)]), 10) == "6.0 a minute"
    assert [batch._span(s) for s in (7.2, 600, 9000)] == ["7 s", "10 min", "2.5 h"]
