"""``stillmotion batch`` killed with SIGKILL again and again: the same files, and in them the same frames?

    python -m benchmarks.batch_kills -o DIR [--layouts vip200k ...] [--identities 40] [--prompts 5]
                                     [--kills 20] [--seed 0] [-- OPTIONS OF BATCH]

For each layout: a data set of synthetic people (``python -m training.world dataset``), an undisturbed batch
of it with mini, a second batch whose process group is killed at so many random moments and which then may
end, and ``stillmotion evaluate`` of the second. A moment is a phase of the batch, a share of its items and a
wait of up to an item's time; six or more moments fall into every phase, the others as long as the phases
last. After each kill what was finished has to be untouched. In the end both folders have to hold the same
files, byte for byte, and the same frames, by the manifests and by decoding them.

``DIR/kills.json`` is written after each layout, and a layout that is in it is not run again; ``DIR/LAYOUT``
holds the data set, both folders and what the batches say (``straight.log``, ``killed.log``). The exit code is
1 if anything was wrong. Linux only.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from benchmarks.batch_command import PHASES, Command
from benchmarks.mini_speed import machine
from stillmotion.batch import manifest
from stillmotion.batch.job import Job, run_of
from stillmotion.batch.layouts import Dataset, read
from stillmotion.batch.stages import STAGES
from stillmotion.errors import InputError
from stillmotion.evaluate.video import read_video
from stillmotion.files import remove, write_text
from training.world.layouts import LAYOUTS

COUNTS = ("videos", "failed", "without_face", "face_frames", "judged_frames")


@dataclass(frozen=True)
class Moment:
    """When a kill is due: ``wait`` seconds after a ``share`` (0 to 1) of the items has passed the phase."""

    phase: str
    share: float
    wait: float


def moments(draw: random.Random, count: int, seconds: Mapping[str, float], items: int) -> list[Moment]:
    """``count`` moments in the order of the work; those in the start of a run lie anywhere between.

    ``seconds``: how long an undisturbed run of ``items`` items spends in each phase.
    """
    phases = draw.sample(PHASES, min(count, len(PHASES)))
    phases += draw.choices(PHASES, [seconds[phase] for phase in PHASES], k=count - len(phases))
    starts: list[Moment] = []
    found: list[Moment] = []
    for phase in sorted(phases, key=PHASES.index):
        if phase in STAGES:
            found.append(Moment(phase, draw.random(), draw.uniform(0, seconds[phase] / items)))
        else:
            chosen = starts if phase == "start" else found
            chosen.append(Moment(phase, 0.0, draw.uniform(0, seconds[phase])))
    found.sort(key=lambda moment: (PHASES.index(moment.phase), moment.share))
    for start in starts:
        found.insert(draw.randint(0, len(found)), start)
    return found


class Watch:
    """How far a batch has come, told from outside: by its progress, its run folders and its manifest."""

    def __init__(self, command: Command, dataset: Dataset) -> None:
        self._command = command
        job = Job(command.out)
        self._marks = [run_of(job, item) / "done" for item in dataset.items]

    def passed(self, phase: str) -> int:
        """How many items have passed a stage; 0 for what is no stage."""
        if phase not in STAGES:
            return 0
        path = self._command.out / manifest.NAME
        done = path.read_bytes().count(b"\n") if path.exists() else 0
        if phase == STAGES[-1]:
            return done
        return done + sum((mark / f"{phase}.json").exists() for mark in self._marks)

    def due(self, moment: Moment) -> Callable[[], bool]:
        """A function that says, once the next process is started, whether the moment has come or gone."""
        aim = PHASES.index(moment.phase)
        since: list[float] = []

        def come() -> bool:
            phase = self._command.phase()
            at = PHASES.index(phase)
            if not since and (
                at > aim or (at == aim and self.passed(phase) >= moment.share * len(self._marks))
            ):
                since.append(time.monotonic())
            return bool(since) and (at > aim or time.monotonic() >= since[0] + moment.wait)

        return come


class Trial:
    """One layout: its folder, its commands, and everything that is found out."""

    def __init__(self, arguments: argparse.Namespace, layout: str) -> None:
        self.arguments, self.layout = arguments, layout
        self.folder: Path = arguments.output / layout
        self.draw = random.Random(f"{arguments.seed} {layout}")

    def run(self) -> dict[str, Any]:
        """The layout's entry in the JSON."""
        asked = self.arguments
        self.folder.mkdir(parents=True, exist_ok=True)
        for name in ("set", "straight", "killed"):
            remove(self.folder / name)  # of a run that did not get as far as the JSON
        dataset = self._dataset()
        items = len(dataset.items)
        entry: dict[str, Any] = {
            "items": items,
            "options": asked.options,
            "threads": os.environ.get("OMP_NUM_THREADS"),
        }
        self._say(f"{items} items, undisturbed")
        straight, killed = self._command("straight"), self._command("killed")
        began = time.monotonic()
        summary, seconds = straight.finish()
        entry["undisturbed"] = _run_facts(began, summary, seconds)
        entry |= self._kill(killed, dataset, seconds)
        began = time.monotonic()
        summary, seconds = killed.finish()
        entry["last_run"] = _run_facts(began, summary, seconds)
        wrong = [f"undisturbed: {text}" for text in straight.wrong]
        wrong += [f"killed: {text}" for text in killed.wrong]
        entry["same"] = same(straight.out, killed.out, [item.output for item in dataset.items])
        wrong += [f"differs: {what}" for what, equal in entry["same"].items() if not equal]
        self._say("evaluate")
        entry["evaluate"] = self._evaluate(killed.out)
        if entry["evaluate"]["exit_code"] or (entry["evaluate"]["videos"], entry["evaluate"]["failed"]) != (
            items,
            0,
        ):
            wrong.append(f"evaluate: {entry['evaluate']}")
        self._say("; ".join(wrong) or f"equal, evaluated: {entry['evaluate']['summary']}")
        return {**entry, "wrong": wrong, "equal": not wrong}

    def _dataset(self) -> Dataset:
        asked, path = self.arguments, self.folder / "set"
        sizes = ["--identities", str(asked.identities), "--prompts", str(asked.prompts)]
        line = ["training.world", "dataset", "--layout", self.layout, *sizes, "-o", str(path)]
        subprocess.run([sys.executable, "-m", *line], check=True)
        dataset = read(path)
        if (dataset.layout, len(dataset.items)) != (self.layout, asked.identities * asked.prompts):
            raise SystemExit(f"{path}: read as {len(dataset.items)} items of {dataset.layout}")
        return dataset

    def _command(self, name: str) -> Command:
        out = self.folder / name
        line = [sys.executable, "-m", "stillmotion", "batch", str(self.folder / "set"), "-o", str(out)]
        return Command([*line, "--preset", "mini", *self.arguments.options], out)

    def _kill(self, command: Command, dataset: Dataset, seconds: Mapping[str, float]) -> dict[str, Any]:
        """Kill as often as asked. A run that ended before its moment does not count: another is killed."""
        watch = Watch(command, dataset)
        due = moments(self.draw, self.arguments.kills, seconds, len(dataset.items))
        kills: list[dict[str, Any]] = []
        ended = 0
        while due:
            moment = due.pop(0)
            began = time.monotonic()
            if command.kill(watch.due(moment)):
                passed = {stage: watch.passed(stage) for stage in STAGES}
                after = round(time.monotonic() - began, 2)
                kills.append(
                    {"phase": command.phase(), "aimed": moment.phase, "after": after, "passed": passed}
                )
                self._say(f"kill {len(kills)} in {command.phase()} after {after} s, {passed}")
                _check_named(command, dataset)
            else:
                ended += 1
                due.insert(0, Moment("start", 0.0, self.draw.uniform(0, seconds["start"])))
        return {"kills": kills, "ended_before_the_kill": ended, "starts": len(kills) + ended + 1}

    def _evaluate(self, videos: Path) -> dict[str, Any]:
        path = self.folder / "evaluation.json"
        remove(path)
        line = ["stillmotion", "evaluate", str(videos), "--references", str(self.folder / "set")]
        began = time.monotonic()
        done = subprocess.run(
            [sys.executable, "-m", *line, "--json", str(path)], capture_output=True, text=True, check=False
        )
        facts: dict[str, Any] = {"exit_code": done.returncode, "seconds": round(time.monotonic() - began, 1)}
        if not path.exists():
            return {**facts, "videos": 0, "failed": 0, "said": done.stderr[-500:]}
        found = json.loads(path.read_text(encoding="utf-8"))
        counts = {name: found["counts"][name] for name in COUNTS}
        summary = {name: round(one["mean"], 4) for name, one in found["summary"].items()}
        return {**facts, **counts, "summary": summary, "not_computed": sorted(found["not_computed"])}

    def _say(self, text: str) -> None:
        print(f"{time.strftime('%H:%M:%S')} {self.layout}: {text}", flush=True)


def same(straight: Path, killed: Path, outputs: Sequence[str]) -> dict[str, bool]:
    """What two folders have in common; ``outputs`` are the videos that both have to hold."""
    wanted = sorted([*outputs, manifest.NAME])
    entries = [
        {entry.output: entry for entry in manifest.read(out / manifest.NAME)} for out in (straight, killed)
    ]
    frames = [{name: entry.frames_sha256 for name, entry in found.items()} for found in entries]
    files = [{name: entry.output_sha256 for name, entry in found.items()} for found in entries]
    return {
        "files": _files(straight) == _files(killed) == wanted,
        "manifest_frames": frames[0] == frames[1] and len(frames[0]) == len(outputs),
        "decoded_frames": all(_decoded(straight / name) == _decoded(killed / name) for name in outputs),
        "manifest_files": files[0] == files[1] and len(files[0]) == len(outputs),
    }


def _files(out: Path) -> list[str]:
    return sorted(path.relative_to(out).as_posix() for path in out.rglob("*") if not path.is_dir())


def _decoded(path: Path) -> str:
    """A hash of the decoded frames; one of its own for each file that cannot be decoded."""
    try:
        frames = read_video(path).frames
    except InputError as error:
        return str(error)
    return sha256(repr(frames.shape).encode() + frames.tobytes()).hexdigest()


def _check_named(command: Command, dataset: Dataset) -> None:
    """A video that has its name is whole, whether it has its line already or not."""
    for item in dataset.items:
        path = command.out / item.output
        if item.output not in command.finished and path.exists():
            try:
                read_video(path)
            except InputError as error:
                command.wrong.append(str(error))


def _run_facts(began: float, summary: Mapping[str, Any], seconds: Mapping[str, float]) -> dict[str, Any]:
    counts = {name: summary.get(name) for name in ("done", "skipped", "failed")}
    phases = {phase: round(value, 2) for phase, value in seconds.items()}
    return {"seconds": round(time.monotonic() - began, 1), **counts, "phases": phases}


def _arguments(words: Sequence[str]) -> argparse.Namespace:
    """The command line; what follows "--" is for batch."""
    middle = words.index("--") if "--" in words else len(words)
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--layouts", nargs="+", choices=LAYOUTS, default=list(LAYOUTS))
    parser.add_argument("--identities", type=int, default=40)
    parser.add_argument("--prompts", type=int, default=5)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0, help="of the moments")
    asked = parser.parse_args(words[:middle])
    asked.options = list(words[middle + 1 :])
    return asked


def main() -> int:
    """Run each layout that is not in the JSON yet, and write it."""
    asked = _arguments(sys.argv[1:])
    asked.output.mkdir(parents=True, exist_ok=True)
    path = asked.output / "kills.json"
    found = (
        json.loads(path.read_text(encoding="utf-8"))
        if path.exists()
        else {"machine": machine(), "layouts": {}}
    )
    for layout in asked.layouts:
        if layout in found["layouts"]:
            print(f"{layout}: is in {path} already", flush=True)
            continue
        found["layouts"][layout] = Trial(asked, layout).run()
        write_text(path, json.dumps(found, indent=1) + "\n")
    return 0 if all(found["layouts"][layout]["equal"] for layout in asked.layouts) else 1


if __name__ == "__main__":
    sys.exit(main())
