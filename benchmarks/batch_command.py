"""``stillmotion batch`` as a command to be killed at will, and what its folder must hold after each kill."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from stillmotion.batch import manifest
from stillmotion.batch.stages import STAGES
from stillmotion.files import digest

PHASES = ("start", *STAGES, "end")
"""Where a run is: before its first stage, in a stage, or past the last video."""
POLL = 0.02
"""Seconds between two looks at a running batch."""
_PROGRESS = re.compile(rf"^({'|'.join(STAGES)}): (\d+) of (\d+)", re.MULTILINE)


class Command:
    """A batch in processes of its own, one after the other, each with its own process group.

    ``line`` is the command, ``out`` the folder that it fills. ``finished`` holds what the manifest has called
    done so far: modification time (ns) and SHA-256 of the file, and its frames' hash. ``wrong`` holds what
    must never be, a sentence each.
    """

    def __init__(self, line: Sequence[str], out: Path, environment: Mapping[str, str] | None = None) -> None:
        self.out = out
        self.finished: dict[str, tuple[int, str, str]] = {}
        self.wrong: list[str] = []
        self._line, self._environment = list(line), environment
        self._log = out.with_name(f"{out.name}.log")

    @contextmanager
    def running(self, *more: str) -> Iterator[subprocess.Popen[str]]:
        """Start it; where it still runs at the block's end its whole group is killed. Then ``check``."""
        with (
            self._log.open("w", encoding="utf-8") as log,
            subprocess.Popen(
                [*self._line, *more],
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env=self._environment,
                start_new_session=True,
            ) as process,
        ):
            try:
                yield process
            finally:
                if process.poll() is None:
                    os.killpg(process.pid, signal.SIGKILL)
        self.check()

    def kill(self, when: Callable[[], bool]) -> bool:
        """Start it and kill it as soon as ``when``: whether it was still running."""
        with self.running() as process:
            while process.poll() is None and not when():
                time.sleep(POLL)
        return process.returncode == -signal.SIGKILL

    def finish(self) -> tuple[dict[str, Any], dict[str, float]]:
        """Let it end: its summary, empty if it failed, and the seconds in each of ``PHASES``."""
        seconds = dict.fromkeys(PHASES, 0.0)
        with self.running("--json") as process:
            before = time.monotonic()
            while process.poll() is None:
                time.sleep(POLL)
                now = time.monotonic()
                seconds[self.phase()] += now - before
                before = now
            summary = process.stdout.read() if process.stdout else ""
        if process.returncode:
            self.wrong.append(f"exit code {process.returncode}: {self.said()[-500:]}")
            return {}, seconds
        return json.loads(summary), seconds

    def said(self) -> str:
        """What the latest process wrote to stderr."""
        return self._log.read_text(encoding="utf-8", errors="replace") if self._log.exists() else ""

    def phase(self) -> str:
        """Which of ``PHASES`` the latest process is in, or was when it ended."""
        told = _PROGRESS.findall(self.said())
        if not told:
            return "start"
        stage, done, total = told[-1]
        return "end" if stage == STAGES[-1] and done == total else str(stage)

    def check(self) -> None:
        """What was finished before is untouched, and no item has two lines."""
        entries = manifest.read(self.out / manifest.NAME)
        hashes = {entry.output: entry.frames_sha256 for entry in entries}
        if len(hashes) < len(entries):
            self.wrong.append("an output has two lines in the manifest")
        for output, before in self.finished.items():
            if hashes.get(output) != before[2] or self._facts(output)[:2] != before[:2]:
                self.wrong.append(f"{output}: was finished and is not what it was")
        for entry in entries:
            if entry.status == "done" and entry.output not in self.finished:
                found = self._facts(entry.output)
                self.finished[entry.output] = (*found, entry.frames_sha256 or "")
                if found[1] != entry.output_sha256:
                    self.wrong.append(f"{entry.output}: is not the file of its line in the manifest")

    def _facts(self, output: str) -> tuple[int, str]:
        path = self.out / output
        return (path.stat().st_mtime_ns, digest(path)) if path.is_file() else (0, "")
