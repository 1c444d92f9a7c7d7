"""The paper's two comparisons: what is made, who is named, what is said of the figures."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny
from PIL import Image

from benchmarks import attributes, paper_claims, shared
from stillmotion.batch.layouts import read
from stillmotion.evaluate import dlib_faces
from stillmotion.evaluate.comparison import Comparison, pair
from stillmotion.evaluate.judges import JUDGES, PROTOCOLS
from stillmotion.evaluate.run import evaluate
from stillmotion.evaluate.tables import COLUMNS
from stillmotion.evaluate.types import Sample
from stillmotion.output import read_record
from training.world.samples import save_clip

LABELS = {"hair style": "bob", "hair colour": "red", "beard": "none", "glasses": "none", "action": "wave"}
ASKED = {"clothing": ["dress", "tank top"], "colour": ["red"], "action": ["wave"], "hair style": ["bob"]}
MOTION, PROMPTS = paper_claims.CLAIMS


@pytest.fixture(autouse=True)
def _registries() -> Iterator[None]:
    """What a report adds to the judges is taken back."""
    kept = [(registry, dict(registry)) for registry in (JUDGES, PROTOCOLS, COLUMNS)]
    yield
    for registry, before in kept:
        registry.clear()
        registry.update(before)  # type: ignore[arg-type]


class Eyes:
    """In dlib's place: a face is how red the picture is, and there is none in a dark one."""

    def __call__(self, picture: np.ndarray) -> np.ndarray | None:
        red = float(picture[..., 0].mean()) / 255
        return None if red < 0.1 else np.full(128, red / 128**0.5)  # distances are differences of red


def people(root: Path, count: int = 2) -> Path:
    """A data set of one prompt a person."""
    lines = []
    for number in range(count):
        name = f"id{number:03d}"
        folder = root / "raw" / name
        folder.mkdir(parents=True)
        tiny.write_photo(folder / "image.png", tint=10 * number)
        (folder / "prompt1.txt").write_text("A woman in a red dress waves")
        lines.append({"id": name, "prompt": 1, "labels": LABELS, "asked": ASKED})
    (root / "truth.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return root


def video(path: Path, *reds: int) -> None:
    """A clip of frames as red as that."""
    path.parent.mkdir(parents=True, exist_ok=True)
    frames = np.zeros((len(reds), 64, 64, 3), np.uint8)
    frames[..., 0] = np.array(reds)[:, None, None]
    save_clip(path, frames)


def test_the_nearest_photo_of_all_names_the_person(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dlib_faces, "Recogniser", Eyes)
    photos = {name: tmp_path / f"{name}.png" for name in ("dark", "low", "high")}
    for (_, path), red in zip(photos.items(), (0, 80, 160), strict=True):
        Image.new("RGB", (40, 40), (red, 0, 0)).save(path)
    judge = paper_claims.Stranger(photos)

    def named(name: str, *reds: int) -> dict[str, float]:
        frames = np.zeros((len(reds), 8, 8, 3), np.uint8)
        frames[..., 0] = np.array(reds)[:, None, None]
        reference = np.asarray(Image.open(photos[name]))
        sample = Sample(name, "prompt1", Path("a.mp4"), frames, 8.0, reference, "waves")
        return dict(judge.measure(sample).values)

    # Its first frames are nearer to the other's photo; the mean of all is not.
    assert named("low", *[150] * 4, *[60] * 12)["dlib_top1"] == 1
    assert named("low", *[130] * 16)["dlib_top1"] == 0
    assert named("high", *[130] * 16)["dlib_top1"] == 1
    half = named("high", *[0] * 8, *[160] * 8)  # frames without a face are no part of the mean
    assert half == {"facesim_dlib": pytest.approx(1), "face_frame_ratio": 0.5, "dlib_top1": 1}
    assert named("high", *[0] * 16) == {"facesim_dlib": 0, "face_frame_ratio": 0, "dlib_top1": 0}


def test_evaluate_asks_both_judges(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = people(tmp_path / "dataset")
    for name in ("id000", "id001"):
        video(tmp_path / "made" / name / "prompt1.mp4", *[200] * 5)
    seen = {**LABELS, "clothing": "tank top", "colour": "blue", "glasses": "glasses", "action": "nod"}
    monkeypatch.setattr(attributes, "load", lambda device: lambda frames: seen)
    monkeypatch.setattr(dlib_faces, "Recogniser", Eyes)
    paper_claims.add_judges(read(data))
    found = evaluate(tmp_path / "made", data, device="cpu")
    for one in found.videos:
        assert one.error is None
        assert (one.metrics["action"], one.metrics["attributes"], one.metrics["kept"]) == (0, 0.5, 0.75)
    assert found.summary["dlib_top1"].mean == 0.5  # both videos look like one of them
    assert found.protocol.keys() >= {"dlib_top1", "action", "attributes", "kept"}


def test_without_judge_and_dlib_the_reasons_stand_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = people(tmp_path / "dataset")
    video(tmp_path / "made" / "id000" / "prompt1.mp4", *[200] * 5)
    monkeypatch.setattr(attributes.load, "__defaults__", (tmp_path / "nothing", "cpu"))
    monkeypatch.setitem(sys.modules, "dlib", None)
    paper_claims.add_judges(read(data))
    found = evaluate(tmp_path / "made", data, device="cpu")
    for metric in ("action", "attributes", "kept"):
        assert "train one: python -m training.judge" in found.not_computed[metric]
    assert "pip install" in found.not_computed["dlib_top1"]
    assert found.summary["motion_smoothness_linear"].n == 1


def comparison(claim: paper_claims.Claim, gains: dict[str, float], **changes: Any) -> Comparison:
    """One of eight pairs, in which ours gains that much, give or take a little."""
    noise = np.linspace(-0.01, 0.01, 8)
    metrics = {
        name: pair(np.stack([0.5 + noise, 0.5 + gain - noise], 1), "higher") for name, gain in gains.items()
    }
    whole = Comparison(
        name_a=claim.other[1],
        name_b=claim.ours[1],
        items=tuple((str(n), "prompt1") for n in range(8)),
        metrics=metrics,
        not_compared={},
        left_out=(),
    )
    return whole.model_copy(update=changes)


def test_what_comes_out_is_said_whoever_is_right() -> None:
    right = paper_claims.outcome(MOTION, comparison(MOTION, {"facesim_dlib": 0.1}))
    assert right[0].startswith("FaceSim-dlib: decoupled is better, as the paper says:")
    assert "decoupled minus r2v is +0.100 [" in right[0] and "over 8 pairs" in right[0]
    wrong = paper_claims.outcome(MOTION, comparison(MOTION, {"facesim_dlib": -0.1}))
    assert wrong[0].startswith("FaceSim-dlib: r2v is better, which contradicts the paper:")
    assert "decoupled minus r2v is -0.100 [" in wrong[0]
    none = paper_claims.outcome(MOTION, comparison(MOTION, {"facesim_dlib": 0.0}))
    assert "no difference can be told" in none[0]

    why = {"action": "not computed in raw: no judge"}
    gains = {"attributes": 0.2, "facesim_dlib": -0.2, "kept": 0.0, "face_frame_ratio": 0.1}
    lines = paper_claims.outcome(PROMPTS, comparison(PROMPTS, gains, not_compared=why))
    assert lines[0].startswith("attributes: refined is better")
    assert lines[1] == "action: not computed in raw: no judge."
    assert lines[2] == (
        "Besides, refined is better in: Frames with a face; raw is better in: FaceSim-dlib; "
        "no difference can be told in: kept."
    )


def test_what_is_not_among_the_figures_is_said_once() -> None:
    gaps = {"action": "not computed in r2v: no judge", "fid_consisid": "no item has a figure on both sides"}
    whole = {
        claim.name: comparison(claim, {"facesim_dlib": 0.1, "attributes": 0.1}, not_compared=gaps)
        for claim in paper_claims.CLAIMS
    }
    order = {"identities": 40, "prompts": 5, "preset": "mini", "quality": "draft", "seed": 1}
    PROTOCOLS.update(paper_claims.PROTOCOL)
    text = paper_claims.markdown(order, whole, {"action": "no judge"})
    assert text.startswith("200 pairs of videos for each comparison: 40 people that mini never saw")
    assert text.count("- FID (ConsisID): not compared: no item has a figure on both sides") == 2
    assert "action: not compared" not in text
    assert text.endswith("## Not computed\n\n- action: no judge\n")
    assert "| FaceSim-dlib ↑ | 0.500 | 0.600 | +0.100 [" in text


def test_one_command_makes_and_measures_and_says_what_comes_out(
    tiny_preset: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On one machine the videos, without dlib and judge; on another the figures."""
    out = tmp_path / "out"
    people(out / "dataset", 2)
    command = ["-o", str(out), "--preset", tiny_preset, "--quality", "draft", "--identities", "2"]
    command += ["--prompts", "1", "--seed", "5"]
    with monkeypatch.context() as bare:
        bare.setitem(sys.modules, "dlib", None)
        bare.setattr(attributes, "load", None)
        assert paper_claims.main([*command, "--make-only"]) == 0
    assert not (out / "claims.md").exists()
    videos = sorted(out.glob("*/id*/prompt1.mp4"))
    assert len(videos) == 6
    made = {(path.parts[-3], path.parts[-2]): read_record(path).settings for path in videos}
    for person in ("id000", "id001"):
        ours, r2v, raw = (made[side, person] for side in ("decoupled", "r2v", "raw"))
        assert (ours.mode, ours.prompts, ours.quality) == ("decoupled", "refined", "draft")
        assert r2v == ours.model_copy(update={"mode": "r2v"})  # the seed as well
        assert raw == ours.model_copy(update={"prompts": "raw"})
    assert made["raw", "id000"].seed != made["raw", "id001"].seed

    # One is lost: its pair is left out, or it alone is made again.
    times = {path: path.stat().st_mtime_ns for path in videos}
    lost = out / "raw/id001/prompt1.mp4"
    lost.unlink()
    monkeypatch.setattr(dlib_faces, "Recogniser", lambda: lambda p: np.full(128, p.mean() / 255 / 128**0.5))
    shows = {**LABELS, "clothing": "dress", "colour": "red"}
    monkeypatch.setattr(attributes, "load", lambda device: lambda frames: shows)
    assert paper_claims.main([*command, "--measure-only"]) == 0
    figures = json.loads((out / "claims.json").read_text())
    assert not lost.exists()
    assert figures["claims"]["motion"]["metrics"]["facesim_dlib"]["difference"]["n"] == 2
    assert figures["claims"]["prompts"]["metrics"]["action"]["difference"]["n"] == 1
    assert "left out: 1 item: failed in raw" in (out / "claims.md").read_text()

    assert paper_claims.main(command) == 0
    assert all((path.stat().st_mtime_ns == time) == (path != lost) for path, time in times.items())
    figures = json.loads((out / "claims.json").read_text())
    prompts = figures["claims"]["prompts"]
    assert prompts["metrics"]["action"] == {
        "better": "higher", "mean_a": 1, "mean_b": 1, "wins_a": 0, "ties": 1, "wins_b": 0, "left_out": 0,
        "difference": {"mean": 0, "low": 0, "high": 0, "n": 2},
    }  # fmt: skip
    for claim, a, b in (("motion", "r2v", "decoupled"), ("prompts", "raw", "refined")):
        found = figures["claims"][claim]
        likeness = found["metrics"]["facesim_dlib"]
        means = [
            json.loads((out / f"{side}.json").read_text())["summary"]["facesim_dlib"]["mean"]
            for side in (a, "decoupled")
        ]
        assert (found["name_a"], found["name_b"]) == (a, b)
        assert [likeness["mean_a"], likeness["mean_b"]] == pytest.approx(means) and means[0] != means[1]
    text = (out / "claims.md").read_text()
    assert "| Action asked for ↑ | 1.000 | 1.000 | 0.000 [0.000, 0.000] |" in text
    assert str(Path.home()) not in text and str(tmp_path) not in text
    for claim in paper_claims.CLAIMS:
        sheet = Image.open(out / f"{claim.name}.png")
        assert sheet.size == (2 * 11 * 96, 96)  # two rows side by side: a photo, five and five frames
    assert paper_claims.main([*command, "--seed", "6"]) == 2  # another report's folder


def test_reports_are_imported_without_dlib_drawing_and_judge() -> None:
    code = (
        "import sys\n"
        "sys.modules.update(dict.fromkeys(['dlib', 'face_recognition_models', 'moderngl', 'insightface']))\n"
        "import benchmarks.paper_claims, benchmarks.mini_report\n"
    )
    root = Path(__file__).parents[2]
    paths = os.pathsep.join(map(str, (root, root / "src")))
    subprocess.run([sys.executable, "-c", code], check=True, env={**os.environ, "PYTHONPATH": paths})


def test_processes_take_gpus_in_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4,7")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    assert shared.gpus() == ["4", "7"]

    class Numbers:
        def __init__(self, number: int) -> None:
            self.get = lambda: number

    for number, gpu in ((0, "4"), (1, "7"), (2, "4")):
        shared.take_place(Numbers(number), ["4", "7"], 1)
        assert os.environ["CUDA_VISIBLE_DEVICES"] == gpu
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4,7")
    found = list(shared.over(os.getenv, ["CUDA_VISIBLE_DEVICES"] * 3, 2))
    assert len(found) == 3 and set(found) <= {"4", "7"}
