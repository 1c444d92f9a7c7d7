"""Seconds and peak memory of each step of ``stillmotion generate`` with mini, at each quality.

    python -m benchmarks.mini_speed --face examples/maya.png [--prompt TEXT] [--quality draft ...]
                                    [--json FILE]

Every quality runs in a process of its own, so that no run profits from another's imports or memory. Memory
is the resident set of the whole process (/proc/self/statm, sampled every 10 ms); a step's figure is its own
peak. The "start" row is everything before the first step: imports, checks, hashing the weights. Linux only.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

PROMPT = (
    "A woman in a red coat stands on a beach at sunset. She smiles, then slowly turns her head to the left."
)
QUALITIES = ("draft", "standard", "best")
INTERVAL = 0.01
PAGE = os.sysconf("SC_PAGE_SIZE")


class Watch:
    """A progress that gives each step its seconds; a thread gives it its peak of memory in MiB."""

    def __init__(self) -> None:
        self.step, self._began = "start", time.perf_counter()
        self.seconds: dict[str, float] = {}
        self.peaks: dict[str, float] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)
        self._thread.start()

    def __call__(self, step: str, done: int, total: int) -> None:
        """The pipeline's progress: a label's first word is the step."""
        name = step.split(":", maxsplit=1)[0]
        if name != self.step:
            self._close(name)

    def finish(self) -> list[dict[str, Any]]:
        """Stop, and return a row for each step and one for the whole."""
        self._close("end")
        self._stop.set()
        self._thread.join()
        rows = [
            {"step": s, "seconds": round(t, 2), "peak_mib": round(self.peaks[s])}
            for s, t in self.seconds.items()
        ]
        whole = {
            "step": "whole",
            "seconds": round(sum(self.seconds.values()), 2),
            "peak_mib": round(max(self.peaks.values())),
        }
        return [*rows, whole]

    def _close(self, following: str) -> None:
        now = time.perf_counter()
        self._measure()
        self.seconds[self.step] = self.seconds.get(self.step, 0.0) + now - self._began
        self.step, self._began = following, now

    def _sample(self) -> None:
        while not self._stop.wait(INTERVAL):
            self._measure()

    def _measure(self) -> None:
        resident = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * PAGE / 2**20
        self.peaks[self.step] = max(self.peaks.get(self.step, 0.0), resident)


def measure(face: Path, prompt: str, quality: str) -> list[dict[str, Any]]:
    """One generate in this process, from the first import on."""
    watch = Watch()
    from stillmotion import Pipeline, Request

    request = Request.model_validate({"faces": [face], "prompt": prompt, "quality": quality, "seed": 7})
    with tempfile.TemporaryDirectory() as folder:
        Pipeline("mini").generate(request, Path(folder) / "video.mp4", progress=watch)
        return watch.finish()


def in_a_process(face: Path, prompt: str, quality: str) -> list[dict[str, Any]]:
    """The same in a fresh interpreter."""
    command = [sys.executable, __file__, "--face", str(face), "--prompt", prompt, "--child", quality]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    rows: list[dict[str, Any]] = json.loads(done.stdout.splitlines()[-1])
    return rows


def machine() -> dict[str, Any]:
    """What the figures depend on."""
    from importlib.metadata import version

    cores = len(os.sched_getaffinity(0))
    return {
        "processor": platform.machine(),
        "cores": cores,
        "python": platform.python_version(),
        "torch": version("torch"),
    }


def table(results: dict[str, list[dict[str, Any]]]) -> str:
    """The figures for people."""
    lines = [f"{'quality':<10} {'step':<10} {'seconds':>8} {'peak MiB':>9}"]
    for quality, rows in results.items():
        lines += [
            f"{quality:<10} {row['step']:<10} {row['seconds']:>8.2f} {row['peak_mib']:>9}" for row in rows
        ]
    return "\n".join(lines)


def main() -> None:
    """Parse, measure, print the table, write the JSON."""
    parser = argparse.ArgumentParser(description="Seconds and peak memory of each step of mini.")
    parser.add_argument("--face", type=Path, default=Path("examples/maya.png"))
    parser.add_argument("--prompt", default=PROMPT)
    parser.add_argument("--quality", nargs="+", choices=QUALITIES, default=list(QUALITIES))
    parser.add_argument("--json", type=Path, help="also write the figures here")
    parser.add_argument("--child", choices=QUALITIES, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        print(json.dumps(measure(arguments.face, arguments.prompt, arguments.child)))
        return
    results = {
        quality: in_a_process(arguments.face, arguments.prompt, quality) for quality in arguments.quality
    }
    print(table(results))
    if arguments.json:
        figures = {"machine": machine(), "prompt": arguments.prompt, "qualities": results}
        arguments.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
