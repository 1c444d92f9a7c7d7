"""A file that leaves: playable, true to its frames, marked, its record readable, whole or absent."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from PIL import Image

from stillmotion.errors import InputError, StillmotionError
from stillmotion.motion.types import Clip
from stillmotion.output import Photo, Record, StillFacts, check_target, read_record, write, write_stills
from stillmotion.output.picture import still_targets
from stillmotion.output.replay import again
from stillmotion.prompts import Plan
from stillmotion.request import parse, settle
from stillmotion.still.types import Candidate, FirstFrame


def make_clip(frames: int = 9, height: int = 64, width: int = 96, fps: float = 8) -> Clip:
    """A smooth, moving, colourful clip: what a codec keeps well when it is used rightly."""
    t, y, x = np.meshgrid(np.arange(frames), np.arange(height), np.arange(width), indexing="ij")
    red, green, blue = x * 255 // width, y * 255 // height, (t * 20 + x + y) * 2 % 512
    blue = np.where(blue > 255, 511 - blue, blue)
    return Clip(np.stack([red, green, blue], axis=-1).astype(np.uint8), fps)


def make_record(**changes: Any) -> Record:
    request = parse({"faces": ["ä photo.png"], "prompt": 'A "woman" waves – 笑顔 {"a": 1}', "seed": 3})
    values: dict[str, Any] = {
        "request": request,
        "settings": settle(request),
        "photos": (Photo(path=Path("ä photo.png"), sha256="0" * 64),),
        "plan": Plan(subject="A woman", spatial="a woman, " * 200, temporal="A woman waves."),
        "still": StillFacts(seeds=(3, 4), similarities=(None, 0.5), chosen=1),
        "parts": {"still": "embedded"},
        "versions": {"stillmotion": "0.1.0"},
        "device": "cpu",
    }
    return Record(**(values | changes))


def decode(path: Path) -> tuple[np.ndarray[Any, Any], Any]:
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(stream)]
        codec = stream.codec_context
        facts = (codec.name, codec.pix_fmt, codec.profile, float(stream.average_rate), stream.frames)
        colours = (codec.color_range, codec.color_primaries, codec.color_trc, codec.colorspace)
    return np.stack(frames), (facts, colours)


def test_the_video_is_h264_that_plays_everywhere_and_shows_the_frames(tmp_path: Path) -> None:
    clip = make_clip()
    write(clip, make_record(), tmp_path / "a.mp4")
    frames, (facts, colours) = decode(tmp_path / "a.mp4")
    assert facts == ("h264", "yuv420p", "High", 8.0, 9)
    assert colours == (1, 1, 1, 1), "limited range; BT.709 primaries, transfer and matrix"
    error = np.mean((frames.astype(float) - clip.frames) ** 2)
    assert 10 * np.log10(255**2 / error) > 35, "a wrong matrix or range would cost far more than the codec"


def test_colours_are_kept_to_a_few_levels(tmp_path: Path) -> None:
    for colour in ((200, 30, 40), (20, 180, 60), (30, 40, 210), (255, 255, 255), (0, 0, 0), (224, 172, 105)):
        clip = Clip(np.full((5, 64, 64, 3), colour, np.uint8), 8)
        write(clip, make_record(), tmp_path / "a.mp4")
        frames, _ = decode(tmp_path / "a.mp4")
        assert np.abs(frames.astype(int) - np.array(colour)).max() <= 4, colour


def test_the_index_is_at_the_front(tmp_path: Path) -> None:
    write(make_clip(), make_record(), tmp_path / "a.mp4")
    data = (tmp_path / "a.mp4").read_bytes()
    assert 0 < data.index(b"moov") < data.index(b"mdat")


@pytest.mark.parametrize(
    ("height", "width", "frames", "fps"), [(65, 97, 5, 8), (64, 64, 1, 8), (66, 66, 5, 23.976)]
)
def test_odd_sizes_single_frames_and_broken_rates(
    tmp_path: Path, height: int, width: int, frames: int, fps: float
) -> None:
    clip = make_clip(frames, height, width, fps)
    result = write(clip, make_record(), tmp_path / "a.mp4")
    decoded, (facts, _) = decode(tmp_path / "a.mp4")
    assert decoded.shape == (frames, height + height % 2, width + width % 2, 3)
    assert facts[3] == pytest.approx(fps, abs=0.001)
    assert result.record.clip and (result.record.clip.height, result.record.clip.width) == (height, width)


def test_the_record_reads_back_whole_and_says_ai_generated(tmp_path: Path) -> None:
    clip = make_clip()
    result = write(clip, make_record(), tmp_path / "a.mp4")
    read = read_record(tmp_path / "a.mp4")
    assert read == result.record
    assert read.clip and read.clip.sha256 == hashlib.sha256(clip.frames.tobytes()).hexdigest()
    with av.open(str(tmp_path / "a.mp4")) as container:
        assert container.metadata["title"].startswith("AI-generated: ")
        assert "AI-generated" in container.metadata["comment"]


@pytest.mark.skipif(shutil.which("ffprobe") is None, reason="ffprobe is not installed")
def test_ffprobe_reads_the_record(tmp_path: Path) -> None:
    result = write(make_clip(), make_record(), tmp_path / "a.mp4")
    command = ["ffprobe", "-v", "error", "-show_entries", "format_tags=comment", "-of", "csv=p=0:e=none"]
    shown = subprocess.run([*command, tmp_path / "a.mp4"], capture_output=True, text=True, check=True).stdout
    assert Record.model_validate_json(shown.strip()) == result.record


def test_the_same_clip_makes_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a.mp4", "b.mp4"):
        write(make_clip(), make_record(), tmp_path / name)
    assert (tmp_path / "a.mp4").read_bytes() == (tmp_path / "b.mp4").read_bytes()


def test_a_failing_write_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(make_clip(), make_record(), tmp_path / "a.mp4")
    before = (tmp_path / "a.mp4").read_bytes()

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StillmotionError, match=r"a\.mp4: could not be written: No space left"):
        write(make_clip(5), make_record(), tmp_path / "a.mp4")
    assert (tmp_path / "a.mp4").read_bytes() == before
    assert os.listdir(tmp_path) == ["a.mp4"]


def test_what_a_killed_process_left_is_removed_by_the_next(tmp_path: Path) -> None:
    dead = subprocess.Popen(["true"])
    dead.wait()
    for name in ("a.mp4", "b.mp4"):
        (tmp_path / f".{name}.{dead.pid}.part").write_bytes(b"half a film")
    write(make_clip(), make_record(), tmp_path / "a.mp4")
    assert sorted(os.listdir(tmp_path)) == [f".b.mp4.{dead.pid}.part", "a.mp4"], "of this file only"


def test_stills_are_marked_pngs_without_other_metadata(tmp_path: Path) -> None:
    images = [np.full((8, 8, 3), value, np.uint8) for value in (10, 20)]
    first = FirstFrame(tuple(Candidate(image, 0.1, 3) for image in images), 1)
    targets = still_targets(tmp_path / "a.png", 2)
    write_stills(first, make_record(), targets)
    assert sorted(os.listdir(tmp_path)) == ["a-1.png", "a-2.png", "a.png"]
    values = [int(np.asarray(Image.open(target))[0, 0, 0]) for target in targets]
    assert values == [20, 10, 20], "the chosen one, then all in order"
    with Image.open(tmp_path / "a.png") as picture:
        assert set(picture.text) == {"Title", "Comment", "Software"}
        assert picture.text["Title"].startswith("AI-generated") and not picture.getexif()
    assert read_record(tmp_path / "a.png").settings.seed == 3


def test_targets_are_checked_before_any_work(tmp_path: Path) -> None:
    (tmp_path / "folder.mp4").mkdir()
    (tmp_path / "holiday.mp4").write_bytes(b"a film of somebody's holiday")
    os.mkfifo(tmp_path / "pipe.mp4")
    wrong = {
        "a.avi": "has to end in .mp4",
        "a": "has to end in .mp4",
        "folder.mp4": "is a folder",
        "none/a.mp4": "there is no folder",
        "holiday.mp4": "was not made by stillmotion",
        "pipe.mp4": "not an ordinary file",
        "a" * 250 + ".mp4": "too long",
    }
    for name, words in wrong.items():
        with pytest.raises(InputError, match=words):
            check_target(tmp_path / name, ".mp4")
    check_target(tmp_path / "holiday.mp4", ".mp4", force=True)
    check_target(tmp_path / "new.MP4", ".mp4")
    write(make_clip(), make_record(), tmp_path / "ours.mp4")
    check_target(tmp_path / "ours.mp4", ".mp4")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_the_right_to_write(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(InputError, match="not writable"):
        check_target(tmp_path / "a.mp4", ".mp4")


@pytest.mark.parametrize(
    "content", [b"", b"text", b"\x00\x00\x00\x20ftypisom" + b"\0" * 40, b"\x89PNG\r\n\x1a\n" + b"\0" * 9]
)
def test_files_without_a_record_are_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.mp4").write_bytes(content)
    with pytest.raises(InputError, match=r"a\.mp4: holds no record"):
        read_record(tmp_path / "a.mp4")


def test_a_foreign_comment_is_refused(tmp_path: Path) -> None:
    with av.open(str(tmp_path / "a.mp4"), "w") as container:
        container.metadata["comment"] = '{"made_by": "somebody"}'
        stream = container.add_stream("libx264", rate=8)
        stream.width = stream.height = 64
        container.mux(stream.encode(av.VideoFrame(64, 64, "yuv420p")))
        container.mux(stream.encode())
    with pytest.raises(InputError, match="no record that this version reads"):
        read_record(tmp_path / "a.mp4")


@pytest.fixture
def made(tmp_path: Path) -> Path:
    """A video whose record names a photo that is there."""
    (tmp_path / "a.png").write_bytes(b"photo")
    photo = Photo(path=tmp_path / "a.png", sha256=hashlib.sha256(b"photo").hexdigest())
    request = parse({"faces": [tmp_path / "a.png"], "prompt": "She waves", "quality": "draft"})
    record = make_record(request=request, settings=settle(request, 41), photos=(photo,))
    write(make_clip(), record, tmp_path / "a.mp4")
    return tmp_path / "a.mp4"


def test_a_replay_asks_for_the_same_again(made: Path) -> None:
    request, plan, image = again(made, {})
    record = read_record(made)
    assert settle(request) == record.settings
    assert (request.prompt, request.seed, plan, image) == ("She waves", 41, record.plan, None)


def test_explicit_flags_win_in_a_replay(made: Path) -> None:
    request, plan, _ = again(made, {"seed": 5, "motion_steps": 3})
    assert (request.seed, settle(request).motion_steps) == (5, 3) and plan is not None
    request, plan, _ = again(made, {"prompt": "He turns"})
    assert request.prompt == "He turns" and plan is None, "another prompt needs another plan"
    request, _, _ = again(made, {"quality": "best"})
    assert settle(request).still_steps == settle(parse({"prompt": "x", "quality": "best"})).still_steps


def test_a_replay_without_its_photo_says_what_to_do(made: Path) -> None:
    photo = made.parent / "a.png"
    photo.rename(photo.with_name("b.png"))
    with pytest.raises(InputError, match=r"a\.png: the picture .* is not there; give it with --face"):
        again(made, {})
    request, plan, _ = again(made, {"faces": [str(photo.with_name("b.png"))]})
    assert request.faces == (photo.with_name("b.png"),) and plan is not None
    photo.write_bytes(b"somebody else")
    with pytest.raises(InputError, match="is another picture than the one"):
        again(made, {})
    request, plan, _ = again(made, {"faces": [str(photo)]})
    assert plan is None, "another person may need another subject"


def test_a_replay_sends_no_prompt_to_a_server_that_a_file_names(tmp_path: Path) -> None:
    request = parse({"prompt": "She waves", "writer": "openai:http://somewhere.example"})
    write(make_clip(), make_record(request=request, settings=settle(request), photos=()), tmp_path / "a.mp4")
    assert again(tmp_path / "a.mp4", {})[1] is not None
    with pytest.raises(InputError, match="name the writer"):
        again(tmp_path / "a.mp4", {"prompt": "He turns"})
    assert again(tmp_path / "a.mp4", {"prompt": "He turns", "writer": "rules"})[0].writer == "rules"


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="fills memory by glibc's MALLOC_PERTURB_")
def test_the_file_does_not_depend_on_what_lay_in_memory(tmp_path: Path) -> None:
    """Sizes that are not 256 wide, in processes whose fresh memory is filled with one byte or another."""
    rng = np.random.default_rng(2)
    noise = rng.normal(0, 12, (1, 160, 160, 1))
    frames = np.clip(make_clip(9, 160, 160).frames * 0.6 + 40 + np.roll(noise, 1, 2), 0, 255).astype(np.uint8)
    np.save(tmp_path / "frames.npy", frames)
    (tmp_path / "record.json").write_text(make_record().model_dump_json(), encoding="utf-8")
    program = (
        "import sys; from pathlib import Path; import numpy as np;"
        "from stillmotion.motion.types import Clip; from stillmotion.output import Record, write;"
        "folder = Path(sys.argv[1]); frames = np.load(folder / 'frames.npy');"
        "record = Record.model_validate_json((folder / 'record.json').read_text());"
        "write(Clip(frames, 8), record, folder / sys.argv[2])"
    )
    made = set()
    for fill in ("0", "1", "2", "254"):
        line = [sys.executable, "-c", program, str(tmp_path), f"{fill}.mp4"]
        subprocess.run(line, check=True, env=os.environ | {"MALLOC_PERTURB_": fill})
        made.add(hashlib.sha256((tmp_path / f"{fill}.mp4").read_bytes()).hexdigest())
    assert len(made) == 1
