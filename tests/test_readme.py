"""The README's promises: its commands run as they stand, its links lead somewhere, its make targets exist."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path

import mini
import pytest

from stillmotion.cli import run
from stillmotion.output import read_record

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    """The README's code blocks of a language."""
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def commands() -> list[list[str]]:
    """Every ``stillmotion`` command of the README, as words."""
    lines = [line for block in blocks("bash") for line in block.splitlines() if line.strip()]
    words = [shlex.split(line) for line in lines]
    assert all(line[0] == "stillmotion" for line in words), "a command that this test does not run"
    return [line[1:] for line in words]


@pytest.fixture
def clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the examples, as after a clone, to work in; mini takes few steps."""
    mini.hasten(monkeypatch)
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def execute(arguments: list[str], capfd: pytest.CaptureFixture[str]) -> None:
    """Run one command; "> FILE" at its end takes its output, as in a shell."""
    target = None
    if ">" in arguments:
        target = Path(arguments[-1])
        arguments = arguments[: arguments.index(">")]
    code = run(arguments)
    out, err = capfd.readouterr()
    assert code == 0, err
    if target:
        target.write_text(out, encoding="utf-8")


@mini.needed
def test_the_commands_run_in_order(clone: Path, capfd: pytest.CaptureFixture[str]) -> None:
    for arguments in commands():
        execute(arguments, capfd)
    first, second = read_record(clone / "garden.mp4"), read_record(clone / "variation.mp4")
    assert first.plan == second.plan and second.settings.seed == 8
    assert first.clip and second.clip and first.clip.sha256 != second.clip.sha256
    assert len(read_record(clone / "timed.mp4").plan.segments) == 2


@mini.needed
def test_the_python_example_runs(clone: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (code,) = blocks("python")
    exec(compile(code, "README.md", "exec"), {})
    assert (clone / "beach.mp4").is_file() and capfd.readouterr().out.strip()


def test_every_option_of_the_commands_exists(capfd: pytest.CaptureFixture[str]) -> None:
    for arguments in commands():
        run([arguments[0], "--help"])
        known = capfd.readouterr().out
        for word in arguments:
            if word.startswith("-"):
                assert re.search(rf"(^|[\s,/]){re.escape(word)}[\s,]", known), f"{arguments[0]} has no {word}"


@pytest.mark.parametrize("page", ["README.md", "docs/generate.md", "docs/troubleshooting.md"])
def test_links_lead_somewhere(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    for link in re.findall(r"\]\(([^)#]+)", text):
        if not link.startswith("https://"):
            assert ((ROOT / page).parent / link).exists(), link


def test_the_make_targets_exist() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in re.findall(r"^    make (\w+)", README, re.MULTILINE):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE)


def test_the_examples_that_are_named_exist() -> None:
    for name in set(
        re.findall(r"examples/[\w.-]+", README + (ROOT / "Makefile").read_text(encoding="utf-8"))
    ):
        assert (ROOT / name).exists(), name


def test_every_dependency_is_pinned_and_in_range() -> None:
    """constraints.txt has each direct dependency at a version that pyproject.toml allows."""
    import tomllib

    from packaging.requirements import Requirement
    from packaging.utils import canonicalize_name

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = dict(line.split("==") for line in lines if line and not line.startswith("#"))
    pinned = {canonicalize_name(name): version for name, version in pins.items()}
    optional = project["optional-dependencies"]
    for text in (*project["dependencies"], *optional["dev"][1:], *optional["insightface"]):
        requirement = Requirement(text)
        version = pinned[canonicalize_name(requirement.name)]
        assert requirement.specifier.contains(version), f"{requirement} is pinned at {version}"
