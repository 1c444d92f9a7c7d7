"""Wrong input: exit code 2, one line on stderr that names the file or field, nothing left behind."""

from __future__ import annotations

import os
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
import tiny
from PIL import Image

from stillmotion.cli import run

PROMPT = "She waves on a beach"


def _bomb(path: Path) -> None:
    """A PNG of 40,000 x 40,000 pixels in a few kilobytes."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 40000, 40000, 8, 2, 0, 0, 0)
    body = zlib.compress(b"\0" * 2**20)
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b"")
    )


def _cut(path: Path, kind: str) -> None:
    tiny.write_photo(path.with_name("whole.png"))
    with Image.open(path.with_name("whole.png")) as image:
        image.save(path, format=kind)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    path.with_name("whole.png").unlink()


def _sparse(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(2**32)


PHOTOS: dict[str, Callable[[Path], object]] = {
    "missing": lambda path: None,
    "empty": lambda path: path.write_bytes(b""),
    "text": lambda path: path.write_text("this is no picture"),
    "folder": lambda path: path.mkdir(),
    "pipe": os.mkfifo,
    "dangling": lambda path: path.symlink_to(path.with_name("nowhere.png")),
    "cut PNG": lambda path: _cut(path, "PNG"),
    "cut JPEG": lambda path: _cut(path, "JPEG"),
    "cut WEBP": lambda path: _cut(path, "WEBP"),
    "bomb": _bomb,
    "4 GiB": _sparse,
    "GIF": lambda path: Image.new("RGB", (64, 64)).save(path, format="GIF"),
    "1 pixel": lambda path: Image.new("RGB", (1, 1)).save(path, format="PNG"),
    "nobody": lambda path: Image.new("RGB", (96, 96), (20, 60, 200)).save(path, format="PNG"),
    "SVG": lambda path: path.write_text("<svg xmlns='http://www.w3.org/2000/svg'/>"),
}

Case = tuple[list[str], str]
GENERATE: dict[str, Case] = {
    "no face": (["--prompt", PROMPT], "faces: "),
    "an address": (["--face", "https://example.org/a.png", "--prompt", PROMPT], "faces: "),
    "no prompt": (["--face", "a.png"], "prompt: "),
    "an empty prompt": (["--face", "a.png", "--prompt", ""], "prompt: "),
    "a blank prompt": (["--face", "a.png", "--prompt", " \n "], "prompt: "),
    "a control character": (["--face", "a.png", "--prompt", "she\x1b[2J waves"], "prompt: "),
    "a long prompt": (["--face", "a.png", "--prompt", "she waves " * 401], "prompt: "),
    "an unknown preset": (
        ["--face", "a.png", "--prompt", PROMPT, "--preset", "nano"],
        "preset: 'nano' is unknown",
    ),
    "an unknown quality": (["--face", "a.png", "--prompt", PROMPT, "--quality", "ultra"], "quality: "),
    "an unknown writer": (["--face", "a.png", "--prompt", PROMPT, "--writer", "poet"], "writer"),
    "a word for a number": (["--face", "a.png", "--prompt", PROMPT, "--seed", "seven"], "seed: "),
    "a negative seed": (["--face", "a.png", "--prompt", PROMPT, "--seed", "-1"], "seed: "),
    "an odd size": (
        ["--face", "a.png", "--prompt", PROMPT, "--width", "100"],
        "width: 100 is not a multiple",
    ),
    "a huge size": (["--face", "a.png", "--prompt", PROMPT, "--height", "100000"], "height: "),
    "no size": (["--face", "a.png", "--prompt", PROMPT, "--width", "0"], "width: "),
    "frames": (["--face", "a.png", "--prompt", PROMPT, "--num-frames", "16"], "num_frames: 16 is not 4n+1"),
    "too many frames": (["--face", "a.png", "--prompt", PROMPT, "--num-frames", "99999"], "num_frames: "),
    "an unknown option": (["--face", "a.png", "--prompt", PROMPT, "--colour", "red"], "--colour"),
    "an option without value": (["--face", "a.png", "--prompt"], "prompt"),
    "a stray word": (["a.png", "--prompt", PROMPT], "a.png"),
    "an unknown device": (["--face", "a.png", "--prompt", PROMPT, "--device", "tpu"], "device: "),
    "no such plan": (["--face", "a.png", "--prompt", PROMPT, "--plan", "none.json"], "none.json"),
    "no plan": (["--face", "a.png", "--prompt", PROMPT, "--plan", "a.png"], "a.png"),
    "no such record": (["--from", "none.mp4"], "none.mp4"),
    "no record": (["--from", "a.png"], "a.png: holds no record"),
    "a run in a file": (["--face", "a.png", "--prompt", PROMPT, "--run", "a.png"], "a.png: is a file"),
    "a run among photos": (["--face", "a.png", "--prompt", PROMPT, "--run", "."], "holds other files"),
    "a run nowhere": (["--face", "a.png", "--prompt", PROMPT, "--run", "no/run"], "there is no folder"),
}
OUTPUTS: dict[str, str] = {
    "a.avi": "has to end in .mp4",
    "a.png": "has to end in .mp4",
    "none/a.mp4": "there is no folder",
    "folder.mp4": "is a folder",
    "": "has to end in .mp4",
    "holiday.mp4": "was not made by stillmotion",
    "/proc/a.mp4": "/proc",
}
COMMANDS: dict[str, Case] = {
    "no such command": (["generat"], "did you mean 'generate'?"),
    "no such file to show": (["show", "none.mp4"], "none.mp4: there is no such file"),
    "a folder to show": (["show", "."], "there is no such file"),
    "nothing to show": (["show"], "FILE"),
    "no such preset to fetch": (["download", "nano"], "preset: 'nano' is unknown"),
    "a plan without words": (["plan", "--prompt", "?"], "prompt: has no words"),
    "a plan of overlapping times": (["plan", "--prompt", "0-2s: she waves; 1-3s: she turns"], "0"),
    "a still that is no PNG": (["still", "--face", "a.png", "--prompt", PROMPT, "-o", "a.jpg"], "a.jpg"),
    "a motion from no frame": (
        ["animate", "--image", "none.png", "--prompt", PROMPT, "-o", "a.mp4"],
        "none.png",
    ),
    "a motion of what": (["animate", "--image", "a.png", "-o", "a.mp4"], "prompt: "),
}


@pytest.fixture
def here(tmp_path: Path, tiny_preset: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to work in, with one good photo."""
    monkeypatch.chdir(tmp_path)
    tiny.write_photo(tmp_path / "a.png")
    return tmp_path


def refused(arguments: list[str], words: str, capfd: pytest.CaptureFixture[str]) -> None:
    """Run the command line; it has to refuse as every wrong input is refused."""
    before = sorted(os.listdir("."))
    code = run(arguments)
    out, err = capfd.readouterr()
    lines = err.splitlines()
    assert code == 2, err
    assert out == ""
    assert len(lines) == 1 and lines[0].startswith("error: ") and words in lines[0], err
    assert sorted(os.listdir(".")) == before, "something was left behind"


@pytest.mark.parametrize("kind", PHOTOS)
def test_photos(kind: str, here: Path, capfd: pytest.CaptureFixture[str]) -> None:
    PHOTOS[kind](here / "b.png")
    command = ["generate", "--preset", "tiny", "--face", "b.png", "--prompt", PROMPT, "-o", "out.mp4"]
    refused(command, "b.png", capfd)
    refused([*command, "--face", "a.png"], "b.png", capfd)


@pytest.mark.parametrize("case", GENERATE)
def test_options(case: str, here: Path, capfd: pytest.CaptureFixture[str]) -> None:
    options, words = GENERATE[case]
    preset = [] if "--preset" in options else ["--preset", "tiny"]
    refused(["generate", "-o", "out.mp4", *preset, *options], words, capfd)


@pytest.mark.parametrize("output", OUTPUTS)
def test_outputs(output: str, here: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (here / "folder.mp4").mkdir()
    (here / "holiday.mp4").write_bytes(b"a film of somebody's holiday")
    refused(
        ["generate", "--preset", "tiny", "--face", "a.png", "--prompt", PROMPT, "-o", output],
        OUTPUTS[output],
        capfd,
    )
    assert (here / "holiday.mp4").read_bytes() == b"a film of somebody's holiday"


@pytest.mark.parametrize("case", COMMANDS)
def test_other_commands(case: str, here: Path, capfd: pytest.CaptureFixture[str]) -> None:
    refused(*COMMANDS[case], capfd)


@pytest.mark.parametrize("part", ["sdxl/unet", "hyperlora", "clip", "vace/transformer", "vace/vae"])
def test_damaged_checkpoints(
    part: str, here: Path, tiny_home: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """The first weight file of a part is cut in the middle."""
    import shutil

    home = here.parent / f"{here.name}-home"
    shutil.copytree(tiny_home, home)
    monkeypatch.setenv("STILLMOTION_HOME", str(home))
    file = sorted((home / "models" / part).glob("*.safetensors"))[0]
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    before = sorted(os.listdir("."))
    code = run(["generate", "--preset", "tiny", "--face", "a.png", "--prompt", PROMPT, "-o", "out.mp4"])
    out, err = capfd.readouterr()
    errors = [line for line in err.splitlines() if line.startswith("error: ")]
    assert code == 2 and out == "" and "Traceback" not in err, err
    assert (len(errors) == 1 and file.name in errors[0]) or part.rsplit("/", maxsplit=1)[-1] in errors[0], err
    assert sorted(os.listdir(".")) == before


def test_a_pickle_is_never_opened(
    here: Path, tiny_home: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    import shutil

    home = here.parent / f"{here.name}-home"
    shutil.copytree(tiny_home, home)
    monkeypatch.setenv("STILLMOTION_HOME", str(home))
    file = next((home / "models" / "sdxl" / "unet").glob("*.safetensors"))
    file.unlink()
    trap = here / "sprung"
    payload = f"cos\nsystem\n(S'touch {trap}'\ntR.".encode()
    file.with_name("diffusion_pytorch_model.bin").write_bytes(payload)
    code = run(["generate", "--preset", "tiny", "--face", "a.png", "--prompt", PROMPT, "-o", "out.mp4"])
    assert code == 2 and not trap.exists()
    assert "error: " in capfd.readouterr().err


def test_the_same_in_a_process_of_its_own(here: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "stillmotion",
        "generate",
        "--face",
        "b.png",
        "--prompt",
        PROMPT,
        "-o",
        "c.mp4",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr == "error: b.png: there is no such file; give the path of a photo\n"
    assert os.listdir(here) == ["a.png"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_the_right_to_write(here: Path, capfd: pytest.CaptureFixture[str]) -> None:
    here.chmod(0o500)
    refused(
        ["generate", "--preset", "tiny", "--face", "a.png", "--prompt", PROMPT, "-o", "b.mp4"],
        "writable",
        capfd,
    )
