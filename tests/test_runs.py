"""The run folder: steps are done once, redone when what they depend on changes, and survive kills."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from stillmotion.errors import InputError, StillmotionError
from stillmotion.files import digest, remove, replacing, sweep, write_folder
from stillmotion.runs import RunFolder, beside, key, open_run


def save(value: str, path: Path) -> None:
    path.write_text(value)


def load(path: Path) -> str:
    text = path.read_text()
    if text.startswith("broken"):
        raise ValueError(text)
    return text


def run_chain(folder: Path, prompt: str = "p", seed: int = 1) -> tuple[str, list[str]]:
    """Two steps, the second reading the first one's file; the result and the steps that were made."""
    made: list[str] = []

    def make(name: str, value: str) -> str:
        made.append(name)
        return value

    with open_run(folder, keep=True) as run:
        plan = run.step(
            "plan.json", key(prompt=prompt), lambda: make("plan", f"plan of {prompt}"), save, load
        )
        depends = key(seed=seed, plan=run.digest("plan.json"))
        clip = run.step("motion", depends, lambda: make("motion", f"{plan}, moved by {seed}"), save, load)
    return clip, made


def test_a_finished_step_is_loaded_and_only_what_depends_on_a_change_is_redone(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    assert run_chain(folder) == ("plan of p, moved by 1", ["plan", "motion"])
    assert run_chain(folder) == ("plan of p, moved by 1", [])
    assert run_chain(folder, seed=2) == ("plan of p, moved by 2", ["motion"])
    assert run_chain(folder, prompt="q", seed=2) == ("plan of q, moved by 2", ["plan", "motion"])


def test_an_edited_result_counts_and_is_never_thrown_away(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    run_chain(folder)
    (folder / "plan.json").write_text("my plan")
    assert RunFolder(folder).edited("plan.json") and not RunFolder(folder).edited("motion")
    assert run_chain(folder) == ("my plan, moved by 1", ["motion"])
    assert run_chain(folder) == ("my plan, moved by 1", [])
    assert run_chain(folder, prompt="q") == ("plan of q, moved by 1", ["plan", "motion"])
    assert (folder / "plan.json.edited").read_text() == "my plan"


def test_a_result_that_a_person_broke_is_an_error_and_any_other_is_made_again(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    run_chain(folder)
    (folder / "plan.json").write_text("broken by hand")
    with pytest.raises(ValueError, match="broken by hand"):
        run_chain(folder)
    (folder / "plan.json").unlink()
    assert run_chain(folder)[1] == ["plan"], "the same plan again: the motion stands"


def test_parts_are_kept_in_order_and_dropped_with_the_finished_step(tmp_path: Path) -> None:
    with open_run(tmp_path / "run", keep=True) as run:
        for number in (0, 1):
            run.keep_part("still", "k", number, lambda path, n=number: path.write_text(f"candidate {n}"))
        assert run.parts("still", "k", load) == ["candidate 0", "candidate 1"]
        assert run.parts("still", "other", load) == []
        (run.path / "still.parts" / "0").unlink()
        assert run.parts("still", "k", load) == [], "no part counts after a missing one"
        run.step("still", "k", lambda: "done", save, load)
        assert not (run.path / "still.parts").exists()
        assert [path.name for path in (run.path / "done").iterdir()] == ["still.json"]


def test_a_mark_without_its_key_or_result_counts_for_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    run_chain(folder)
    for damage in ("", "[]", "{", '{"key": 1}'):
        (folder / "done" / "motion.json").write_text(damage)
        assert run_chain(folder)[1] == ["motion"]
    (folder / "motion").unlink()
    assert run_chain(folder)[1] == ["motion"]


def test_two_processes_cannot_work_on_one_run(tmp_path: Path) -> None:
    with open_run(tmp_path / "run", keep=True):
        script = (
            f"from stillmotion.runs import *; open_run(Path({str(tmp_path / 'run')!r}), True).__enter__()"
        )
        other = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
        assert other.returncode == 1 and "another process works on this run" in other.stderr
    with open_run(tmp_path / "run", keep=True):
        pass


def test_what_remains_of_a_run(tmp_path: Path) -> None:
    folder = beside(tmp_path / "a.mp4")
    assert folder.parent == tmp_path and folder.name.startswith(".")
    with open_run(folder, keep=False) as run:
        run.keep("still", "k", lambda path: path.write_text("x"))
    assert not folder.exists(), "finished: removed"

    with pytest.raises(InputError), open_run(folder, keep=False) as run:
        run.keep("still", "k", lambda path: path.write_text("x"))
        raise InputError("wrong")
    assert not folder.exists(), "wrong input: nothing left behind"

    for error in (StillmotionError("failed"), KeyboardInterrupt(), RuntimeError("bug")):
        with pytest.raises(type(error)), open_run(folder, keep=False) as run:
            run.keep("still", "k", lambda path: path.write_text("x"))
            raise error
        assert RunFolder(folder).finished("still", "k"), "failed or interrupted: kept for the next try"
    with pytest.raises(InputError), open_run(folder, keep=False):
        raise InputError("wrong")
    assert RunFolder(folder).finished("still", "k"), "an earlier try's work is not the wrong input's to lose"


def test_a_named_run_keeps_paid_work_but_no_empty_folder(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    with pytest.raises(InputError), open_run(folder, keep=True) as run:
        run.keep("identity", "k", lambda path: path.write_text("x"))
        raise InputError("wrong")
    assert not folder.exists()
    with pytest.raises(InputError), open_run(folder, keep=True) as run:
        run.keep("still", "k", lambda path: path.write_text("x"))
        raise InputError("wrong")
    assert RunFolder(folder).finished("still", "k")


def test_places_that_cannot_be_a_run_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "a.png").write_text("x")
    for place, words in (
        ("file", "is a file"),
        ("photos", "holds other files"),
        ("no/run", "there is no folder"),
    ):
        with pytest.raises(InputError, match=words), open_run(tmp_path / place, keep=True):
            pass
    assert os.listdir(tmp_path / "photos") == ["a.png"]


def test_the_drawn_seed_is_found_again(tmp_path: Path) -> None:
    with open_run(tmp_path / "run", keep=True) as run:
        assert run.drawn_seed() is None
        run.note({"settings": {"seed": 7}})
        assert run.drawn_seed() == 7
        (run.path / "request.json").write_text("{torn")
        assert run.drawn_seed() is None


KILLED = """
import random, sys, time
from pathlib import Path
from stillmotion.files import digest
from stillmotion.runs import key, open_run

def save(value, folder):
    folder.mkdir()
    for number in range(20):
        (folder / f"{number}.txt").write_text(value * 2000)

def load(folder):
    texts = {path.read_text() for path in folder.iterdir()}
    assert len(texts) == 1 and len(list(folder.iterdir())) == 20, "torn"
    return texts.pop()[:1]

generation = int(sys.argv[2])
with open_run(Path(sys.argv[1]), True) as run:
    print("begun", flush=True)
    for step in "abcdef":
        value = run.step(step, key(generation=generation), lambda: step, save, load)
        assert value == step
"""


def test_kills_at_any_moment_lose_no_finished_step_and_leave_nothing_torn(tmp_path: Path) -> None:
    """40 SIGKILLs within the writes of a chain whose steps are replaced again and again."""
    chance = random.Random(4)
    generation, kills = 0, 0
    while kills < 40:
        command = [sys.executable, "-c", KILLED, str(tmp_path / "run"), str(generation)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert process.stdout and process.stdout.readline() == "begun\n", (
            process.stderr and process.stderr.read()
        )
        time.sleep(chance.uniform(0, 0.02))
        process.send_signal(signal.SIGKILL)
        _, errors = process.communicate()
        assert "torn" not in errors and process.returncode in (-9, 0), errors
        for mark in (tmp_path / "run" / "done").glob("*.json"):
            made = json.loads(mark.read_text())["digest"]
            assert made == digest(tmp_path / "run" / mark.stem), "a marked step is whole"
        kills += process.returncode == -9
        generation += process.returncode == 0
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert not [path for path in (tmp_path / "run").rglob("*.part")], "leftovers of the killed are swept"


def test_a_failing_writer_leaves_the_old_and_no_temporary(tmp_path: Path) -> None:
    target = tmp_path / "a.txt"
    target.write_text("old")
    with pytest.raises(KeyboardInterrupt), replacing(target) as part:
        part.write_text("half")
        raise KeyboardInterrupt
    assert target.read_text() == "old" and os.listdir(tmp_path) == ["a.txt"]


def test_sweeping_spares_what_living_processes_write(tmp_path: Path) -> None:
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    for name in (f".a.{dead.pid}.part", f".b.{os.getppid()}.part", ".c.part", "d.12.part"):
        (tmp_path / name).write_text("x")
    sweep(tmp_path)
    assert sorted(os.listdir(tmp_path)) == [f".b.{os.getppid()}.part", ".c.part", "d.12.part"]


def test_the_digest_sees_names_and_bytes(tmp_path: Path) -> None:
    folders = []
    for number, files in enumerate(({"a": "1"}, {"b": "1"}, {"a": "2"}, {"a": "1", "b": ""})):
        folder = tmp_path / str(number)
        write_folder(
            folder, lambda f, files=files: [(f / n).write_text(t) for n, t in files.items()] and None
        )
        folders.append(digest(folder))
    assert len(set(folders)) == 4
    remove(tmp_path / "0")
    remove(tmp_path / "0")
    assert not (tmp_path / "0").exists()
