"""The rules writer's own promises: errors, subjects, tokens, times, other languages."""

from __future__ import annotations

import subprocess
import sys

import pytest

from stillmotion.errors import InputError
from stillmotion.prompts import decouple, subject_in
from stillmotion.prompts.rules import actions_of, is_english, segments_of, spatial_of, temporal_of
from stillmotion.prompts.text import MAX_PROMPT_CHARACTERS, estimate_clip_tokens

TRIGGER = "fcsks fxhks fhyks, "


@pytest.mark.parametrize(
    ("prompt", "said"),
    [
        ("", "empty"),
        (" \n\t ", "empty"),
        ("...!?", "no word"),
        ("a man\x00 waves", "control character"),
        ("a man \x1b[31m waves", "U+001B"),
        ("a \u202eman", "U+202E"),
        ("x" * 4000, "at most"),
        ("\ud800 man", "control"),
    ],
)
def test_unusable_prompts_are_refused(prompt: str, said: str) -> None:
    for function in (spatial_of, temporal_of, segments_of, actions_of):
        with pytest.raises(InputError) as caught:
            function(prompt)
        assert said in str(caught.value)
        assert "\n" not in str(caught.value) and "\x1b" not in str(caught.value)


def test_longest_prompt_is_read() -> None:
    prompt = ("A man in a red coat waves. " * 200)[:MAX_PROMPT_CHARACTERS]
    assert estimate_clip_tokens(spatial_of(prompt, "A man")) <= 75
    assert temporal_of(prompt, "A man").count("waves") == prompt.count("waves")


def test_rules_import_neither_torch_nor_pydantic() -> None:
    code = (
        "import sys; import stillmotion.prompts.rules as r;"
        "r.spatial_of('a man waves'); r.temporal_of('a man waves');"
        "sys.exit(any(name in sys.modules for name in ('torch', 'pydantic', 'transformers', 'httpx')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_deterministic() -> None:
    prompt = "A woman with red hair, in a green coat, waves in a park, then runs."
    assert len({(spatial_of(prompt), temporal_of(prompt)) for _ in range(5)}) == 1


@pytest.mark.parametrize(
    "limit_prompt",
    [
        "A man wearing "
        + ", ".join(
            f"a {c} scarf"
            for c in ["red", "blue", "green", "yellow", "purple", "orange", "pink", "brown", "white", "black"]
            * 3
        ),
        "A man in a kitchen with "
        + ", ".join(f"a {c} ceramic vase with a long description" for c in "abcdefghijklmnop"),
        "\u4e00\u4e2a\u7537\u4eba\u5728\u8dd1\u6b65" * 60,
    ],
)
def test_spatial_fits_clip(limit_prompt: str) -> None:
    spatial = spatial_of(limit_prompt, "A man", trigger=TRIGGER)
    assert spatial.startswith(TRIGGER + "A man")
    assert spatial.endswith("close-up")
    assert estimate_clip_tokens(spatial) <= 75


def test_least_visible_goes_first() -> None:
    """With a counter of words, a short limit is met by losing objects and light before hair and clothing."""
    prompt = (
        "A man with short black hair and a beard, wearing a navy suit, holding a cup, sits at a wooden table "
        "with a lamp, a vase and a clock in a bright office at sunset."
    )

    def strict(text: str) -> int:
        return 4 * len(text.split())

    spatial = spatial_of(prompt, "A man", strict)
    assert strict(spatial) <= 75
    assert "black hair" in spatial and "navy suit" in spatial
    assert "vase" not in spatial and "clock" not in spatial
    assert "vase" in spatial_of(prompt, "A man")


def test_given_counter_decides() -> None:
    assert spatial_of("A man in a red coat in a park", "A man", lambda text: 1000) == "A man, close-up"


@pytest.mark.parametrize(
    ("subject", "has", "lacks"),
    [
        ("A man", ["he turns", "his hair", "himself"], [" she ", " her "]),
        ("A woman", ["she turns", "her hair", "herself"], [" he ", " his "]),
    ],
)
def test_pronouns_follow_the_subject(subject: str, has: list[str], lacks: list[str]) -> None:
    female = "A woman waves, then she turns and touches her hair. She hugs herself."
    male = "A man waves, then he turns and touches his hair. He hugs himself."
    for prompt in (female, male):
        temporal = temporal_of(prompt, subject).lower()
        assert all(text in temporal for text in has), temporal
        assert not any(text in temporal for text in lacks), temporal


@pytest.mark.parametrize(
    "opener",
    [
        "We are shown a clip of",
        "We see",
        "Here we can see",
        "You see",
        "You are presented with footage of",
        "The viewer sees",
        "The audience is shown",
        "Here is",
        "Here we have",
        "This is a short video of",
        "This is",
        "This footage presents",
        "The clip opens with",
        "The recording lets us see",
        "Footage shows",
        "A short, shaky video clip of",
        "What we see is",
        "Pictured here is",
        "On screen is",
        "In front of us is",
        "Our subject is",
        "In this clip, we meet",
        "We watch as",
    ],
)
def test_openers_are_taken_off(opener: str) -> None:
    told = "a man in a red coat waves, then bows."
    assert temporal_of(f"{opener} {told}", "A man") == told.capitalize()
    assert spatial_of(f"{opener} {told}", "A man") == spatial_of(told, "A man")
    assert subject_in(f"{opener} {told}") == "A man"


def test_looking_on_is_kept_where_it_is_done() -> None:
    assert "watches a bird" in temporal_of("A man watches a bird and smiles.", "A man")
    assert "sees her" in temporal_of("The viewer in the front row sees her and claps.", "A woman")
    assert "looks at the camera" in temporal_of("Look at the camera and smile.", "A woman")


@pytest.mark.parametrize(
    "colour", ["lemon yellow", "bottle green", "fire engine red", "jet-black", "baby pink"]
)
def test_a_garment_keeps_its_whole_colour(colour: str) -> None:
    spatial = spatial_of(f"A woman wearing a {colour} coat and a hat waves.", "A woman")
    assert spatial == f"A woman, wearing a {colour} coat, a hat, close-up"


def test_bystanders_keep_their_pronouns() -> None:
    assert "his dog" in temporal_of("A woman smiles at a boy and his dog.", "A woman")


@pytest.mark.parametrize(
    ("prompt", "times"),
    [
        ("0-2s: she waves; 2-5s: she turns left", [(0, 2), (2, 5)]),
        ("[0:00-0:02] she waves [0:02-0:05] she turns", [(0, 2), (2, 5)]),
        ("From 0 to 2 seconds, she waves. From 2 to 5 seconds, she turns.", [(0, 2), (2, 5)]),
        ("In the first 2 seconds she waves, and in the next 3 seconds she turns", [(0, 2), (2, 5)]),
        ("She waves (0-2s), then she turns (2-5s)", [(0, 2), (2, 5)]),
        ("0.5s - 1.25s: she waves\n1.25s - 3s: she turns", [(0.5, 1.25), (1.25, 3)]),
        ("1:10-1:20: she waves; 1:20-1:30: she turns", [(70, 80), (80, 90)]),
        ("0\u20132 s: she waves; 4\u20135 s: she turns", [(0, 2), (4, 5)]),
        ("A woman waves.", []),
        ("At 10:30 in the morning, a woman in her 20s waves 2-3 times in a 1920s-1930s dress.", []),
        ("A 3-5 second clip of a woman who waves", []),
    ],
)
def test_times(prompt: str, times: list[tuple[float, float]]) -> None:
    found = segments_of(prompt)
    assert [(segment.start, segment.end) for segment in found] == times
    for segment in found:
        assert "waves" in segment.text or "turns" in segment.text
        assert not any(character.isdigit() for character in segment.text)


@pytest.mark.parametrize(
    ("prompt", "said"),
    [
        ("2-1s: she waves", "ends before"),
        ("0-3s: she waves; 2-5s: she turns", "overlaps"),
        ("2-4s: she waves; 0-2s: she turns", "order"),
        ("0-2s: ; 2-4s: she turns", "no text"),
        ("1-1s: she waves", "ends before"),
    ],
)
def test_wrong_times_are_refused(prompt: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        segments_of(prompt)


def test_other_languages_are_kept() -> None:
    for prompt in (
        "Una donna con un cappotto rosso cammina nella neve e sorride.",
        "Kobieta w czerwonym p\u0142aszczu macha r\u0119k\u0105.",
        "\uc5ec\uc790\uac00 \uc190\uc744 \ud754\ub4e0\ub2e4",
        "\u0627\u0645\u0631\u0623\u0629 \u062a\u0628\u062a\u0633\u0645",
    ):
        assert not is_english(prompt), prompt
        assert prompt in temporal_of(prompt, "A woman")


def test_actions_in_order() -> None:
    assert actions_of("She waves, turns around and then picks up a cup while smiling.") == (
        "wave",
        "turn",
        "pick",
        "smile",
    )


@pytest.mark.parametrize(
    "prompt", ["A woman behind ferns smiles", "A man in a room of mirrors shows his hand"]
)
def test_a_verb_after_several_things_is_none_of_them(prompt: str) -> None:
    assert not {"smiles", "shows"} & set(spatial_of(prompt, "A person").replace(",", "").split())


def test_a_look_before_a_deed_is_seen() -> None:
    assert "unhappy expression" in spatial_of("A man looking unhappy waves", "A man")


@pytest.mark.parametrize(
    "prompt",
    ["A man in a workplace with trays on a shelf nods", "A man in a grove nods", "A man on a quay nods"],
)
def test_a_place_outlives_the_things_in_a_full_prompt(prompt: str) -> None:
    seen = spatial_of(prompt, "A man", lambda text: 70 + 2 * text.count(","))
    assert {"workplace", "grove", "quay"} & set(seen.replace(",", "").split())


@pytest.mark.parametrize(
    ("told", "light"),
    [
        ("hard light from the side", "hard light from the side"),
        ("harsh light falling from the right", "harsh light from the right"),
        ("light coming from above", "light from above"),
        ("lit from the side", "lit from the side"),
        ("lit only from behind", "lit from behind"),
        ("soft light falling on his face from the left", "soft light from the left"),
    ],
)
def test_light_keeps_where_it_comes_from_and_is_no_view(told: str, light: str) -> None:
    plan = decouple(f"A man in a garden, {told}, nods.", "A man", view="facing the camera")
    assert plan.spatial == f"A man, garden, {light}, facing the camera, close-up"


@pytest.mark.parametrize("told", ["seen from the side", "filmed from the side", "from behind"])
def test_who_is_seen_from_the_side_is_no_light(told: str) -> None:
    plan = decouple(f"A man in hard light, {told}, nods.", "A man", view="facing the camera")
    assert "from" in plan.spatial and "facing the camera" not in plan.spatial
    assert ", hard light," in plan.spatial


@pytest.mark.parametrize(
    ("told", "seen"),
    [
        ("black hair with a side part", "black hair with a side part"),
        ("short black hair with a middle part", "short black hair with a middle part"),
        ("brown hair with a fringe", "brown hair with a fringe"),
        ("brown hair with bangs", "brown hair with bangs"),
        ("red hair in a bun with a side part", "red hair in bun with a side part"),
    ],
)
def test_hair_keeps_its_part(told: str, seen: str) -> None:
    assert spatial_of(f"A woman with {told} nods.", "A woman") == f"A woman, {seen}, close-up"


@pytest.mark.parametrize(
    ("told", "seen"),
    [
        ("A keyboard clicks somewhere.", ""),
        ("A clock ticks softly.", ""),
        ("The room smells of old paper.", ""),
        ("The wall behind shows rows of red bricks.", ""),
        ("The kitchen smells of bread.", "kitchen, "),
    ],
)
def test_what_is_only_heard_or_smelled_is_not_seen(told: str, seen: str) -> None:
    assert spatial_of(f"A woman nods. {told}", "A woman") == f"A woman, {seen}close-up"


def test_a_thing_seen_before_it_is_heard_stays() -> None:
    assert "clock" in spatial_of("A woman beside a clock nods. The clock ticks.", "A woman")


@pytest.mark.parametrize("deed", ["smiles", "frowns", "grins at us"])
def test_a_deed_after_and_is_no_thing(deed: str) -> None:
    seen = spatial_of(f"A woman stands in a garden and {deed}.", "A woman")
    assert seen == "A woman, standing in a garden, close-up"


@pytest.mark.parametrize("prompt", ["After nodding she waves.", "After nodding, she waves."])
def test_what_is_done_before_needs_no_comma(prompt: str) -> None:
    assert temporal_of(prompt, "A woman") == "A woman, after nodding, waves."


@pytest.mark.parametrize(
    ("told", "seen"),
    [
        ("talks to the camera in soft light", "A woman, soft light, close-up"),
        ("speaks on a beach at sunset", "A woman, beach, sunset, close-up"),
        ("talks about the golden light", "A woman, close-up"),
        ("speaks of the bright sunlight in a forest", "A woman, forest, close-up"),
    ],
)
def test_who_talks_stands_in_the_light_and_what_is_talked_of_does_not_shine(told: str, seen: str) -> None:
    assert spatial_of(f"A woman {told}.", "A woman") == seen
