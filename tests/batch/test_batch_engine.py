"""A data set becomes videos: once each, the same in every order, and a fault stops nobody else."""

from __future__ import annotations

import errno
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import small
from PIL import Image

from stillmotion import still
from stillmotion.batch import locks
from stillmotion.batch.engine import examine, part_of
from stillmotion.batch.job import WORK, request_of, seed_of
from stillmotion.batch.layouts import Dataset
from stillmotion.errors import InputError, MissingWeightsError, StillmotionError
from stillmotion.files import digest
from stillmotion.output import video
from stillmotion.pipeline import Pipeline

pytestmark = pytest.mark.usefixtures("tiny_preset")
OUTPUTS = ["id001/prompt1.mp4", "id001/prompt2.mp4", "id002/prompt1.mp4", "id002/prompt2.mp4"]


@pytest.fixture
def data(data_set: Dataset) -> Dataset:
    return data_set


def test_every_item_becomes_a_video_and_a_line(data: Dataset, straight: dict[str, Any]) -> None:
    out, summary = straight["out"], straight["summary"]
    assert small.files(out) == [*OUTPUTS, "manifest.jsonl"], "and nothing else remains"
    assert (summary.done, summary.failed, summary.skipped) == (4, 0, 0)
    lines = small.lines(out)
    assert [line["output"] for line in lines] == OUTPUTS
    for line, item in zip(lines, data.items, strict=True):
        assert (line["status"], line["attempts"], line["error"]) == ("done", 1, None)
        assert line["output_sha256"] == digest(out / line["output"])
        assert line["frames_sha256"] == straight["frames"][line["output"]]
        assert line["figures"]["seed"] == seed_of(3, item)
        assert line["figures"]["similarity"] == line["figures"]["similarities"][0]
        assert set(line["seconds"]) == {"identity", "plan", "still", "motion"}
    assert len({line["input_sha256"] for line in lines}) == 4 == len(set(straight["frames"].values()))


def test_models_are_loaded_once_and_each_person_is_read_once(straight: dict[str, Any]) -> None:
    counts = straight["counts"]
    assert (counts["still"], counts["motion"], counts["read"]) == (1, 1, 2)
    assert counts["analyzer"] == 2, "one for the photos, one as the judge of the stills"
    assert straight["stills_left"] == [False], "the still's models are gone before the motion's are loaded"


def test_a_batch_makes_what_a_single_command_makes(
    data: Dataset, straight: dict[str, Any], tmp_path: Path
) -> None:
    item = data.items[3]
    request = request_of(small.job(tmp_path), item)
    result = Pipeline("tiny").generate(request, tmp_path / "one.mp4")
    assert result.record.clip and result.record.clip.sha256 == straight["frames"][item.output]


def test_interrupted_anywhere_it_goes_on_and_repeats_nothing(
    data: Dataset, straight: dict[str, Any], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    kept: dict[str, int] = {}
    for stop in (("identity", 1), ("still", 2), ("motion", 1), ("motion", 2)):

        def interrupt(step: str, done: int, total: int, stop: tuple[str, int] = stop) -> None:
            if (step, done) == stop:
                raise KeyboardInterrupt

        try:
            small.make(data, out, progress=interrupt)
        except KeyboardInterrupt:
            done = [line["output"] for line in small.lines(out)] if (out / "manifest.jsonl").exists() else []
            assert len(done) == len(set(done))
            assert kept == small.times(out, list(kept)), "a finished video was made again"
            kept = dict(small.times(out, done))
    summary = small.make(data, out)
    assert kept == small.times(out, list(kept)) and summary.skipped >= len(kept) >= 3
    assert small.frames(out) == straight["frames"] and small.files(out) == small.files(straight["out"])


def test_shards_in_any_order_make_the_same_and_one_manifest(
    data: Dataset, straight: dict[str, Any], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    small.make(data, out, shard=(2, 2))
    assert small.files(out) == [*OUTPUTS[2:], "manifest-2-of-2.jsonl"]
    small.make(data, out, shard=(1, 2))
    assert small.frames(out) == straight["frames"] and small.files(out) == small.files(straight["out"])
    assert [line["output"] for line in small.lines(out)] == OUTPUTS
    again = small.make(data, out, shard=(1, 2))
    assert again.skipped == 2 and small.files(out) == small.files(straight["out"])
    assert small.make(data, out).skipped == 4


def test_what_is_finished_is_known_and_what_changed_is_made_again(
    data: Dataset, straight: dict[str, Any], tmp_path: Path
) -> None:
    out = Path(shutil.copytree(straight["out"], tmp_path / "out"))
    one = Dataset(data.layout, data.root, data.items[:2])
    before = (out / "manifest.jsonl").read_bytes()
    times = dict(small.times(out, OUTPUTS[:2]))
    assert small.make(one, out).skipped == 2
    assert (out / "manifest.jsonl").read_bytes() == before and times == small.times(out, OUTPUTS[:2])

    (out / OUTPUTS[0]).unlink()
    content = bytearray((out / OUTPUTS[1]).read_bytes())
    content[-3] ^= 1
    (out / OUTPUTS[1]).write_bytes(content)
    assert small.make(one, out).done == 2, "one deleted, one with a flipped bit"
    assert small.frames(out) == straight["frames"]
    assert [line["output"] for line in small.lines(out)] == OUTPUTS, "lines of items not asked for stay"

    (out / OUTPUTS[1]).write_bytes(b"cut off")
    summary = small.make(small.replaced(one, 0, prompt="A woman in a green coat waves"), out)
    assert (summary.done, summary.skipped) == (2, 0)
    assert (out / f"{OUTPUTS[1]}.damaged").read_bytes() == b"cut off"
    frames = small.frames(out)
    assert frames[OUTPUTS[0]] != straight["frames"][OUTPUTS[0]]
    assert frames[OUTPUTS[1]] == straight["frames"][OUTPUTS[1]]


def test_a_file_of_the_users_is_never_overwritten(data: Dataset, tmp_path: Path) -> None:
    out = tmp_path / "out"
    (out / "id002").mkdir(parents=True)
    (out / OUTPUTS[3]).write_bytes(b"holiday")
    with pytest.raises(InputError, match=r"id002/prompt2\.mp4: exists and was not made by stillmotion"):
        small.make(data, out)
    assert small.files(out) == [OUTPUTS[3]] and (out / OUTPUTS[3]).read_bytes() == b"holiday"
    assert not (out / WORK).exists()
    (out / "id001").symlink_to(tmp_path)
    with pytest.raises(InputError, match=r"id001: leads out of"):
        small.make(data, out)


def test_an_item_that_fails_is_set_aside_and_the_rest_goes_on(
    data: Dataset, straight: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nobody = tmp_path / "nobody.png"
    Image.fromarray(np.full((90, 90, 3), (40, 60, 120), np.uint8)).save(nobody)
    broken = small.replaced(data, 2, faces=(nobody,))
    falls, made = {"black": 3, "red": 1}, still.make

    def fail(spatial: str, *arguments: Any, **options: Any) -> Any:
        for word, left in falls.items():
            if word in spatial and left:
                falls[word] -= 1
                raise MemoryError if word == "black" else RuntimeError("a cosmic\nray")
        return made(spatial, *arguments, **options)

    monkeypatch.setattr(still, "make", fail, raising=False)
    out = tmp_path / "out"
    prompts = {1: "A woman in a black coat nods", 3: "A woman in a blue coat turns left"}
    for number, prompt in prompts.items():
        broken = small.replaced(broken, number, prompt=prompt)
    summary = small.make(broken, out)
    assert (summary.done, summary.failed) == (2, 2)
    by_output = {line["output"]: line for line in small.lines(out)}
    assert list(by_output) == OUTPUTS, "in the dataset's order, the failed ones too"
    flaky, poison, faceless, fine = (by_output[name] for name in OUTPUTS)
    assert (flaky["status"], flaky["attempts"]) == ("done", 2)
    assert (poison["status"], poison["attempts"]) == ("failed", 3) and "out of memory" in poison["error"]
    assert (faceless["status"], faceless["attempts"]) == ("failed", 1), "no retry where the photo is wrong"
    assert "nobody.png" in faceless["error"] and fine["status"] == "done"
    assert small.frames(out)[OUTPUTS[0]] == straight["frames"][OUTPUTS[0]], "a retry makes the same frames"
    assert sorted(small.frames(out)) == [OUTPUTS[0], OUTPUTS[3]]

    again = small.make(broken, out)
    assert (again.done, again.failed, again.skipped) == (1, 1, 2), "the next command tries them anew"


def test_a_full_disk_stops_with_one_line_and_loses_nothing(
    data: Dataset, straight: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, encode = tmp_path / "out", video._encode

    def full(clip: Any, record: Any, path: Path) -> None:
        if "prompt2" in path.name:
            path.write_bytes(b"half")
            raise OSError(errno.ENOSPC, "No space left on device", str(path))
        encode(clip, record, path)

    monkeypatch.setattr(video, "_encode", full)
    one = Dataset(data.layout, data.root, data.items[:2])
    with pytest.raises(StillmotionError, match="No space left on device; make room") as caught:
        small.make(one, out)
    assert "\n" not in str(caught.value) and not isinstance(caught.value, InputError)
    assert list(small.frames(out)) == OUTPUTS[:1]
    monkeypatch.setattr(video, "_encode", encode)
    for path in (out / WORK / "id001" / "prompt2" / "motion").iterdir():
        path.write_bytes(path.read_bytes()[:50])  # and what was finished is damaged
    assert small.make(one, out).skipped == 1
    assert small.lines(out)[1]["attempts"] == 2
    assert small.frames(out) == {name: straight["frames"][name] for name in OUTPUTS[:2]}


def test_what_is_wrong_is_said_before_anything_is_written(
    data: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, file = tmp_path / "out", tmp_path / "file"
    file.write_text("")
    wrong: list[tuple[Dataset, Path, dict[str, Any], str]] = [
        (data, tmp_path / "none" / "out", {}, "there is no folder .*none; create it first"),
        (data, file, {}, "is a file; name a folder"),
        (data, out, {"engine": "sun"}, "engine: 'sun' is unknown"),
        (data, out, {"shard": (3, 2)}, "shard: 3/2 is none"),
        (data, out, {"limit": 0}, "limit: 0"),
        (small.replaced(data, 1, options={"width": 72}), out, {}, r"id001/prompt2\.mp4: width: 72 is not"),
        (small.replaced(data, 1, options={"preset": "mini"}), out, {}, "preset: 'mini' is not the batch's"),
        (small.replaced(data, 1, faces=()), out, {}, "faces: give at least one photo"),
        (small.replaced(data, 1, faces=(tmp_path / "gone.png",)), out, {}, r"gone\.png: there is no such"),
        (small.replaced(data, 1, output="id001/prompt1/x.mp4"), out, {}, "folder named like another video"),
    ]
    for dataset, folder, options, words in wrong:
        with pytest.raises(InputError, match=words):
            small.make(dataset, folder, **options)
        assert not out.exists() and sorted(p.name for p in tmp_path.iterdir()) == ["file"]
    monkeypatch.setenv("STILLMOTION_HOME", str(tmp_path / "empty"))
    with pytest.raises(MissingWeightsError, match="stillmotion download tiny"):
        small.make(data, out)
    assert not out.exists()


def test_two_commands_do_not_collide_and_shards_stand_each_other(data: Dataset, tmp_path: Path) -> None:
    work = tmp_path / WORK
    work.mkdir()
    locks.PATIENCE, patience = 0.0, locks.PATIENCE
    try:
        for held, refused, allowed in (
            ((1, 1), [(1, 1), (1, 2)], []),
            ((1, 2), [(1, 1), (1, 2), (1, 3)], [(2, 2)]),
        ):
            with locks.claim(work, held):
                for shard in refused:
                    with pytest.raises(StillmotionError, match="another batch works in it"):
                        locks.claim(work, shard).__enter__()
                for shard in allowed:
                    with locks.claim(work, shard), locks.alone(work) as free:
                        assert not free
            with locks.alone(work) as free:
                assert free
    finally:
        locks.PATIENCE = patience


def test_parts_are_all_and_the_seed_is_the_items_own(data: Dataset, tmp_path: Path) -> None:
    for count in (1, 2, 3, 4, 7):
        parts = [part_of(data.items, (number, count), None) for number in range(1, count + 1)]
        assert [item for part in parts for item in part] == list(data.items)
        assert max(map(len, parts)) - min(map(len, parts)) <= 1
    assert part_of(data.items, (2, 2), 1) == (data.items[2],)
    seeds = [seed_of(3, item) for item in data.items]
    assert len(set(seeds)) == 4 and seeds != [seed_of(4, item) for item in data.items]
    assert seeds[0] == 0x109253E3, "this number may never change: published batches were made with it"
    own = small.replaced(data, 0, options={"seed": 5, "motion_steps": 7})
    request = request_of(small.job(tmp_path), own.items[0])
    assert (request.seed, request.motion_steps, request.quality) == (5, 7, "draft")
    assert examine(own, small.job(tmp_path, options={"mode": "r2v"}), own.items)[0].stages == (
        "identity",
        "plan",
        "motion",
    )
    hashes = [examine(each, small.job(tmp_path), each.items)[0] for each in (data, own)]
    assert hashes[0].input_sha256 == hashes[1].input_sha256
    assert hashes[0].settings_sha256 != hashes[1].settings_sha256
