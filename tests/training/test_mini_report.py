"""The report on mini: its arithmetic on made-up judgements, and that nothing is made twice."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from benchmarks import attributes, held_out, mini_report
from benchmarks.fidelity import drift, ssim
from stillmotion.errors import InputError
from training.world.samples import save_clip

LABELS = {"hair style": "bob", "hair colour": "red", "beard": "none", "glasses": "none", "action": "wave"}


def line(number: int = 1, **asked: list[str]) -> dict[str, Any]:
    """A prompt's truth that asks for a red dress and a wave."""
    wanted = {"clothing": ["dress", "tank top"], "colour": ["red"], "action": ["wave"], **asked}
    return {"id": "id000", "prompt": number, "labels": LABELS, "asked": wanted}


def test_a_verdict_on_what_was_asked_and_what_had_to_be_kept() -> None:
    shown = {**LABELS, "clothing": "tank top", "colour": "blue", "glasses": "glasses", "place": "beach"}
    assert attributes.verdict(shown, line()) == {
        "asked": {"clothing": True, "colour": False},
        "kept": {"hair style": True, "hair colour": True, "beard": True, "glasses": False},
        "action": True,
        "in order": None,
    }


def test_two_actions_are_in_order_only_if_both_are() -> None:
    two = line(**{"second action": ["nod"]})
    assert attributes.verdict({"action": "wave", "second action": "nod"}, two)["in order"] is True
    assert attributes.verdict({"action": "wave", "second action": "none"}, two)["in order"] is False
    swapped = attributes.verdict({"action": "nod", "second action": "wave"}, two)
    assert (swapped["action"], swapped["in order"]) == (False, False)


def test_what_was_not_made_is_wrong_in_everything() -> None:
    verdict = attributes.verdict(None, line(**{"second action": ["nod"]}))
    assert not any([*verdict["asked"].values(), *verdict["kept"].values()])
    assert (verdict["action"], verdict["in order"]) == (False, False)


def rows() -> list[dict[str, Any]]:
    """Three made-up verdicts; the last video was not made."""
    kept = dict.fromkeys(attributes.KEPT, True)
    return [
        {"asked": {"colour": True, "place": True}, "kept": kept, "action": True, "in order": None,
         "ssim": 0.9, "drift": 4.0},
        {"asked": {"colour": False}, "kept": kept, "action": True, "in order": True,
         "ssim": 0.8, "drift": 2.0},
        {"asked": {"colour": False}, "kept": dict.fromkeys(attributes.KEPT, False), "action": False,
         "in order": False, "ssim": None, "drift": None},
    ]  # fmt: skip


def faces() -> dict[str, Any]:
    """Two of three people named; the third has no frames."""
    near, far = np.zeros(128), np.ones(128)
    known = [near, far, far * 2]
    return held_out.named(known, {"a": [near, None], "b": [far + 0.1, far], "c": []})


def test_the_summary_counts_every_single_attribute() -> None:
    figures = mini_report.summary(rows(), faces())
    assert figures["top1"] == {"mean": 0.6667, "of": 3}
    assert figures["distance"]["of"] == 2  # the third is seen nowhere
    assert figures["face_frames"] == {"mean": 0.75, "of": 4}
    assert figures["attributes"] == {"mean": round((2 + 4 + 4) / (4 + 12), 4), "of": 16}
    assert figures["action"] == {"mean": 0.6667, "of": 3}
    assert figures["in order"] == {"mean": 0.5, "of": 2}
    assert figures["ssim"] == {"mean": 0.85, "of": 2}
    assert figures["drift"] == {"mean": 3.0, "of": 2}
    assert figures["labels"]["colour"] == {"mean": 0.3333, "of": 3}
    assert figures["labels"]["place"] == {"mean": 1.0, "of": 1}


def test_the_tables_hold_the_figures() -> None:
    order = {"identities": 3, "prompts": 1, "seed": 1, "quality": "draft", "preset": "mini"}
    figures = mini_report.summary(rows(), faces())
    actions = mini_report.by_action([line(), line(), line()], rows())
    text = mini_report.markdown(
        {"order": order, "made": figures, "true": figures, "made actions": actions, "true actions": actions,
         "judge": {"plain": {"heads": {"colour": 0.987}}}, "not made": {"id002/prompt1.mp4": "no face"}}
    )  # fmt: skip
    assert text.startswith("# What mini can do\n") and "--identities 3 --prompts 1 --seed 1" in text
    assert "| dlib names the person among all | .667 | 3 | .667 | .75 |" in text
    assert "| the action asked for | .667 | 3 | .667 | .75 |" in text
    assert "| colour | .333 | 3 | .333 | .987 |" in text
    assert "| wave | .667 | 3 | .667 |" in text
    assert "- id002/prompt1.mp4: no face" in text


def test_similarity_of_pictures_by_the_papers_formula() -> None:
    noise = np.random.default_rng(0).integers(60, 200, (40, 40, 3), dtype=np.uint8)
    assert ssim(noise, noise) == pytest.approx(1)
    dark, light = (np.full((20, 20, 3), v, np.uint8) for v in (50, 150))
    c1 = (0.01 * 255) ** 2
    assert ssim(dark, light) == pytest.approx((2 * 50 * 150 + c1) / (50**2 + 150**2 + c1), abs=1e-6)
    assert ssim(noise, noise[:, ::-1]) < 0.3
    grey = np.repeat(noise[..., :1], 3, 2)
    flat = (128 + (grey.astype(float) - 128) / 2).astype(np.uint8)
    # Half the contrast: 2 * .5 / (1 + .25) of the structure, nearly all of the luminance.
    assert ssim(grey, flat) == pytest.approx(0.8, abs=0.02)


def test_drift_is_of_the_mean_colour() -> None:
    first = np.full((4, 4, 3), 100, np.uint8)
    last = first.copy()
    last[..., 0] += 30
    assert drift([first, last, last]) == pytest.approx(10)
    assert drift([first, last, first]) == 0


def test_a_missing_judge_names_the_command(tmp_path: Path) -> None:
    with pytest.raises(attributes.JudgeMissing, match="train one: python"):
        attributes.load(tmp_path)


def test_a_folder_holds_one_report(tmp_path: Path) -> None:
    mini_report.check_order(tmp_path, {"seed": 1})
    mini_report.check_order(tmp_path, {"seed": 1})
    with pytest.raises(InputError, match="another folder"):
        mini_report.check_order(tmp_path, {"seed": 2})


class FakePipeline:
    """Writes a grey video and keeps a still in the run folder, as the real one does."""

    def __init__(self) -> None:
        self.made: list[str] = []

    def generate(self, request: Any, target: Path, run: Path) -> None:
        from stillmotion.still import Candidate, FirstFrame, save

        if "fail" in request.prompt:
            raise InputError("faces: no face")
        self.made.append(target.name)
        frames = np.full((17, 32, 32, 3), 100, np.uint8)
        save_clip(target, frames)
        (run / "still").mkdir(parents=True)
        save(FirstFrame((Candidate(frames[0], None, 0),), 0), run / "still")


def test_videos_are_made_once_and_measured_against_their_still(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from stillmotion.batch.job import Job

    photo = tmp_path / "photo.png"
    Image.new("RGB", (32, 32)).save(photo)
    items: list[Any] = [
        SimpleNamespace(output=f"id000/prompt{n}.mp4", faces=(str(photo),), prompt=prompt, options={})
        for n, prompt in ((1, "She waves"), (2, "fail"))
    ]
    pipeline = FakePipeline()
    monkeypatch.setattr(mini_report, "_pipeline", lambda *args: pipeline)
    job = Job(tmp_path / "made", seed=1)
    for _ in range(2):
        reasons = [mini_report.make(item, job, tmp_path / "stills") for item in items]
        assert reasons == [None, "faces: no face"]
    assert pipeline.made == ["prompt1.mp4"]
    assert not (tmp_path / "made/.work/id000/prompt1").exists()

    shown = {**LABELS, "clothing": "dress", "colour": "red", "second action": "none"}
    found = mini_report.measure(
        [line(1), line(2)], tmp_path / "made", tmp_path / "stills", lambda frames: shown
    )
    assert found[0]["ssim"] > 0.99
    assert found[0]["drift"] < 1
    assert all(found[0]["asked"].values())
    assert found[1]["ssim"] is None
    assert not any(found[1]["asked"].values())
    json.dumps(found)


def test_making_needs_neither_dlib_nor_the_judge(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "dataset/raw/id000"
    folder.mkdir(parents=True)
    Image.new("RGB", (32, 32)).save(folder / "image.png")
    (folder / "prompt1.txt").write_text("She waves")
    (tmp_path / "dataset/truth.jsonl").write_text(json.dumps(line()) + "\n")
    filmed: list[Any] = []
    monkeypatch.setattr(mini_report, "_pipeline", lambda *args: FakePipeline())
    monkeypatch.setattr(mini_report, "film", lambda lines, out: filmed.append((list(lines), out)))
    monkeypatch.setattr(attributes, "load", None)
    monkeypatch.setitem(sys.modules, "dlib", None)
    assert mini_report.main(["-o", str(tmp_path), "--identities", "1", "--make-only"]) == 0
    assert (tmp_path / "made/id000/prompt1.mp4").is_file() and (
        tmp_path / "stills/id000/prompt1.png"
    ).is_file()
    assert filmed == [([line()], tmp_path / "true")]
    assert not (tmp_path / "figures.json").exists()


def test_a_sheet_shows_pictures_and_five_frames_of_videos(tmp_path: Path) -> None:
    Image.new("RGB", (50, 40), (250, 0, 0)).save(tmp_path / "photo.png")
    frames = np.zeros((9, 32, 32, 3), np.uint8)
    frames[:] = np.linspace(0, 240, 9, dtype=np.uint8)[:, None, None, None]
    save_clip(tmp_path / "video.mp4", frames)
    row = [tmp_path / "photo.png", tmp_path / "video.mp4", tmp_path / "video.mp4"]
    held_out.sheet([row, row, row], tmp_path / "sheet.png", side=16)
    sheet = np.asarray(Image.open(tmp_path / "sheet.png")).astype(int)
    assert sheet.shape == (2 * 16, 2 * 11 * 16, 3)
    middles = sheet[8, 8 : 11 * 16 : 16]
    assert list(middles[0]) == [250, 0, 0]
    assert np.abs(middles[1:, 0] - [0, 60, 120, 180, 240] * 2).max() < 8
    assert np.array_equal(sheet[:16, : 11 * 16], sheet[16:, : 11 * 16])
    assert np.array_equal(sheet[:16, 11 * 16 :], sheet[:16, : 11 * 16])
    assert not sheet[16:, 11 * 16 :].any()
