"""What an evaluation looks like in files: nothing lost, nothing mixed, nothing taken for markup."""

from __future__ import annotations

import csv
import io
import json

import pytest

from stillmotion.errors import InputError
from stillmotion.evaluate.judges import known_metrics
from stillmotion.evaluate.published import PUBLISHED
from stillmotion.evaluate.tables import COLUMNS, column, figure, ordered, to_csv, to_json, to_markdown
from stillmotion.evaluate.types import Counts, Evaluation, Interval, VideoResult


@pytest.fixture
def evaluation() -> Evaluation:
    """Two videos: one judged, one that failed with a reason full of markup."""
    return Evaluation(
        videos_folder="out",
        references="data",
        videos=(
            VideoResult(
                id="id001",
                prompt_id="prompt1",
                file="id001/prompt1.mp4",
                frames=17,
                judged_frames=16,
                face_frames=15,
                metrics={"zeal": 2.0, "facesim_arc": 0.5, "fid_consisid": 170.123456789},
                curves={"facesim_arc": (0.5, None)},
                flags=("blink", "turned"),
            ),
            VideoResult(
                id="id002", prompt_id="prompt1", file="id002/prompt1.mp4", error='cut | "short", <b>'
            ),
        ),
        summary={
            "zeal": Interval(mean=2, low=2, high=2, n=1),
            "fid_consisid": Interval(mean=170.123456789, low=160, high=180.06, n=1),
            "facesim_arc": Interval(mean=0.4412, low=0.4201, high=0.4624, n=1),
        },
        not_computed={"facesim_cur": "weights absent | see <docs>;\nstillmotion download evaluate"},
        protocol={"facesim_arc": "16 frames"},
        counts=Counts(videos=2, failed=1, without_face=0),
    )


def test_json_is_the_whole_evaluation(evaluation: Evaluation) -> None:
    found = json.loads(to_json(evaluation))
    assert set(found) >= {"videos", "summary", "not_computed"}
    assert found["videos"][0]["curves"] == {"facesim_arc": [0.5, None]}
    assert found["summary"]["zeal"] == {"mean": 2, "low": 2, "high": 2, "n": 1}
    assert Evaluation.model_validate(found) == evaluation


def test_csv_has_a_row_per_video_and_every_digit(evaluation: Evaluation) -> None:
    rows = list(csv.DictReader(io.StringIO(to_csv(evaluation))))
    assert [row["id"] for row in rows] == ["id001", "id002"]
    assert list(rows[0])[6:9] == ["facesim_arc", "fid_consisid", "zeal"]
    assert float(rows[0]["fid_consisid"]) == 170.123456789 and rows[0]["face_frames"] == "15"
    assert rows[0]["flags"] == "blink; turned" and rows[0]["error"] == ""
    assert rows[1]["facesim_arc"] == "" and rows[1]["error"] == 'cut | "short", <b>'


def test_markdown_tells_means_intervals_counts_and_what_was_not_computed(evaluation: Evaluation) -> None:
    text = to_markdown(evaluation, "mini")
    assert "| mini | 0.441 [0.420, 0.462], n = 1 | 170.1 [160.0, 180.1], n = 1 |" in text
    assert "|  | FaceSim-Arc ↑ | FID (ConsisID) ↓ |" in text and "|  | zeal ↑ |" in text
    assert "2 videos asked for, 1 failed, 0 without any face" in text
    assert "- FaceSim-Cur: weights absent \\| see &lt;docs>; stillmotion download evaluate" in text
    assert "- FaceSim-Arc: 16 frames" in text


def test_every_published_table_stands_apart_with_its_source(evaluation: Evaluation) -> None:
    text = to_markdown(evaluation, "mini")
    published = text[text.index("## Published") :]
    assert "mini" not in published
    for protocol in PUBLISHED.values():
        block = published[published.index(f"### {protocol.title}") :].split("\n### ")[0]
        assert f"<{protocol.source}>" in block
        for system, figures in protocol.rows.items():
            assert f"| {system} | {' | '.join(figures)} |" in block
        others = {name for other in PUBLISHED.values() if other is not protocol for name in other.rows}
        assert not any(f"| {name} |" in block for name in others)


def test_ours_joins_a_published_table_only_when_the_test_set_is_named(evaluation: Evaluation) -> None:
    text = to_markdown(evaluation, "mini", test_set="challenge2025")
    challenge, rest = text[text.index("### ACM MM") :].split("\n### ")
    assert "| mini | 0.441 [0.420, 0.462], n = 1 | – | 170.1 [160.0, 180.1], n = 1 | – |" in challenge
    assert "mini" not in rest
    with pytest.raises(InputError, match=r"test set 'mine' is not known; there are challenge2025"):
        to_markdown(evaluation, test_set="mine")


def test_the_challenge_figures_are_the_specifications() -> None:
    """Runner-up and winner, as the challenge published them (ACM MM 2025, phase 1)."""
    protocol = PUBLISHED["challenge2025"]
    rows = {
        system.split()[0]: dict(zip(protocol.metrics, f, strict=True)) for system, f in protocol.rows.items()
    }
    runner_up = {
        "facesim_cur": "0.467",
        "facesim_arc": "0.441",
        "fid_consisid": "214",
        "clipscore_consisid": "28.0",
    }
    winner = {
        "facesim_cur": "0.492",
        "facesim_arc": "0.473",
        "fid_consisid": "170",
        "clipscore_consisid": "27.8",
    }
    assert rows["XuanYuan"] == runner_up and rows["ghl"] == winner
    for one in PUBLISHED.values():
        assert all(len(figures) == len(one.metrics) for figures in one.rows.values())
        assert set(one.metrics) <= set(COLUMNS) and one.source.startswith("https://")


def test_every_metric_of_the_judges_has_its_column() -> None:
    assert set(known_metrics()) <= set(COLUMNS)
    assert column("dynamic_degree").better == "higher" and column("fid_consisid").better == "lower"


def test_columns() -> None:
    assert ordered({"zeal", "alpha", "clipscore", "facesim_arc"}) == [
        "facesim_arc",
        "clipscore",
        "alpha",
        "zeal",
    ]
    assert column("zeal").head == "zeal ↑" and column("fid_consisid").head == "FID (ConsisID) ↓"
    signed = column("facesim_arc").signed
    assert [signed(v) for v in (0.05, -0.05, 0.0004, -0.0004)] == ["+0.050", "-0.050", "0.000", "0.000"]
    assert figure("clipscore", Interval(mean=28.046, low=27, high=29, n=3)) == "28.05 [27.00, 29.00], n = 3"
