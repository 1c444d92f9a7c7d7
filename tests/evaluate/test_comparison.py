"""Pairs, differences, intervals: known answers, an independent computation, every way to be left out."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from stillmotion.cli import run
from stillmotion.errors import InputError
from stillmotion.evaluate.comparison import Comparison, compare, load
from stillmotion.evaluate.tables import to_json
from stillmotion.evaluate.types import Counts, Evaluation, Interval, VideoResult

WAY = {"facesim_arc": "one way", "fid_consisid": "one way", "dynamic_degree": "one way"}


def made(figures: dict[str, list[float]], **changes: object) -> Evaluation:
    """An evaluation with ``figures`` of each metric for the items 1, 2, ..."""
    count = len(next(iter(figures.values())))
    videos = tuple(
        VideoResult(
            id=str(i + 1),
            prompt_id="1",
            file=f"{i + 1}.mp4",
            judged_frames=16,
            face_frames=16,
            prompt=f"prompt {i}",
            metrics={metric: values[i] for metric, values in figures.items()},
        )
        for i in range(count)
    )
    # compare() reads which metrics a summary has, never its figures
    summary = {metric: Interval(mean=0, low=0, high=0, n=count) for metric in figures}
    counts = Counts(videos=count, failed=0, without_face=0)
    whole = Evaluation(videos=videos, summary=summary, protocol=WAY, counts=counts)
    return whole.model_copy(update=changes)


def changed(evaluation: Evaluation, place: int, **changes: object) -> Evaluation:
    """The same with one video changed."""
    videos = list(evaluation.videos)
    videos[place] = videos[place].model_copy(update=changes)
    return evaluation.model_copy(update={"videos": tuple(videos)})


def test_a_constant_gain_has_a_certain_answer() -> None:
    values = [0.1, 0.5, 0.25, 0.75, 0.375, 0.625]
    paired = compare(made({"facesim_arc": values}), made({"facesim_arc": [v + 0.125 for v in values]}))
    found = paired.metrics["facesim_arc"]
    assert (found.difference.mean, found.difference.n) == (pytest.approx(0.125), 6)
    assert found.difference.low == pytest.approx(0.125) and found.difference.high == pytest.approx(0.125)
    assert (found.wins_a, found.ties, found.wins_b, found.verdict) == (0, 0, 1, "b")
    assert found.mean_a == pytest.approx(np.mean(values)) and found.left_out == 0


def test_the_interval_agrees_with_numpy_and_with_the_normal_approximation() -> None:
    random = np.random.default_rng(7)
    a = random.normal(0.5, 0.1, 150)
    b = a + random.normal(0.02, 0.05, 150)
    found = compare(made({"facesim_arc": list(a)}), made({"facesim_arc": list(b)})).metrics["facesim_arc"]
    difference = b - a
    # weights of a multinomial draw are resampling with replacement, by another road than indices
    weights = np.random.default_rng(99).multinomial(150, np.full(150, 1 / 150), 20_000)
    low, high = np.quantile(weights @ difference / 150, (0.025, 0.975))
    error = difference.std(ddof=1) / np.sqrt(150)
    assert found.difference.mean == pytest.approx(difference.mean(), abs=1e-12)
    assert abs(found.difference.low - low) < 0.15 * error and abs(found.difference.high - high) < 0.15 * error
    normal = difference.mean() + 1.96 * error * np.array([-1, 1])
    assert np.allclose((found.difference.low, found.difference.high), normal, atol=0.2 * error)
    assert found.wins_b == pytest.approx((b > a).mean()) and found.wins_a == pytest.approx((b < a).mean())


def test_pairing_sees_what_the_two_means_alone_do_not() -> None:
    """People differ by far more than the methods do: unpaired, this gain drowns."""
    people = np.linspace(0, 1, 40)
    noise = np.random.default_rng(3).normal(0, 0.004, 40)
    found = compare(
        made({"facesim_arc": list(people)}), made({"facesim_arc": list(people + 0.01 + noise)})
    ).metrics["facesim_arc"]
    assert 0 < found.difference.low < 0.01 < found.difference.high < 0.013 and found.verdict == "b"


def test_the_same_twice_is_the_same_and_swapping_mirrors_it() -> None:
    random = np.random.default_rng(1)
    a, b = (made({"facesim_arc": list(random.random(30))}) for _ in range(2))
    assert compare(a, b) == compare(a, b)
    one, other = compare(a, b).metrics["facesim_arc"], compare(b, a).metrics["facesim_arc"]
    assert one.difference.mean == pytest.approx(-other.difference.mean) and one.wins_a == other.wins_b
    itself = compare(a, a).metrics["facesim_arc"]
    assert itself.difference == Interval(mean=0, low=0, high=0, n=30)
    assert (itself.ties, itself.verdict) == (1, "open")


def test_lower_is_better_where_it_is() -> None:
    paired = compare(made({"fid_consisid": [200.0] * 6}), made({"fid_consisid": [150.0] * 5 + [200.0]}))
    found = paired.metrics["fid_consisid"]
    assert found.difference.mean == pytest.approx(-250 / 6) and found.difference.high < 0
    assert (found.wins_b, found.wins_a, found.verdict) == (pytest.approx(5 / 6), 0, "b")


def test_five_pairs_prove_nothing() -> None:
    a, b = made({"facesim_arc": [0.1] * 5}), made({"facesim_arc": [0.9] * 5})
    assert compare(a, b).metrics["facesim_arc"].verdict == "open"


def left_out(comparison: Comparison) -> set[tuple[str, str, tuple[str, ...]]]:
    return {(item.id, item.reason, item.metrics) for item in comparison.left_out}


def test_what_has_no_partner_is_named_and_never_filled_in() -> None:
    figures = {"facesim_arc": [0.5] * 8, "fid_consisid": [100.0] * 8}
    a, b = made(figures), made(figures)
    a = changed(a, 0, id="only-a")
    b = changed(changed(b, 1, prompt="another"), 2, metrics={}, error="2.mp4: there is no such video")
    a = changed(a, 3, face_frames=0, metrics={"facesim_arc": 0.0, "fid_consisid": 0.0})
    b = changed(b, 4, metrics={"fid_consisid": 90.0})
    found = compare(a, b, ("old", "new"))
    assert left_out(found) == {
        ("only-a", "only in old", ()),
        ("1", "only in new", ()),
        ("2", "two different prompts", ()),
        ("3", "failed in new: 2.mp4: there is no such video", ()),
        ("4", "no face in old", ("fid_consisid",)),
        ("5", "no figure in new", ("facesim_arc",)),
    }
    arc, fid = found.metrics["facesim_arc"], found.metrics["fid_consisid"]
    assert (arc.difference.n, fid.difference.n, arc.left_out, fid.left_out) == (4, 4, 5, 5)
    # FaceSim 0 of the video without a face counts; its FID of 0, the best there is, does not
    assert arc.difference.mean == pytest.approx(0.5 / 4) and fid.difference.mean == pytest.approx(-10 / 4)


def test_a_metric_of_one_side_or_of_two_recipes_is_not_compared() -> None:
    figures = {"facesim_arc": [0.5] * 6, "dynamic_degree": [1.0] * 6}
    a = made(figures | {"fid_consisid": [100.0] * 6}, protocol=WAY | {"dynamic_degree": "another way"})
    b = made(figures, not_computed={"fid_consisid": "weights absent"})
    found = compare(a, b)
    assert list(found.metrics) == ["facesim_arc"]
    assert found.not_compared["fid_consisid"] == "not computed in B: weights absent"
    assert found.not_compared["dynamic_degree"].startswith("computed in two different ways")


def test_nothing_in_common_is_an_error() -> None:
    a = made({"facesim_arc": [0.5] * 2})
    b = changed(changed(a, 0, prompt="x"), 1, id="7")
    with pytest.raises(InputError, match=r"no item .* in common"):
        compare(a, b)


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    monkeypatch.chdir(tmp_path)
    values = list(np.linspace(0.2, 0.8, 10))
    (tmp_path / "b").mkdir()
    a, b = tmp_path / "a.json", tmp_path / "b" / "evaluation.json"
    a.write_text(to_json(made({"facesim_arc": values})))
    b.write_text(to_json(made({"facesim_arc": [v + 0.1 for v in values]})))
    return a, b


def test_the_command_prints_a_table_or_one_object(
    files: tuple[Path, Path], capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run(["compare", "a.json", "b", "--json"]) == 0
    out, err = capfd.readouterr()
    found = json.loads(out)
    assert err == "" and (found["name_a"], found["name_b"]) == ("a", "b")
    assert Comparison.model_validate(found) == compare(load(files[0]), load(files[1]), ("a", "b"))
    assert run(["compare", "a.json", "b/evaluation.json", "--names", "R2V, T2I + I2V"]) == 0
    head, row = capfd.readouterr().out.splitlines()
    assert head.split("  ")[0] == "metric" and "wins T2I + I2V" in head
    assert "+0.100 [+0.100, +0.100]" in row and row.endswith("10     T2I + I2V better")
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "150")
    assert run(["compare", "a.json", "b"]) == 0
    assert "+0.100 [+0.100, +0.100]" in capfd.readouterr().out


def test_the_command_says_what_it_left_out(
    files: tuple[Path, Path], capfd: pytest.CaptureFixture[str]
) -> None:
    cut = load(files[1])
    files[1].write_text(to_json(cut.model_copy(update={"videos": cut.videos[:8]})))
    assert run(["compare", "a.json", "b"]) == 0
    assert capfd.readouterr().err == "left out: 2 items: only in a\n"


@pytest.mark.parametrize(("content", "says"), [
    (None, "No such file"),
    (b"\xff\xfe", "not JSON"),
    (b"{", "not JSON"),
    (b"[" * 100_000, "not JSON"),
    (b'{"made_by": "stillmotion", "summary": NaN}', "not JSON"),
    (b'[1, 2]', "not an evaluation"),
    (b'{"summary": {}, "videos": []}', "not an evaluation"),
    (b'{"made_by": "stillmotion", "summary": {}, "schema_version": 2}', "schema_version 2, this version"),
    (b'{"made_by": "stillmotion", "summary": {}, "schema_version": 1, "counts": 3}', "videos: Field"),
])  # fmt: skip
def test_bad_files_are_one_line_and_exit_2(
    files: tuple[Path, Path], capfd: pytest.CaptureFixture[str], content: bytes | None, says: str
) -> None:
    bad = files[0].with_name("bad.json")
    if content is not None:
        bad.write_bytes(content)
    assert run(["compare", "a.json", "bad.json"]) == 2
    out, err = capfd.readouterr()
    assert out == "" and err.count("\n") == 1 and err.startswith("error: bad.json: ") and says in err


@pytest.mark.parametrize("change", ["twice", "infinite"])
def test_files_that_lie_are_refused(
    files: tuple[Path, Path], capfd: pytest.CaptureFixture[str], change: str
) -> None:
    found = json.loads(files[0].read_text())
    if change == "twice":
        found["videos"].append(found["videos"][0])
    text = json.dumps(found)
    if change == "infinite":
        text = text.replace('"facesim_arc": 0.2', '"facesim_arc": 1e999', 1)
    files[0].write_text(text)
    assert run(["compare", "a.json", "b"]) == 2
    says = "the item 1/1 stands there twice" if change == "twice" else "1/1: facesim_arc is inf"
    assert says in capfd.readouterr().err


@pytest.mark.parametrize("names", ["a", "a,a", ",b", "a,b,c"])
def test_bad_names_are_refused(
    files: tuple[Path, Path], capfd: pytest.CaptureFixture[str], names: str
) -> None:
    assert run(["compare", "a.json", "b", "--names", names]) == 2
    assert "give two different names" in capfd.readouterr().err
