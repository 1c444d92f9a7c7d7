"""The five steps end to end on random weights: same request, same frames; nothing finished is done twice."""

from __future__ import annotations

import gc
import json
import os
import signal
import subprocess
import sys
import time
import weakref
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny

from stillmotion import motion, presets, still
from stillmotion.errors import InputError, MissingWeightsError, OutOfMemoryError
from stillmotion.identity.types import Face
from stillmotion.output import Result, read_record
from stillmotion.output.replay import again
from stillmotion.pipeline import Pipeline
from stillmotion.progress import silent
from stillmotion.request import Request
from stillmotion.runs import beside

pytestmark = pytest.mark.usefixtures("tiny_preset")
PROMPT = "A woman in a red coat waves on a beach"


class Steps:
    """A progress that notes which steps were made, and can interrupt at the n-th call."""

    def __init__(self, interrupt_at: int = -1) -> None:
        self.calls, self.interrupt_at = 0, interrupt_at
        self.labels: list[str] = []

    def __call__(self, step: str, done: int, total: int) -> None:
        self.calls += 1
        self.labels += [step] if step not in self.labels else []
        if self.calls == self.interrupt_at:
            raise KeyboardInterrupt

    @property
    def made(self) -> list[str]:
        names = ("identity", "prompts", "still", "motion")
        return [name for name in names if name in self.labels]


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    return tiny.write_photo(tmp_path / "a.png")


def ask(photo: Path, **changes: Any) -> Request:
    values: dict[str, Any] = {"faces": (photo,), "prompt": PROMPT, "preset": "tiny", "seed": 7}
    return Request(**(values | changes))


def generate(request: Request, output: Path, run: Path | None = None, **options: Any) -> tuple[Result, Steps]:
    steps = Steps()
    return Pipeline("tiny").generate(request, output, run, steps, **options), steps


def frames_of(result: Result) -> str:
    assert result.record.clip
    return result.record.clip.sha256


def test_a_photo_and_a_sentence_become_a_video(photo: Path) -> None:
    output = photo.with_name("a.mp4")
    result, steps = generate(ask(photo), output)
    assert steps.made == ["identity", "prompts", "still", "motion"]
    assert sorted(os.listdir(photo.parent)) == ["a.mp4", "a.png"], "the run's folder is gone"
    record = read_record(output)
    assert record == result.record and record.clip and record.still
    assert (record.clip.frames, record.clip.width, record.clip.height, record.clip.fps) == (9, 64, 64, 8)
    assert len(record.still.seeds) == 2 and record.still.chosen == int(np.argmax(record.still.similarities))
    assert "red coat" in record.plan.spatial and "waves" in record.plan.temporal
    assert record.plan.subject == "A woman" and not record.edited


def test_same_request_same_bytes_and_another_seed_another_video(photo: Path) -> None:
    results = [
        generate(ask(photo, seed=seed), photo.with_name(f"{number}.mp4"))[0]
        for number, seed in enumerate((7, 7, 8))
    ]
    bytes_ = [result.path.read_bytes() for result in results]
    assert bytes_[0] == bytes_[1]
    assert frames_of(results[0]) != frames_of(results[2])


def test_interrupted_anywhere_the_same_command_goes_on_and_ends_the_same(photo: Path) -> None:
    """Any progress call may be the last; the request has no seed, so the drawn one has to survive."""
    output, request = photo.with_name("a.mp4"), ask(photo, seed=None)
    moment, finished, seeds = 0, None, set()
    while finished is None:
        moment += 3
        steps = Steps(interrupt_at=moment)
        before = {path: path.stat().st_mtime_ns for path in beside(output).glob("done/*.json")}
        try:
            finished = Pipeline("tiny").generate(request, output, progress=steps)
        except KeyboardInterrupt:
            assert not output.exists()
            seeds.add(json.loads((beside(output) / "request.json").read_text())["settings"]["seed"])
            for path, made in before.items():
                if ".parts" not in path.name:
                    assert path.stat().st_mtime_ns == made, f"{path.name} was finished and made again"
            moment = 0 if len(seeds) > 1 else moment
    assert len(seeds) == 1 and seeds == {finished.record.settings.seed}
    straight, _ = generate(ask(photo, seed=seeds.pop()), photo.with_name("b.mp4"))
    assert frames_of(straight) == frames_of(finished)


def test_candidates_and_segments_of_an_unfinished_step_are_kept(photo: Path) -> None:
    output, request = photo.with_name("a.mp4"), ask(photo, prompt="0-1s: she waves; 1-2s: she turns")
    for stop in ("still: candidate 2 of 2", "motion: part 2"):

        def interrupt(step: str, done: int, total: int, stop: str = stop) -> None:
            if step.startswith(stop):
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            Pipeline("tiny").generate(request, output, progress=interrupt)
    result, steps = generate(request, output)
    assert "identity: finished before" in steps.labels and "still: finished before" in steps.labels
    assert not any(label.startswith("motion: part 1") for label in steps.labels)
    straight, _ = generate(request, photo.with_name("b.mp4"))
    assert frames_of(straight) == frames_of(result)


def test_a_change_redoes_exactly_what_depends_on_it(photo: Path) -> None:
    run, output = photo.with_name("run"), photo.with_name("a.mp4")
    other = tiny.write_photo(photo.with_name("b.png"), tint=60)
    everything = ["identity", "prompts", "still", "motion"]
    changes: list[tuple[dict[str, Any], list[str]]] = [
        ({}, everything),
        ({}, []),
        ({"motion_steps": 1}, ["motion"]),
        ({"motion_steps": 1, "seed": 8}, ["still", "motion"]),
        ({"motion_steps": 1, "seed": 8, "prompt": "She turns left"}, ["prompts", "still", "motion"]),
        (
            {"motion_steps": 1, "seed": 8, "prompt": "She turns left", "faces": (other,)},
            ["identity", "still", "motion"],
        ),
        ({"motion_steps": 1, "seed": 8, "prompt": "She turns left", "faces": (other,)}, []),
    ]
    for change, expected in changes:
        _, steps = generate(ask(photo, **change), output, run)
        assert steps.made == expected, change


def test_an_edited_plan_is_honoured(photo: Path) -> None:
    run, output = photo.with_name("run"), photo.with_name("a.mp4")
    first, _ = generate(ask(photo), output, run)
    plan = json.loads((run / "plan.json").read_text())
    edits = (("temporal", "A woman nods.", ["motion"]), ("spatial", "a woman, blue hat", ["still", "motion"]))
    for field, text, redone in edits:
        plan[field] = text
        (run / "plan.json").write_text(json.dumps(plan))
        result, steps = generate(ask(photo), output, run)
        assert steps.made == redone
        assert getattr(result.record.plan, field) == text and result.record.edited == ("plan.json",)
        assert any("edited" in note for note in result.notes)
        assert frames_of(result) != frames_of(first)
    (run / "plan.json").write_text('{"subject": "A woman"')
    with pytest.raises(InputError, match=r"plan\.json: "):
        generate(ask(photo), output, run)


def test_another_candidate_may_be_chosen_by_hand(photo: Path) -> None:
    run, output = photo.with_name("run"), photo.with_name("a.mp4")
    before, _ = generate(ask(photo), output, run)
    (index,) = (run / "still").glob("*.json")
    content = json.loads(index.read_text())
    content["chosen"] = 1 - content["chosen"]
    index.write_text(json.dumps(content))
    result, steps = generate(ask(photo), output, run)
    assert steps.made == ["motion"] and result.record.edited == ("still",)
    assert result.record.still and before.record.still
    assert result.record.still.chosen == 1 - before.record.still.chosen


def test_what_the_video_model_cannot_do_is_said_before_any_work(photo: Path) -> None:
    cases: list[tuple[dict[str, Any], str, list[str]]] = [
        ({"width": 72}, "width: 72 is not a multiple of 16", []),
        (
            {"prompt": "0-0.2s: she waves; 0.2-2s: she turns"},
            "shorter than 4 frames",
            ["identity", "prompts"],
        ),
    ]
    for change, message, made in cases:
        steps = Steps()
        with pytest.raises(InputError, match=message):
            Pipeline("tiny").generate(ask(photo, **change), photo.with_name("a.mp4"), progress=steps)
        assert steps.made == made, "money was spent before the error"
        assert sorted(os.listdir(photo.parent)) == ["a.png"]


def test_r2v_makes_no_still_and_raw_changes_no_words(photo: Path) -> None:
    result, steps = generate(ask(photo, mode="r2v"), photo.with_name("a.mp4"))
    assert steps.made == ["identity", "prompts", "motion"] and result.record.still is None
    result, _ = generate(ask(photo, prompts="raw"), photo.with_name("b.mp4"))
    assert result.record.plan.temporal == PROMPT and result.record.plan.spatial.endswith(PROMPT)


def test_several_photos_of_one_person(photo: Path) -> None:
    second = tiny.write_photo(photo.with_name("b.png"), tint=5)
    one, _ = generate(ask(photo), photo.with_name("a.mp4"))
    both, _ = generate(ask(photo, faces=(photo, second)), photo.with_name("b.mp4"))
    assert len(both.record.photos) == 2 and frames_of(one) != frames_of(both)


def test_the_steps_one_by_one_make_the_same_video(photo: Path) -> None:
    whole, _ = generate(ask(photo), photo.with_name("a.mp4"))
    pipeline = Pipeline("tiny")
    plan = pipeline.plan(ask(photo))
    assert plan == whole.record.plan
    first = pipeline.still(ask(photo), photo.with_name("first.png"), plan=plan)
    assert sorted(os.listdir(photo.parent)) == ["a.mp4", "a.png", "first-1.png", "first-2.png", "first.png"]
    clip = pipeline.animate(ask(photo), photo.with_name("first.png"), plan=plan)
    video, steps = generate(
        ask(photo), photo.with_name("b.mp4"), plan=plan, image=photo.with_name("first.png")
    )
    assert steps.made == ["identity", "prompts", "motion"]
    assert first.similarity == whole.record.still.similarity if whole.record.still else False
    assert frames_of(video) == frames_of(whole)
    assert clip.frames.shape == (9, 64, 64, 3)
    assert video.record.image and video.record.still is None


def test_a_first_frame_of_ones_own_needs_no_photo(photo: Path) -> None:
    result, _ = generate(ask(photo, faces=()), photo.with_name("a.mp4"), image=photo)
    assert result.record.photos == () and result.record.plan.subject in ("A woman", "A person")


def test_where_the_photo_does_not_tell_the_prompts_word_names_the_person(
    photo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from stillmotion import identity

    seen = identity.read

    def said(subject: str, prompt: str) -> str:
        monkeypatch.setattr(identity, "read", lambda *a: replace(seen(*a), subject=subject))
        return Pipeline("tiny").plan(ask(photo, prompt=prompt)).subject

    assert said("A person", "A man nods") == "A man"
    assert said("A person", "Somebody nods") == "A person"
    assert said("A man", "A woman nods") == "A man"


def test_a_replay_makes_the_same_frames(photo: Path) -> None:
    result, _ = generate(
        ask(photo, seed=None, prompt="0-1s: she waves; 1-2s: she nods"), photo.with_name("a.mp4")
    )
    request, plan, image = again(photo.with_name("a.mp4"), {})
    repeated, _ = generate(request, photo.with_name("b.mp4"), plan=plan, image=image)
    assert frames_of(repeated) == frames_of(result)


def test_the_stills_models_are_gone_before_the_motions_are_loaded(
    photo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded: list[weakref.ref[Any]] = []
    alive: list[bool] = []
    load_still, load_motion = still.load, motion.load

    def spy_still(*arguments: Any) -> Any:
        models = load_still(*arguments)
        loaded.append(weakref.ref(models))
        return models

    def spy_motion(*arguments: Any) -> Any:
        alive.append(loaded[0]() is not None)
        return load_motion(*arguments)

    monkeypatch.setattr(still, "load", spy_still, raising=False)
    monkeypatch.setattr(motion, "load", spy_motion, raising=False)
    generate(ask(photo), photo.with_name("a.mp4"))
    gc.collect()
    assert alive == [False]


def test_running_out_of_memory_names_the_way_out(photo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> Any:
        raise MemoryError

    monkeypatch.setattr(motion, "animate", full, raising=False)
    with pytest.raises(OutOfMemoryError, match="--num-frames"):
        generate(ask(photo), photo.with_name("a.mp4"))
    assert beside(photo.with_name("a.mp4")).exists(), "the still is not lost"


def test_what_can_be_known_before_is_said_before(photo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    output = photo.with_name("a.mp4")
    wrong: list[tuple[Request, dict[str, Any], str]] = [
        (ask(photo, faces=()), {}, "faces: give at least one photo"),
        (ask(photo, preset="mini"), {}, "preset: the request names 'mini', the pipeline 'tiny'"),
        (ask(photo, mode="r2v"), {"image": photo}, "mode: 'r2v' takes no first frame"),
        (ask(photo, width=72), {}, "width: 72"),
        (ask(photo.with_name("none.png")), {}, "there is no such file"),
        (ask(photo.parent), {}, "is a folder"),
        (ask(Path("/dev/zero")), {}, "not an ordinary file"),
    ]
    for request, options, words in wrong:
        with pytest.raises(InputError, match=words):
            generate(request, output, **options)
    monkeypatch.setenv("STILLMOTION_HOME", str(photo.parent / "empty"))
    with pytest.raises(MissingWeightsError, match="stillmotion download tiny"):
        generate(ask(photo), output)
    assert os.listdir(photo.parent) == ["a.png"]


def test_a_photo_of_nobody_leaves_nothing_behind(photo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody(self: Any, image: Any) -> list[Face]:
        return []

    monkeypatch.setattr(tiny.WarmAnalyzer, "faces", nobody)
    for run in (None, photo.with_name("run")):
        with pytest.raises(InputError, match=r"a\.png"):
            Pipeline("tiny").generate(ask(photo), photo.with_name("a.mp4"), run, silent)
        assert os.listdir(photo.parent) == ["a.png"]


def test_devices(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert Pipeline("tiny").device == "cpu" and Pipeline("paper", "cpu").device == "cpu"
    for preset, device, words in (
        ("tiny", "cuda", "no CUDA"),
        ("paper", None, "needs a CUDA"),
        ("tiny", "tpu", "unknown"),
    ):
        with pytest.raises(InputError, match=words):
            Pipeline(preset, device)


def test_killed_at_several_moments_the_same_command_finishes(photo: Path, tiny_home: Path) -> None:
    """SIGKILL between two candidates, in the motion, and before the file is written; then once more."""
    output, log = photo.with_name("a.mp4"), photo.with_name("log")
    command = [sys.executable, tiny.__file__, "generate", "--preset", "tiny", "--face", str(photo)]
    command += ["--prompt", PROMPT, "-o", str(output)]
    environment = os.environ | {"STILLMOTION_HOME": str(tiny_home), "OMP_NUM_THREADS": "2"}
    done = beside(output) / "done"
    moments = (done / "still.parts.0.json", done / "still.json", done / "motion.json")
    seeds = set()
    for moment in moments:
        with log.open("w") as stderr:
            process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=stderr, env=environment)
            while not moment.exists():
                assert process.poll() is None, log.read_text()
                time.sleep(0.002)
            process.send_signal(signal.SIGKILL)
            process.wait()
        if process.returncode != 0:
            seeds.add(json.loads((beside(output) / "request.json").read_text())["settings"]["seed"])
    last = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert last.returncode == 0, last.stderr
    assert "motion: finished before" in last.stderr
    log.unlink()
    record = read_record(output)
    assert seeds == {record.settings.seed}
    assert sorted(os.listdir(photo.parent)) == ["a.mp4", "a.png"]
    straight, _ = generate(ask(photo, seed=record.settings.seed), photo.with_name("b.mp4"))
    assert record.clip and record.clip.sha256 == frames_of(straight)


def test_a_preset_with_a_vocabulary_reads_the_plan_and_says_so(
    photo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = photo.with_name("run")
    prompt = "A woman in a crimson gown grins in the woodland"
    plain, _ = generate(ask(photo, prompt=prompt), photo.with_name("a.mp4"), run)
    assert plain.record.readings == ()
    taught = replace(presets.PRESETS["tiny"], vocabulary="mini")
    monkeypatch.setitem(presets.PRESETS, "tiny", taught)
    result, steps = generate(ask(photo, prompt=prompt), photo.with_name("a.mp4"), run)
    assert steps.labels.count("prompts: finished before"), "the plan is the same"
    assert "still" in steps.labels and "motion" in steps.labels, (
        "what was told before is not what is told now"
    )
    record = read_record(result.path)
    assert record.plan == plain.record.plan and "woodland" in record.plan.temporal
    assert ("crimson gown", "red dress") in [(each.said, each.read) for each in record.readings]
    assert any('read "crimson gown" as "red dress"' in note for note in result.notes)
    again_, steps = generate(ask(photo, prompt=prompt), photo.with_name("b.mp4"), run)
    assert not steps.made and again_.record.readings == record.readings


def test_what_happens_in_turn_is_told_part_by_part_where_the_preset_asks_for_it(
    photo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[tuple[str, ...]] = []
    animate = motion.animate

    def spy(first: Any, plan: Any, *arguments: Any) -> Any:
        told.append(tuple(segment.text for segment in plan.segments) or (plan.temporal,))
        return animate(first, plan, *arguments)

    monkeypatch.setattr(motion, "animate", spy)
    run = photo.with_name("run")
    request = ask(photo, prompt="A woman on a beach grins, then nods", num_frames=17)
    whole, _ = generate(request, photo.with_name("a.mp4"), run)
    plain = presets.PRESETS["tiny"]
    in_parts = replace(plain.motion, deed_frames=presets.MINI.motion.deed_frames)
    monkeypatch.setitem(presets.PRESETS, "tiny", replace(plain, motion=in_parts, vocabulary="mini"))
    parts, _ = generate(request, photo.with_name("b.mp4"), run)
    assert told == [
        ("A woman on a beach grins, then nods.",),
        ("A woman on a beach smiles.", "A woman nods."),  # read in mini's words too
    ]
    assert whole.record.plan == parts.record.plan and not parts.record.plan.segments, "the user's plan stays"
    assert whole.record.clip and parts.record.clip
    assert whole.record.clip.frames == parts.record.clip.frames == 17
    again_, steps = generate(request, photo.with_name("c.mp4"), run)
    assert "motion" not in steps.made and frames_of(again_) == frames_of(parts)


@pytest.mark.parametrize(
    ("kept", "same", "told"),
    [(1.01, -1.0, True), (-1.0, 1.01, False), (None, 1.01, True), (None, -1.0, False), (0.0, 1.01, False)],
)
def test_a_preset_says_from_which_similarity_on_a_face_is_kept(
    photo: Path, monkeypatch: pytest.MonkeyPatch, kept: float | None, same: float, told: bool
) -> None:
    """Where it does not, the judge's own threshold holds."""
    monkeypatch.setattr(tiny.WarmAnalyzer, "same_person", same)
    plain = presets.PRESETS["tiny"]
    strict = replace(plain, still=replace(plain.still, kept_similarity=kept))
    monkeypatch.setitem(presets.PRESETS, "tiny", strict)
    result, _ = generate(ask(photo), photo.with_name("a.mp4"))
    assert any("does not keep the face" in note for note in result.notes) == told
