"""mini end to end with its embedded weights: every way to ask, in few steps, and pictures of something."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import av
import mini
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from stillmotion.cli import run
from stillmotion.output import Result, read_record
from stillmotion.pipeline import Pipeline
from stillmotion.request import Request
from stillmotion.steps import hash_photo

pytestmark = mini.needed

EXAMPLES = Path(__file__).parents[1] / "examples"
MAYA, TOM = EXAMPLES / "maya.png", EXAMPLES / "tom.png"
PROMPT = "A woman in a green sweater stands in a sunny park. She turns her head to the left."
DRAFT: dict[str, Any] = {"quality": "draft", "seed": 7, "num_frames": 9, "motion_steps": 4}
QUICK = DRAFT | {"num_frames": 5, "motion_steps": 2, "still_steps": 4}


def frames_in(path: Path) -> NDArray[np.uint8]:
    """What a player shows: (T, H, W, 3)."""
    with av.open(str(path)) as container:
        return np.stack([frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)])


def assert_pictures(frames: NDArray[np.uint8]) -> None:
    """Neither flat nor noise: contrast, and neighbours far more alike than strangers (noise: 1.13)."""
    for frame in frames:
        values = frame.astype(np.float32).mean(axis=2)
        assert values.std() > 15, "a flat picture"
        assert np.abs(np.diff(values, axis=1)).mean() / values.std() < 0.4, "noise"


def generate(output: Path, **changes: Any) -> Result:
    """The same person and words in 5 frames and very few steps."""
    values = QUICK | {"faces": (MAYA,), "prompt": PROMPT} | changes
    return Pipeline("mini").generate(Request(**values), output)


def frame_hash(result: Result) -> str:
    assert result.record.clip
    return result.record.clip.sha256


@pytest.fixture(scope="module")
def quick(tmp_path_factory: pytest.TempPathFactory) -> Result:
    """What the other ways to ask are compared with."""
    return generate(tmp_path_factory.mktemp("quick") / "maya.mp4")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Result:
    """A draft of 9 frames, made once for several tests; its run folder is beside it."""
    folder = tmp_path_factory.mktemp("mini")
    request = Request(faces=(MAYA,), prompt=PROMPT, **DRAFT)
    return Pipeline("mini").generate(request, folder / "maya.mp4", folder / "run")


def test_a_photo_and_a_sentence_become_a_video(made: Result) -> None:
    frames = frames_in(made.path)
    assert frames.shape == (9, 256, 256, 3)
    assert_pictures(frames)
    record = read_record(made.path)
    assert record == made.record and record.clip and record.still
    assert (record.clip.frames, record.clip.width, record.clip.height, record.clip.fps) == (9, 256, 256, 8)
    assert record.photos[0].sha256 == hash_photo(MAYA).sha256 and record.settings.seed == 7
    assert "green sweater" in record.plan.spatial and "turns" in record.plan.temporal
    assert set(record.parts.values()) == {"embedded"} and record.device == "cpu"


def test_the_clip_starts_from_the_still_and_moves(made: Result) -> None:
    assert made.run
    still = np.asarray(Image.open(made.run / "still" / "candidate_0.png").convert("RGB"), np.float32)
    frames = frames_in(made.path).astype(np.float32)
    assert np.abs(frames[0] - still).mean() < 25, "the first frame is another picture"
    assert np.abs(frames[-1] - frames[0]).mean() > 1, "nothing moves"


def test_the_judge_sees_the_person_in_the_still(made: Result) -> None:
    assert made.record.still
    assert made.record.still.similarity is not None and made.record.still.similarity > 0


def test_the_replay_of_a_file_has_the_same_frames(
    quick: Result, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run(["generate", "--from", str(quick.path), "-o", str(tmp_path / "again.mp4")]) == 0
    again = read_record(tmp_path / "again.mp4")
    assert again.clip == quick.record.clip and again.plan == quick.record.plan
    capfd.readouterr()


def test_the_same_request_has_the_same_frames_and_another_seed_others(quick: Result, tmp_path: Path) -> None:
    same, other = generate(tmp_path / "a.mp4"), generate(tmp_path / "b.mp4", seed=8)
    assert frame_hash(same) == frame_hash(quick) != frame_hash(other)
    assert_pictures(frames_in(other.path))


def test_two_photos_of_one_person(quick: Result, tmp_path: Path) -> None:
    second = tmp_path / "mirrored.png"
    Image.open(MAYA).transpose(Image.Transpose.FLIP_LEFT_RIGHT).resize((300, 300)).save(second)
    both = generate(tmp_path / "a.mp4", faces=(MAYA, second))
    assert len(both.record.photos) == 2 and frame_hash(both) != frame_hash(quick)
    assert_pictures(frames_in(both.path))


def test_straight_from_the_photo(tmp_path: Path) -> None:
    result = generate(tmp_path / "a.mp4", mode="r2v")
    assert result.record.still is None and result.record.settings.mode == "r2v"
    frames = frames_in(result.path)
    assert frames.shape == (5, 256, 256, 3)
    assert_pictures(frames)


def test_raw_prompts(quick: Result, tmp_path: Path) -> None:
    result = generate(tmp_path / "a.mp4", prompts="raw")
    assert result.record.plan.temporal == PROMPT and result.record.plan.spatial.endswith(PROMPT)
    assert frame_hash(result) != frame_hash(quick)
    assert_pictures(frames_in(result.path))


def test_a_timed_prompt(tmp_path: Path) -> None:
    prompt = "0-0.6s: he looks into the camera in a blue shirt on a beach; 0.6-1.1s: he nods"
    result = generate(tmp_path / "a.mp4", faces=(TOM,), prompt=prompt, num_frames=9)
    assert [(s.start, s.end) for s in result.record.plan.segments] == [(0, 0.6), (0.6, 1.1)]
    frames = frames_in(result.path)
    assert frames.shape == (9, 256, 256, 3)
    assert_pictures(frames)
    seams = np.abs(np.diff(frames.astype(np.float32), axis=0)).mean(axis=(1, 2, 3))
    assert seams.max() < 30, "a cut between the segments"


def test_a_still_an_edited_plan_and_its_motion(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    person = ["--face", str(TOM)]
    assert run(["plan", *person, "--prompt", "A man in a red shirt nods", "--json"]) == 0
    plan = json.loads(capfd.readouterr().out)
    few = ["--quality", "draft", "--still-steps", "4", "--seed", "3"]
    stills = []
    for shirt in ("red", "blue"):
        plan["spatial"] = plan["spatial"].replace("red shirt", f"{shirt} shirt")
        Path("plan.json").write_text(json.dumps(plan))
        assert run(["still", *person, "--plan", "plan.json", *few, "-o", f"{shirt}.png"]) == 0
        stills.append(np.asarray(Image.open(f"{shirt}.png").convert("RGB")))
    assert_pictures(np.stack(stills))
    assert read_record(Path("blue.png")).plan.spatial == plan["spatial"] and "blue shirt" in plan["spatial"]
    assert np.abs(stills[0].astype(int) - stills[1]).mean() > 1, "the plan's words change nothing"
    animate = ["animate", "--image", "blue.png", "--plan", "plan.json", *person, "-o", "a.mp4"]
    few = ["--num-frames", "5", "--motion-steps", "2", "--seed", "7"]
    assert run([*animate, *few]) == 0, capfd.readouterr().err
    record = read_record(Path("a.mp4"))
    assert record.image and record.image.sha256 == hash_photo(Path("blue.png")).sha256
    assert record.plan.model_dump(mode="json") == plan and record.still is None
    frames = frames_in(Path("a.mp4"))
    assert frames.shape == (5, 256, 256, 3)
    assert np.abs(frames[0].astype(int) - stills[1]).mean() < 25, "the first frame is another picture"


def test_a_plan_is_quick(tmp_path: Path) -> None:
    """No torch, no transformers for what the rules writer does: a person waits for this one."""
    import subprocess
    import sys

    code = "import sys; from stillmotion.cli import run; run(['plan', '--prompt', 'A woman waves'])"
    heavy = f"{code}; sys.exit(' '.join(m for m in ('torch', 'transformers') if m in sys.modules) or 0)"
    done = subprocess.run([sys.executable, "-c", heavy], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "Seen: " in done.stdout
