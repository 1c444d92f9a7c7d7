"""The command line's contract: exit codes, streams, JSON, one schema for all options, an instant --help."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import tiny

from stillmotion.cli import COMMANDS, console, run
from stillmotion.output import read_record
from stillmotion.presets import PRESETS
from stillmotion.request import Request

PROMPT = "She waves on a beach"


@pytest.fixture
def here(tmp_path: Path, tiny_preset: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    tiny.write_photo(tmp_path / "a.png")
    return tmp_path


def printed(arguments: list[str], capfd: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """The one JSON object that a command prints on stdout."""
    code = run(arguments)
    out, err = capfd.readouterr()
    assert code == 0, err
    value = json.loads(out)
    assert isinstance(value, dict)
    return value


def test_help_answers_at_once_and_lists_every_command() -> None:
    """At most four times a bare interpreter's start, the best of several: a machine is never quiet."""

    def best(*arguments: str) -> float:
        times = []
        for _ in range(5):
            start = time.perf_counter()
            subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)
            times.append(time.perf_counter() - start)
        return min(times)

    assert best("-m", "stillmotion", "--help") < 4 * best("-c", "pass")
    shown = subprocess.run(
        [sys.executable, "-m", "stillmotion", "--help"], capture_output=True, text=True, check=True
    )
    assert all(f"\n  {name} " in shown.stdout for name in COMMANDS) and shown.stderr == ""


@pytest.mark.parametrize(("code", "absent"), [
    ("import stillmotion", ("torch", "pydantic", "numpy")),
    ("import stillmotion; stillmotion.InputError", ("torch", "pydantic", "numpy")),
    ("from stillmotion import Pipeline, Request, Result", ("torch", "diffusers", "transformers", "av")),
    ("from stillmotion.cli import run; run(['plan', '--help'])", ("torch", "diffusers", "av")),
    ("from stillmotion.cli import run; run(['presets'])", ("torch", "diffusers", "transformers", "numpy")),
])  # fmt: skip
def test_nothing_heavy_is_imported_before_it_is_needed(code: str, absent: tuple[str, ...]) -> None:
    check = f"import sys; {code}; sys.exit(' '.join(m for m in {absent} if m in sys.modules) or 0)"
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_every_public_name_is_there() -> None:
    import stillmotion

    for name in stillmotion.__all__:
        assert getattr(stillmotion, name).__name__ == name
    with pytest.raises(AttributeError):
        stillmotion.nothing  # noqa: B018


def test_no_command_an_unknown_one_and_the_version(capfd: pytest.CaptureFixture[str]) -> None:
    assert run([]) == 2
    out, err = capfd.readouterr()
    assert out == "" and "Usage" in err
    assert run(["zeichne"]) == 2
    assert "there are generate, plan" in capfd.readouterr().err
    assert run(["--version"]) == 0
    assert capfd.readouterr().out.startswith("stillmotion ")


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself(name: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert run([name, "--help"]) == 0
    out, _ = capfd.readouterr()
    assert f"Usage: stillmotion {name}" in out and "--help" in out


def test_every_field_of_the_request_is_an_option_with_its_help(capfd: pytest.CaptureFixture[str]) -> None:
    run(["generate", "--help"])
    out = " ".join(capfd.readouterr().out.split())
    for name, field in Request.model_fields.items():
        assert ("--face " if name == "faces" else f"--{name.replace('_', '-')} ") in out
        assert field.description and field.description.split(";")[0].split()[0] in out


def test_generate_prints_the_path_or_one_object(here: Path, capfd: pytest.CaptureFixture[str]) -> None:
    command = ["generate", "--preset", "tiny", "--face", "a.png", "--prompt", PROMPT, "--quality", "draft"]
    assert run([*command, "-o", "a.mp4", "--seed", "5"]) == 0
    out, err = capfd.readouterr()
    assert out == "a.mp4\n" and "seed 5" in err and "Traceback" not in err
    value = printed([*command, "-o", "b.mp4", "--json", "--run", "run", "--no-detail"], capfd)
    record = read_record(here / "b.mp4")
    assert value["output"] == "b.mp4" and value["run"] == "run" and value["seed"] == record.settings.seed
    assert value["similarity"] == record.still.similarity if record.still else False
    assert value["record"] == record.model_dump(mode="json")


def test_show_and_replay(here: Path, capfd: pytest.CaptureFixture[str]) -> None:
    command = ["generate", "--preset", "tiny", "--face", "a.png", "--prompt", PROMPT, "--quality", "draft"]
    first = printed([*command, "-o", "a.mp4", "--json"], capfd)
    assert printed(["show", "a.mp4", "--json"], capfd) == first["record"]
    assert run(["show", "a.mp4"]) == 0
    shown = capfd.readouterr().out
    assert f"prompt: {PROMPT}\n" in shown and f"seed: {first['seed']}\n" in shown and "AI-generated" in shown
    again = printed(["generate", "--from", "a.mp4", "-o", "b.mp4", "--json"], capfd)
    assert again["record"]["clip"] == first["record"]["clip"]
    other = printed(["generate", "--from", "a.mp4", "-o", "c.mp4", "--seed", "1", "--json"], capfd)
    assert other["seed"] == 1 and other["record"]["clip"]["sha256"] != first["record"]["clip"]["sha256"]


def test_plan_still_edit_animate(here: Path, capfd: pytest.CaptureFixture[str]) -> None:
    plan = printed(
        ["plan", "--preset", "tiny", "--prompt", "0-1s: she waves; 1-2s: she nods", "--json"], capfd
    )
    assert set(plan) == {"subject", "spatial", "temporal", "segments", "writer", "fallback"}
    assert [set(segment) for segment in plan["segments"]] == [{"start", "end", "text"}] * 2
    plan["segments"] = plan["segments"][:1]
    Path("plan.json").write_text(json.dumps(plan))
    options = ["--preset", "tiny", "--plan", "plan.json", "--face", "a.png", "--seed", "3", "--json"]
    still = printed(["still", *options, "--candidates", "2", "-o", "first.png"], capfd)
    assert [c["file"] for c in still["candidates"]] == ["first-1.png", "first-2.png"]
    chosen = Path(still["candidates"][still["chosen"]]["file"])
    assert read_record(chosen).still == read_record(Path("first.png")).still
    video = printed(["animate", "--image", "first.png", *options, "-o", "a.mp4"], capfd)
    assert len(video["record"]["plan"]["segments"]) == 1
    assert video["record"]["image"]["path"] == "first.png"
    again = printed(["generate", "--from", "a.mp4", "-o", "b.mp4", "--json"], capfd)
    assert again["record"]["clip"] == video["record"]["clip"]


def test_plan_for_people(here: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["plan", "--preset", "tiny", "--prompt", PROMPT]) == 0
    out = capfd.readouterr().out
    assert out.startswith("Subject: A woman\nSeen: ") and "\nHappens: A woman waves" in out


def test_presets_and_doctor_as_json(capfd: pytest.CaptureFixture[str]) -> None:
    value = printed(["presets", "--json"], capfd)
    assert set(value) == set(PRESETS) and value["mini"]["embedded"] and value["paper"]["licences"]
    code = run(["doctor", "--json"])
    report = json.loads(capfd.readouterr().out)
    assert code == (0 if report["healthy"] else 1)


def test_an_interruption_is_130_and_says_how_to_go_on(here: Path, tiny_home: Path) -> None:
    command = [sys.executable, tiny.__file__, "generate", "--preset", "tiny", "--face", "a.png"]
    command += ["--prompt", PROMPT, "-o", "a.mp4", "--still-steps", "200"]
    environment = os.environ | {"STILLMOTION_HOME": str(tiny_home)}
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
        # A test run in the background of a shell ignores SIGINT, and its children inherit that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509
    )
    assert process.stderr and process.stdout
    assert any(line.startswith("still: candidate 1") for line in process.stderr)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130 and out == ""
    assert err.splitlines()[-1] == "interrupted; the same command goes on where it stopped"
    assert "Traceback" not in err and sorted(os.listdir(here)) == [".a.mp4.run", "a.png"]


def test_a_reader_that_goes_away_is_no_error() -> None:
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        [sys.executable, "-m", "stillmotion", "presets"],
        stdout=write,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    os.close(write)
    assert done.returncode == 0 and done.stderr == ""


def test_our_bugs_keep_their_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def bug(*_: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("stillmotion.cli.console.result", bug)
    with pytest.raises(ZeroDivisionError):
        run(["presets"])


def test_a_full_disk_is_one_line(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device", "/somewhere/a")

    monkeypatch.setattr("stillmotion.cli.console.result", full)
    assert run(["presets"]) == 1
    assert capfd.readouterr().err == "error: /somewhere/a: No space left on device\n"


def test_plain_progress_is_a_line_now_and_then_with_the_time_left(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter(range(0, 1000, 6))
    monkeypatch.setattr(console.time, "monotonic", lambda: float(next(clock)))
    with console.meter() as progress:
        progress("identity", 0, 1)
        progress("identity", 1, 1)
        progress("prompts: finished before", 0, 0)
        for done in range(5):
            progress("motion", done, 4)
    assert capfd.readouterr().err.splitlines() == [
        "prompts: finished before", "motion", "motion: 2 of 4, about 12 s left",
    ]  # fmt: skip


def test_messages_cannot_write_to_the_terminal(capfd: pytest.CaptureFixture[str]) -> None:
    console.say("error: a\x1b[2Jb\nc\udcffd: wrong")
    assert capfd.readouterr().err == "error: a\\x1b[2Jb c\\udcffd: wrong\n"
