"""Videos an hour of ``stillmotion batch`` by its two engines on this machine, as a ratio of one run.

    python -m benchmarks.batch_engines [--items 8] [--threads 4 1] [--rounds 2] [--json FILE]

Each engine runs in a process of its own, in turns, so that whatever else the machine does falls on both
alike; the load average before and after says how much that was. ``--threads`` bounds torch in each; the ray
engine starts as many processes as the cores have room for. Two figures each: "whole" with everything, from
the first import to the last video; "working" from the first finished stage on, which is what counts for
thousands of videos. The frames of both engines are compared by their hashes. Few sampling steps
(``--steps``) keep it short.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.mini_speed import machine

FACES = ("examples/maya.png", "examples/tom.png")
ENGINES = ("local", "ray")


def write_dataset(folder: Path, count: int) -> Path:
    """A list of ``count`` videos of the example people."""
    rows = [
        {
            "image": f"{number % 2}.png",
            "prompt": f"A person waves {number + 1} times on a beach",
            "id": str(number),
        }
        for number in range(count)
    ]
    for number, face in enumerate(FACES):
        (folder / f"{number}.png").write_bytes(Path(face).read_bytes())
    path = folder / "list.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def measure(engine: str, dataset: Path, out: Path, steps: int, began: float) -> dict[str, Any]:
    """One batch in this process. ``began``: the clock (time.time) when the process was asked for."""
    from stillmotion.batch.engine import run
    from stillmotion.batch.job import Job
    from stillmotion.batch.layouts import read

    first: list[float] = []

    def progress(step: str, done: int, total: int) -> None:
        if done and not first:
            first.append(time.time())

    options = {"still_steps": steps, "motion_steps": steps, "candidates": 1, "detail": False}
    summary = run(read(dataset), Job(out, options=options), engine, progress=progress)
    ended = time.time()
    lines = [json.loads(line) for line in (out / "manifest.jsonl").read_text(encoding="utf-8").splitlines()]
    return {
        "engine": engine,
        "done": summary.done,
        "whole": ended - began,
        "working": ended - first[0],
        "frames": {line["output"]: line["frames_sha256"] for line in lines},
    }


def in_a_process(engine: str, dataset: Path, out: Path, steps: int, threads: int) -> dict[str, Any]:
    """The same in a fresh interpreter with so many threads."""
    before = os.getloadavg()[0]
    asked = [engine, str(dataset), str(out), str(steps), str(time.time())]
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads)}
    command = [sys.executable, "-m", "benchmarks.batch_engines", "--child", *asked]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, env=environment)
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return {**result, "threads": threads, "load_before": before, "load_after": os.getloadavg()[0]}


def compare(runs: list[dict[str, Any]], items: int) -> dict[str, Any]:
    """Videos an hour of each engine (the median of its runs), ray's over local's, and if frames agree."""
    found: dict[str, Any] = {"same_frames": all(run["frames"] == runs[0]["frames"] for run in runs)}
    for figure in ("whole", "working"):
        seconds = {e: statistics.median(run[figure] for run in runs if run["engine"] == e) for e in ENGINES}
        found[figure] = {engine: round(items * 3600 / value, 1) for engine, value in seconds.items()}
        found[figure]["ratio"] = round(seconds["local"] / seconds["ray"], 3)
    return found


def table(results: dict[int, dict[str, Any]]) -> str:
    """The figures for people."""
    lines = [f"{'threads':>7} {'figure':<8} {'local/h':>8} {'ray/h':>8} {'ratio':>6}  same frames"]
    for threads, found in results.items():
        for figure in ("whole", "working"):
            row = found[figure]
            lines.append(
                f"{threads:>7} {figure:<8} {row['local']:>8} {row['ray']:>8} {row['ratio']:>6}"
                f"  {found['same_frames']}"
            )
    return "\n".join(lines)


def main() -> None:
    """Parse, measure, print the table, write the JSON."""
    parser = argparse.ArgumentParser(description="Throughput of the batch engines on this machine.")
    parser.add_argument("--items", type=int, default=8)
    parser.add_argument("--steps", type=int, default=4, help="sampling steps of still and motion")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--threads", type=int, nargs="+", default=[len(os.sched_getaffinity(0)), 1])
    parser.add_argument("--json", type=Path, help="also write the figures here")
    parser.add_argument("--child", nargs=5, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        engine, dataset, out, steps, began = arguments.child
        print(json.dumps(measure(engine, Path(dataset), Path(out), int(steps), float(began))))
        return
    runs: list[dict[str, Any]] = []
    results = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        dataset = write_dataset(folder, arguments.items)
        for threads in arguments.threads:
            mine = []
            for number in range(arguments.rounds):
                for engine in ENGINES if number % 2 == 0 else reversed(ENGINES):
                    out = folder / f"{engine}-{threads}-{number}"
                    mine.append(in_a_process(engine, dataset, out, arguments.steps, threads))
            results[threads] = compare(mine, arguments.items)
            runs += mine
    print(table(results))
    if arguments.json:
        facts = {"machine": machine(), "items": arguments.items, "steps": arguments.steps, "runs": runs}
        arguments.json.write_text(
            json.dumps({**facts, "results": results}, indent=2) + "\n", encoding="utf-8"
        )


if __name__ == "__main__":
    main()
