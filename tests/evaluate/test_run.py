"""`evaluate` and its command on a small dataset: real judges on small weights, and every way to fail."""

from __future__ import annotations

import csv
import hashlib
import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from stillmotion.cli import run as command_line
from stillmotion.errors import InputError
from stillmotion.evaluate import run as room
from stillmotion.evaluate.faces import ArcJudge
from stillmotion.evaluate.judges import JUDGES, PROTOCOLS, JudgeSpec, chosen, known_metrics
from stillmotion.evaluate.run import evaluate, together
from stillmotion.evaluate.types import Evaluation, Measured, NotComputed, Sample

from .packs import home_with, picture, write_video

pytest.importorskip("onnx")
pytest.importorskip("insightface.model_zoo", exc_type=ImportError)

pytestmark = pytest.mark.usefixtures("at_home")

FACES = ("facesim_arc", "facesim_cur", "fid_consisid")
PEOPLE = {"id001": 1, "id002": 2, "id003": 3}


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``data``: three people, two prompts each. ``videos``: id001 the references themselves, id002 strangers
    and a video without a face, id003 one that is cut and one that is missing.
    """
    folder = tmp_path_factory.mktemp("work")
    for name, seed in PEOPLE.items():
        person = folder / "data" / "raw" / name
        person.mkdir(parents=True)
        Image.fromarray(picture(seed=seed)).save(person / "image.png")
        for number in (1, 2):
            (person / f"prompt{number}.txt").write_text(f"She waves {number} times.\n")
    videos = folder / "videos"
    still = np.stack([picture(seed=1)] * 3)
    write_video(videos / "id001/prompt1.mp4", still)
    write_video(videos / "id001/prompt2.mp4", still[:1])
    strangers = [picture((20, 18), seed=n) for n in (8, 9)]
    write_video(videos / "id002/prompt1.mp4", np.stack(strangers))
    write_video(videos / "id002/prompt2.mp4", np.stack([picture(None, seed=4)] * 4))
    cut = write_video(videos / "id003/prompt1.mp4", still)
    cut.write_bytes(cut.read_bytes()[:-5000])
    return folder


@pytest.fixture(scope="module")
def evaluation(home: Path, work: Path) -> Evaluation:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STILLMOTION_HOME", str(home))
        return evaluate(work / "videos", work / "data", FACES, "cpu")


def by_file(evaluation: Evaluation) -> dict[str, object]:
    return {video.file: video for video in evaluation.videos}


def test_a_reference_against_itself_gives_1_1_and_0(evaluation: Evaluation) -> None:
    for file in ("id001/prompt1.mp4", "id001/prompt2.mp4"):
        metrics = by_file(evaluation)[file].metrics
        assert metrics["facesim_arc"] == pytest.approx(1, abs=1e-9)
        assert metrics["facesim_cur"] == pytest.approx(1, abs=1e-9)
        assert metrics["fid_consisid"] == 0
    stranger = by_file(evaluation)["id002/prompt1.mp4"].metrics
    assert stranger["facesim_arc"] < 0.9 and stranger["fid_consisid"] > 0


def test_videos_come_in_the_datasets_order_with_what_is_known_of_them(evaluation: Evaluation) -> None:
    assert [video.file for video in evaluation.videos] == [
        f"{name}/prompt{number}.mp4" for name in PEOPLE for number in (1, 2)
    ]
    first = evaluation.videos[0]
    assert (first.id, first.prompt_id, first.frames) == ("id001", "prompt1", 3)
    assert first.prompt == "She waves 1 times."
    assert first.reference.endswith("id001/image.png")
    assert len(first.curves["facesim_arc"]) == 16


def test_no_face_counts_as_0_and_is_flagged(evaluation: Evaluation) -> None:
    faceless = by_file(evaluation)["id002/prompt2.mp4"]
    assert faceless.metrics == dict.fromkeys(FACES, 0.0)
    assert faceless.face_frames == 0 and faceless.error is None
    assert faceless.flags == ("no face", "fid_consisid is 0 for want of a face")
    assert evaluation.counts.without_face == 1
    assert (evaluation.counts.face_frames, evaluation.counts.judged_frames) == (3 * 16, 4 * 16)


def test_missing_and_cut_videos_are_failures_and_nowhere_in_the_means(evaluation: Evaluation) -> None:
    missing, cut = by_file(evaluation)["id003/prompt2.mp4"], by_file(evaluation)["id003/prompt1.mp4"]
    assert missing.error == "there is no such video"
    assert "cut short" in cut.error
    assert missing.metrics == cut.metrics == {}
    assert (evaluation.counts.videos, evaluation.counts.failed) == (6, 2)
    figures = [v.metrics["facesim_arc"] for v in evaluation.videos if v.metrics]
    found = evaluation.summary["facesim_arc"]
    assert (found.n, found.mean) == (4, pytest.approx(np.mean(figures)))
    assert found.low <= found.mean <= found.high


def test_the_same_files_give_the_same_figures_in_one_round_or_in_three(
    evaluation: Evaluation, work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    decoded = []
    real = room.read_video
    monkeypatch.setattr(room, "read_video", lambda path: decoded.append(path.name) or real(path))
    # The one that is missing is not even opened.
    assert evaluate(work / "videos", work / "data", FACES, "cpu", again=True) == evaluation
    assert len(decoded) == 5
    decoded.clear()
    monkeypatch.setattr(room, "free_memory", lambda device: 0.1)
    steps = []
    again = evaluate(
        work / "videos",
        work / "data",
        FACES,
        "cpu",
        lambda step, done, total: steps.append((step, done)),
        again=True,
    )
    assert again == evaluation
    # The one that is cut is tried once.
    assert len(decoded) == 5 + 4 + 4
    assert steps[0] == ("evaluate: round 1 of 3", 0) and steps[-1] == ("evaluate: round 3 of 3", 6)


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Which videos ArcFace's judge is shown."""
    seen: list[str] = []
    real = ArcJudge.measure

    def measure(self: ArcJudge, sample: Sample) -> Measured:
        seen.append(f"{sample.id}/{sample.prompt_id}")
        return real(self, sample)

    monkeypatch.setattr(ArcJudge, "measure", measure)
    return seen


def test_an_interrupted_evaluation_goes_on_and_changed_videos_are_judged_again(
    evaluation: Evaluation, work: Path, home: Path, tmp_path: Path, measured: list[str]
) -> None:
    videos = tmp_path / "videos"
    shutil.copytree(work / "videos", videos)

    def interrupt(step: str, done: int, total: int) -> None:
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        evaluate(videos, work / "data", ["facesim_arc"], "cpu", interrupt)
    assert measured == ["id001/prompt1", "id001/prompt2", "id002/prompt1"]
    (answers,) = set((home / "evaluations").iterdir()) - {file_of(work / "videos", home)}
    # Killed while it wrote: the last line is torn.
    answers.write_text(answers.read_text().rstrip()[:-20])
    measured.clear()
    whole = evaluate(videos, work / "data", ["facesim_arc"], "cpu")
    assert measured == ["id002/prompt1", "id002/prompt2"]
    assert whole.summary["facesim_arc"] == evaluation.summary["facesim_arc"]
    for video in whole.videos:
        known = by_file(evaluation)[video.file]
        assert (video.frames, video.face_frames, video.error) == (
            known.frames,
            known.face_frames,
            known.error,
        )
        assert video.curves == {m: c for m, c in known.curves.items() if m == "facesim_arc"}
    measured.clear()
    assert evaluate(videos, work / "data", ["facesim_arc"], "cpu") == whole
    assert measured == []
    write_video(videos / "id001/prompt2.mp4", np.stack([picture((22, 18), seed=5)]))
    changed = evaluate(videos, work / "data", ["facesim_arc"], "cpu")
    assert measured == ["id001/prompt2"]
    assert changed.summary["facesim_arc"].mean < whole.summary["facesim_arc"].mean


def test_other_weights_are_other_answers(work: Path, home: Path, measured: list[str]) -> None:
    evaluate(work / "videos", work / "data", ["facesim_arc"], "cpu")
    measured.clear()
    evaluate(work / "videos", work / "data", ["facesim_arc"], "cpu")
    assert measured == []
    os.utime(home / "models" / "buffalo_l" / "w600k_r50.onnx", (1, 1))
    evaluate(work / "videos", work / "data", ["facesim_arc"], "cpu")
    assert len(measured) == 4


def file_of(videos: Path, home: Path) -> Path:
    return home / "evaluations" / (hashlib.sha256(str(videos.resolve()).encode()).hexdigest()[:16] + ".jsonl")


def test_answers_hold_no_word_and_no_path(evaluation: Evaluation, work: Path, home: Path) -> None:
    text = file_of(work / "videos", home).read_text()
    assert "facesim_arc" in text
    assert "waves" not in text and "id001" not in text and str(work) not in text


def test_judges_that_cannot_be_had_are_named(
    work: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STILLMOTION_HOME", str(home_with(tmp_path, curricular=False, inception=False)))
    found = evaluate(work / "videos", work / "data", FACES, "cpu")
    assert set(found.summary) == {"facesim_arc"} == set(found.protocol)
    assert set(found.not_computed) == {"facesim_cur", "fid_consisid"}
    for reason in found.not_computed.values():
        assert "stillmotion download evaluate" in reason
    assert all(set(video.metrics) <= {"facesim_arc"} for video in found.videos)


@dataclass
class Faulty:
    """A judge that fails for some videos, or gives up at one."""

    broken: str = ""
    gives_up: str = ""
    figure: float = 0.5
    metrics: tuple[str, ...] = ("own",)

    def measure(self, sample: Sample) -> Measured:
        at = f"{sample.id}/{sample.prompt_id}"
        if at == self.broken:
            raise RuntimeError("the moon is\nfull")
        if at == self.gives_up:
            raise NotComputed("needs a better machine")
        return Measured({"own": self.figure}, {"own": (0.5, float("nan"))})


def with_judge(monkeypatch: pytest.MonkeyPatch, judge: Faulty) -> None:
    """One line: this is how a judge is added."""
    monkeypatch.setitem(JUDGES, "own", JudgeSpec(("own",), lambda device: judge))


def test_a_judges_fault_with_one_video_costs_that_video_alone(
    work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_judge(monkeypatch, Faulty(broken="id001/prompt2"))
    found = evaluate(work / "videos", work / "data", ["own", "facesim_arc"], "cpu")
    broken = by_file(found)["id001/prompt2.mp4"]
    assert broken.error == "own: the moon is full"
    assert set(broken.metrics) == {"facesim_arc"}
    assert (found.summary["own"].n, found.summary["facesim_arc"].n) == (3, 4)
    assert found.counts.failed == 3
    assert by_file(found)["id001/prompt1.mp4"].curves["own"] == (0.5, None)


def test_a_judge_that_gives_up_leaves_no_figure(work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with_judge(monkeypatch, Faulty(gives_up="id002/prompt1"))
    found = evaluate(work / "videos", work / "data", ["own"], "cpu")
    assert found.not_computed == {"own": "needs a better machine"}
    assert not any("own" in video.metrics or "own" in video.curves for video in found.videos)
    assert found.counts.failed == 2


def test_figures_that_are_none_are_faults(work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with_judge(monkeypatch, Faulty(figure=float("nan")))
    found = evaluate(work / "videos", work / "data", ["own"], "cpu")
    assert "no finite figure" in found.videos[0].error
    assert found.summary == {} and "errors" in found.not_computed["own"]


def test_a_reference_without_a_face_fails_its_videos(tmp_path: Path) -> None:
    person = tmp_path / "data" / "raw" / "id001"
    person.mkdir(parents=True)
    Image.fromarray(picture(None)).save(person / "image.png")
    (person / "prompt1.txt").write_text("He waves.")
    write_video(tmp_path / "videos/id001/prompt1.mp4", np.stack([picture()]))
    found = evaluate(tmp_path / "videos", tmp_path / "data", ["facesim_arc"], "cpu")
    assert "no face was found in the reference" in found.videos[0].error
    assert found.counts.failed == 1 and found.counts.without_face == 0


def test_metrics_are_chosen_by_name() -> None:
    assert chosen(None) == known_metrics()
    assert chosen(["fid_consisid", "facesim_arc"]) == ("facesim_arc", "fid_consisid")
    with pytest.raises(InputError, match="'facesim' is unknown"):
        chosen(["facesim"])
    with pytest.raises(InputError, match="none is named"):
        chosen([])
    assert set(PROTOCOLS) == set(known_metrics())


def test_judges_are_put_together_as_memory_allows() -> None:
    def spec(memory: float) -> JudgeSpec:
        return JudgeSpec((), lambda device: Faulty(), memory=memory)

    specs = {"a": spec(1), "b": spec(2), "c": spec(2), "d": spec(9), "e": spec(1)}
    assert together(specs, 3) == [["a", "b"], ["c"], ["d"], ["e"]]
    assert together(specs, 100) == [["a", "b", "c", "d", "e"]]
    assert together({}, 3) == []


def test_the_command_writes_what_was_asked_for(
    work: Path, evaluation: Evaluation, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    base = ["evaluate", str(work / "videos"), "--references", str(work / "data"), "--device", "cpu"]
    files = {name: tmp_path / f"e.{name}" for name in ("json", "csv", "html")} | {
        "markdown": tmp_path / "e.md"
    }
    options = [word for name, path in files.items() for word in (f"--{name}", str(path))]
    assert command_line([*base, "--metrics", ",".join(FACES), *options]) == 0
    out, err = capsys.readouterr()
    assert "FaceSim-Arc" in out and "n = 4" in out
    assert "failed: id003/prompt2.mp4: there is no such video" in err
    assert "a face in 48 of 64 judged frames" in err
    written = json.loads(files["json"].read_text())
    assert Evaluation.model_validate(written) == evaluation
    assert {"id", "prompt_id", "frames", "face_frames", "metrics"} <= set(written["videos"][0])
    assert set(written["summary"]["facesim_arc"]) == {"mean", "low", "high", "n"}
    rows = list(csv.DictReader(files["csv"].read_text().splitlines()))
    assert float(rows[0]["facesim_arc"]) == pytest.approx(1)
    assert "FaceSim-Arc" in files["markdown"].read_text()
    assert files["html"].read_text().lower().startswith("<!doctype html>")
    assert command_line([*base, "--metrics", "facesim_arc", "--json", "-"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed["summary"]["facesim_arc"] == written["summary"]["facesim_arc"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--metrics", "beauty"], "'beauty' is unknown"),
        (["--json", "a.mp4"], "ends in .json"),
        (["--csv", "nowhere/a.csv"], "cannot be written"),
        (["--device", "abacus"], "abacus"),
        (["--test-set", "mine"], "--test-set mine"),
    ],
)
def test_wrong_words_end_before_any_work(
    options: list[str], words: str, work: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    line = ["evaluate", str(work / "videos"), "--references", str(work / "data"), *options]
    assert command_line(line) == 2
    said = capsys.readouterr().err.strip()
    assert words in said and "\n" not in said


def test_folders_that_are_none_and_videos_that_cannot_be_judged(
    work: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command_line(["evaluate", str(tmp_path / "x"), "--references", str(work / "data")]) == 2
    assert "is no folder" in capsys.readouterr().err
    assert command_line(["evaluate", str(tmp_path), "--references", str(tmp_path / "y")]) == 2
    capsys.readouterr()
    nothing = ["evaluate", str(tmp_path), "--references", str(work / "data"), "--metrics", "facesim_arc"]
    assert command_line(nothing) == 1
    out, err = capsys.readouterr()
    assert out.strip() == "no figures"
    assert "6 failed" in err
