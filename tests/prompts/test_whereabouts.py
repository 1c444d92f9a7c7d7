"""Places told by an adverb: "a man downtown" is somewhere, "goes upstairs" is a deed."""

from __future__ import annotations

import pytest

from stillmotion.prompts import Plan, as_read, decouple, subject_in
from stillmotion.prompts.vocabulary import translate


def plan_of(prompt: str) -> Plan:
    return decouple(prompt, subject_in(prompt))


def phrases(prompt: str) -> list[str]:
    return plan_of(prompt).spatial.split(", ")


@pytest.mark.parametrize(
    ("prompt", "place"),
    [
        ("A man downtown nods", "downtown"),
        ("Downtown, a man waves", "downtown"),
        ("A man stands downtown and nods", "downtown"),
        ("A man in a suit downtown talks", "downtown"),
        ("A man dressed in black downtown nods", "downtown"),
        ("A man walks downtown", "downtown"),
        ("A man on a bench downtown waves", "downtown"),
        ("A man uptown waves", "uptown"),
        ("A woman outdoors smiles", "outdoors"),
        ("A woman is outdoors. She smiles.", "outdoors"),
        ("Outdoors, a woman in a red coat laughs", "outdoors"),
        ("A woman dances outdoors at night", "outdoors"),
        ("A man takes a photo outdoors", "outdoors"),
        ("a man indoors in a suit", "indoors"),
        ("A woman in a red coat is seen indoors, smiling", "indoors"),
        ("A man not outdoors but indoors nods", "indoors"),
        ("a woman upstairs", "upstairs"),
        ("A woman sits downstairs and reads", "downstairs"),
        ("a girl outside in the rain", "outside"),
        ("A girl outside waves", "outside"),
        ("A man who is outside smiles", "outside"),
        ("A man, outside, in a black coat, coughs", "outside"),
        ("A woman waiting outside waves", "outside"),
        ("A man inside nods", "inside"),
        ("A man backstage adjusts his tie", "backstage"),
        ("A woman at home reads", "at home"),
        ("A man in downtown Chicago nods", "downtown Chicago"),
        ("A man on a downtown street nods", "downtown street"),
    ],
)
def test_the_still_keeps_the_place(prompt: str, place: str) -> None:
    assert place in phrases(prompt)
    assert place in plan_of(prompt).temporal


@pytest.mark.parametrize(
    "prompt",
    [
        "A woman goes upstairs",
        "A woman hurries downstairs",
        "A man quickly runs outside",
        "A woman walks outside and waves",
        "A man steps outside, then waves",
        "A man looks outside and sighs",
        "A man turns and walks back inside",
        "A man brings his little dog inside",
        "A man comes indoors",
        "A man turns his jacket inside out",
        "A woman on the outside of a building nods",
    ],
)
def test_where_one_goes_or_looks_is_no_place_of_the_still(prompt: str) -> None:
    adverbs = {"upstairs", "downstairs", "outside", "inside", "indoors", "outdoors"}
    assert adverbs.isdisjoint(phrases(prompt))
    temporal = translate(plan_of(prompt).temporal, "mini", subject_in(prompt)).text
    assert not any(place in temporal for place in ("living room", "garden"))


def test_where_one_is_not_is_no_place_of_the_still() -> None:
    assert "outdoors" not in plan_of("A man who is not outdoors nods").spatial


def test_a_place_with_a_name_goes_before_a_corner_and_after_none() -> None:
    """Both are told; the adverb does not make a place that is named the less important one."""
    assert phrases("A man outdoors in a forest nods")[1:3] == ["outdoors", "forest"]
    assert phrases("A man in an office downtown nods")[1:3] == ["office", "downtown"]


@pytest.mark.parametrize(
    ("prompt", "seen", "happens"),
    [
        ("A man downtown nods", "A man, in the city,", "A man in the city nods."),
        ("A man walks downtown", "A man, in the city,", "A man walks in the city."),
        ("A man in downtown Chicago nods", "A man, city,", "A man in the city nods."),
        ("A man on a downtown street nods", "A man, city,", "A man in the city nods."),
        ("Downtown, a man nods", "A man, in the city,", "A man, in the city, nods."),
        ("A man indoors in a suit", "in a living room,", "A man in a living room in a suit."),
        ("A woman upstairs nods", "A woman, in a living room,", "A woman in a living room nods."),
        ("A man backstage nods", "A man, on a stage,", "A man on a stage nods."),
        ("A woman outdoors smiles", "A woman, in a flower garden,", "A woman in a flower garden smiles."),
        ("A woman turns around outdoors", "A woman,", "in a flower garden."),
        # another place is named: it alone counts
        ("A man outdoors in a forest nods", "A man, outdoors, forest,", "A man outdoors in a forest nods."),
        ("A man in an office downtown nods", "A man, office,", "A man in an office downtown nods."),
        ("A woman sits outside on a beach", "sitting on a beach", "A woman sits outside on a beach."),
        # towers
        ("A man among towers nods", "A man, in the city,", "A man in the city nods."),
        ("A man stands among tall glass towers", "standing in the city", "A man stands in the city."),
        ("A woman between the towers of a city waves", "A woman, city,", "A woman in the city waves."),
        ("A mountain towers above a man", "snowy mountains", "towers above the man"),
    ],
)
def test_mini_reads_the_place_with_its_preposition(prompt: str, seen: str, happens: str) -> None:
    read, _ = as_read(plan_of(prompt), "mini")
    assert seen in read.spatial and happens in read.temporal, read
