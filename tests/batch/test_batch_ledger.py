"""The ledger says where an item goes next; the manifest keeps what ended, wherever its last line is cut."""

from __future__ import annotations

from pathlib import Path

import pytest

from stillmotion.batch import manifest
from stillmotion.batch.job import Job, run_of
from stillmotion.batch.layouts import Item
from stillmotion.batch.manifest import Entry, Ledger, Order
from stillmotion.batch.stages import Outcome
from stillmotion.errors import StillmotionError

STAGES = ("identity", "plan", "still", "motion")
DIRECT = ("identity", "plan", "motion")


def order(number: int, stages: tuple[str, ...] = STAGES) -> Order:
    item = Item("id1", f"p{number}", (), "She waves", f"id1/p{number}.mp4", {}, "She waves")
    return Order(item, f"in{number}", "settings", stages)


def ledger(tmp_path: Path, *orders: Order) -> Ledger:
    return Ledger(Job(tmp_path), tmp_path / "manifest.jsonl", orders, attempts=3)


def test_an_item_passes_its_stages_and_ends_with_a_line(tmp_path: Path) -> None:
    book = ledger(tmp_path, order(1), order(2, DIRECT))
    run = run_of(Job(tmp_path), order(1).item)
    run.mkdir(parents=True)
    after: str | None = book.first(book.items[0])
    assert after == "identity" and book.count("still") == (0, 1) and book.count("motion") == (0, 2)
    for stage in STAGES:
        assert after == stage and not (tmp_path / "manifest.jsonl").exists()
        figures = {"output_sha256": "o", "frames_sha256": "f", "seconds": {"still": 2.0}, "seed": 4}
        after = book.report(Outcome("id1/p1.mp4", stage, figures=figures if stage == "motion" else {}))
    assert after is None and not run.exists(), "its run is over"
    (entry,) = manifest.read(tmp_path / "manifest.jsonl")
    assert (entry.status, entry.attempts, entry.input_sha256) == ("done", 1, "in1")
    assert (entry.output_sha256, entry.frames_sha256) == ("o", "f")
    assert entry.seconds == {"still": 2.0} and entry.figures == {"seed": 4}
    assert [item.output for item in book.items] == ["id1/p2.mp4"] and book.count("motion") == (1, 2)
    assert book.report(Outcome("id1/p2.mp4", "plan")) == "motion", "this one has no still"


def test_a_failure_is_tried_again_and_then_set_aside(tmp_path: Path) -> None:
    book = ledger(tmp_path, order(1), order(2))
    run = run_of(Job(tmp_path), order(1).item)
    run.mkdir(parents=True)
    failure = Outcome("id1/p1.mp4", "still", "out of memory", retry=True)
    assert [book.report(failure) for _ in range(3)] == ["still", "still", None]
    assert book.count("still") == (0, 1) and book.count("motion") == (0, 1) and book.count("plan") == (0, 2)
    assert book.report(Outcome("id1/p2.mp4", "identity", "no face", retry=False)) is None
    assert book.report(failure) is None and len(manifest.read(tmp_path / "manifest.jsonl")) == 2
    entries = book.ended.values()
    assert [entry.error for entry in entries] == ["still: out of memory", "identity: no face"]
    assert [entry.attempts for entry in entries] == [3, 1] and book.items == ()
    assert run.is_dir(), "what it has finished is kept for the next try"


def test_wherever_the_last_line_is_cut_the_others_count_and_the_next_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "manifest.jsonl"
    ledger(tmp_path, order(1)).report(Outcome("id1/p1.mp4", "motion", "a\u2028b\x85c \u00fc", retry=False))
    line = path.read_bytes()
    assert len(manifest.read(path)) == 1 and "a\u2028b" in str(manifest.read(path)[0].error)
    for cut in range(len(line)):
        path.write_bytes(line + line.replace(b"p1", b"p9")[:cut])
        ledger(tmp_path, order(2)).report(Outcome("id1/p2.mp4", "motion", "no", retry=False))
        names = [entry.output for entry in manifest.read(path)]
        whole = ["id1/p9.mp4"] if cut == len(line) - 1 else []
        assert names == ["id1/p1.mp4", *whole, "id1/p2.mp4"], cut


def test_finished_means_the_same_item_and_the_same_file(tmp_path: Path) -> None:
    from stillmotion.files import digest

    target = tmp_path / "a.mp4"
    target.write_bytes(b"video")
    values = {"id": "id1", "prompt_id": "p1", "output": "id1/p1.mp4", "attempts": 1}
    values |= {"input_sha256": "in1", "settings_sha256": "settings"}
    done = Entry(**values, status="done", output_sha256=digest(target))  # type: ignore[arg-type]
    failed = done.model_copy(update={"status": "failed"})
    older = done.model_copy(update={"output_sha256": "another"})
    assert manifest.finished(order(1), [older, done, failed, older], target) == done
    for lines in ([failed], [older], [], [done.model_copy(update={"settings_sha256": "x"})]):
        assert manifest.finished(order(1), lines, target) is None
    assert manifest.finished(order(2), [done], target) is None, "another photo or prompt"
    target.write_bytes(b"Video")
    assert manifest.finished(order(1), [done], target) is None
    target.unlink()
    assert manifest.finished(order(1), [done], target) is None


def test_a_manifest_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    (tmp_path / "manifest.jsonl").mkdir()
    with pytest.raises(StillmotionError, match=r"manifest\.jsonl: could not be written"):
        ledger(tmp_path, order(1)).report(Outcome("id1/p1.mp4", "motion", "no", retry=False))
