"""Stage 1 from end to end on small random checkpoints in the released formats: gate, resuming, people,
formats.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from stillmotion import still
from stillmotion.errors import CheckpointError, InputError, MissingWeightsError
from stillmotion.identity.types import Identity, Pixels
from stillmotion.parts import Source
from stillmotion.presets import StillPreset
from stillmotion.request import Settings
from stillmotion.still.gate import best, seed_of
from stillmotion.still.types import Candidate, FirstFrame

from .conftest import Judge, face

TEXT = "a man in a (red:1.2) hat, close-up"


@pytest.fixture(autouse=True)
def _home(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STILLMOTION_HOME", str(home))


@pytest.fixture(scope="module")
def loaded(home: Path) -> dict[str, Any]:
    return {}


@pytest.fixture
def models(preset: StillPreset, loaded: dict[str, Any]) -> still.StillModels:
    """Loaded once for this file."""
    if "models" not in loaded:
        loaded["models"] = still.load(preset, "cpu")
    models: still.StillModels = loaded["models"]
    return models


def judge(person: Identity, *answers: float | None) -> Judge:
    return Judge(list(answers), [portrait.image for portrait in person.portraits])


def images(first: still.FirstFrame) -> list[Pixels]:
    return [candidate.image for candidate in first.candidates]


def test_every_candidate_is_kept_and_the_most_similar_chosen(
    models: still.StillModels, settings: Settings, person: Identity
) -> None:
    seen: list[tuple[str, int, int]] = []
    kept: dict[int, Candidate] = {}
    first = still.make(
        TEXT,
        person,
        models,
        settings,
        judge(person, 0.25, None, 0.4),
        lambda *each: seen.append(each),
        keep=kept.__setitem__,
    )
    assert [candidate.similarity for candidate in first.candidates] == pytest.approx([0.25, None, 0.4])
    assert first.chosen == 2 and first.image is first.candidates[2].image
    assert list(kept.values()) == list(first.candidates)
    assert [candidate.seed for candidate in first.candidates] == [seed_of(11, n) for n in range(3)]
    assert all(image.shape == (64, 64, 3) and image.dtype == np.uint8 for image in images(first))
    assert not np.array_equal(first.candidates[0].image, first.candidates[1].image)
    assert seen[:4] == [("still: candidate 1 of 3", done, 3) for done in range(4)]


def test_it_stops_when_the_face_is_similar_enough(
    models: still.StillModels, settings: Settings, person: Identity
) -> None:
    expert = judge(person, 0.5, 0.51, 0.9)
    first = still.make(TEXT, person, models, settings, expert)
    assert len(first.candidates) == 2 and first.chosen == 1  # 0.5 is not above 0.5
    assert expert.photos_read == 2
    still.make(TEXT, person, models, settings, judge(person, 0.9))
    again = judge(person, 0.9)
    still.make(TEXT, person, models, settings, again)
    assert again.photos_read == 0  # what a judge saw in the photos is remembered


@pytest.mark.parametrize(
    ("alike", "said"), [(0.31, "similarity 0.31"), (None, "no face"), (0.5, ""), (0.9, "")]
)
def test_a_face_that_was_not_kept_is_told_with_its_similarity(alike: float | None, said: str) -> None:
    first = FirstFrame((Candidate(np.zeros((4, 4, 3), np.uint8), alike, 1),), 0)
    notes = still.doubts(first, Judge.same_person)
    assert Judge.same_person == 0.5
    assert said in " ".join(notes) and len(notes) == bool(said)


def test_an_interrupted_run_goes_on_to_the_same_pixels(
    models: still.StillModels, settings: Settings, person: Identity
) -> None:
    kept: list[Candidate] = []

    def interrupt(number: int, candidate: Candidate) -> None:
        kept.append(candidate)
        if number == 1:
            raise KeyboardInterrupt

    whole = still.make(TEXT, person, models, settings, judge(person, 0.1, 0.2, 0.3))
    with pytest.raises(KeyboardInterrupt):
        still.make(TEXT, person, models, settings, judge(person, 0.1, 0.2, 0.3), keep=interrupt)
    made: list[int] = []
    resumed = still.make(
        TEXT,
        person,
        models,
        settings,
        judge(person, 0.3),
        done=kept,
        keep=lambda number, _: made.append(number),
    )
    assert made == [2] and resumed.chosen == 2
    assert all(np.array_equal(a, b) for a, b in zip(images(resumed), images(whole), strict=True))
    finished = still.make(TEXT, person, models, settings, judge(person), done=whole.candidates)
    assert finished.candidates == whole.candidates
    enough = [replace(whole.candidates[0], similarity=0.8)]
    assert len(still.make(TEXT, person, models, settings, judge(person), done=enough).candidates) == 1


def test_a_single_file_draws_what_the_folder_draws(
    models: still.StillModels, preset: StillPreset, settings: Settings, person: Identity
) -> None:
    once = settings.model_copy(update={"candidates": 1})
    source = replace(preset.checkpoint, name="sdxl-file")
    single = still.load(replace(preset, checkpoint=source), "cpu")
    left, right = (still.make(TEXT, person, m, once, judge(person, 0.1)).image for m in (models, single))
    assert np.abs(left.astype(int) - right.astype(int)).max() <= 1


def test_people_words_and_weights_matter_and_leave_nothing_behind(
    models: still.StillModels, settings: Settings, person: Identity
) -> None:
    once = settings.model_copy(update={"candidates": 1})
    other = Identity(
        tuple(replace(p, face=face((20, 25, 60, 75), 40 + n)) for n, p in enumerate(person.portraits)),
        "A person",
    )

    def draw(words: str = TEXT, who: Identity = person, weight: float = 0.85, **changes: object) -> Pixels:
        asked = once.model_copy(update={"lora_weight": weight, **changes})
        return still.make(words, who, models, asked, judge(who, 0.1)).image

    plain = draw()
    pictures = [
        plain,
        draw(who=other),
        draw("a woman"),
        draw(weight=0.0),
        draw(seed=12),
        draw(guidance_scale=1.0),
    ]
    pictures.append(draw(negative_prompt="hat"))
    for index, picture in enumerate(pictures):
        assert not any(np.array_equal(picture, another) for another in pictures[index + 1 :])
    assert np.array_equal(draw(), plain)
    assert np.array_equal(draw(f"fcsks fxhks, {TEXT}"), plain)  # the trigger words are not put in twice


def test_details_are_drawn_where_the_judge_sees_faces(
    models: still.StillModels, settings: Settings, person: Identity
) -> None:
    asked = settings.model_copy(update={"candidates": 1, "detail": True})
    plain = still.make(
        TEXT, person, models, asked.model_copy(update={"detail": False}), judge(person, 0.1)
    ).image
    seen: list[str] = []
    expert = judge(person, 0.3, 0.6)
    first = still.make(TEXT, person, models, asked, expert, lambda step, *_: seen.append(step))
    assert first.similarity == pytest.approx(0.6)  # judged after the detailing
    assert "still: face 1 of 1" in seen
    changed = (first.image != plain).any(axis=-1)
    assert changed[28, 24] and not changed[:, 57:].any()
    unseen = still.make(TEXT, person, models, asked, judge(person, None, None))
    assert unseen.similarity is None and np.array_equal(unseen.image, plain)


def test_a_judge_that_sees_no_face_in_the_photos_judges_nothing(
    models: still.StillModels, settings: Settings, person: Identity
) -> None:
    blind = Judge([None, None], [], name="blind")
    first = still.make(TEXT, person, models, settings.model_copy(update={"candidates": 2}), blind)
    assert [candidate.similarity for candidate in first.candidates] == [None, None] and first.chosen == 0


def test_impossible_sizes_name_the_next_possible_one(
    models: still.StillModels, settings: Settings, person: Identity
) -> None:
    with pytest.raises(InputError, match="still_width: 100 is not a multiple of 8; take 96"):
        still.make(TEXT, person, models, settings.model_copy(update={"still_width": 100}), judge(person))


def test_an_analyzer_of_another_size_is_refused(
    models: still.StillModels, settings: Settings, person: Identity
) -> None:
    small = Identity((replace(person.portraits[0], face=face((20, 25, 60, 75), 0, size=128)),), "A person")
    with pytest.raises(CheckpointError, match="512 numbers, the analyzer gives 128"):
        still.make(TEXT, small, models, settings, judge(small))


def test_counting_tokens_with_and_without_models(models: still.StillModels, preset: StillPreset) -> None:
    counter = still.token_counter(preset)
    assert counter is not None
    assert counter("the (man:1.2)") == models.count_tokens("the (man:1.2)") == 2
    absent = replace(preset, checkpoint=Source("absent", preset.checkpoint.licence))
    assert still.token_counter(absent) is None
    with pytest.raises(MissingWeightsError):
        still.load(absent, "cpu")


def test_seeds_of_candidates() -> None:
    assert seed_of(5, 0) == 5
    assert len({seed_of(seed, number) for seed in range(20) for number in range(16)}) == 320
    assert all(0 <= seed_of(2**63 - 1, number) < 2**63 for number in range(16))


def test_the_best_of_several() -> None:
    def made(*alike: float | None) -> list[Candidate]:
        return [Candidate(np.zeros((1, 1, 3), np.uint8), value, 0) for value in alike]

    assert best(made(None, -0.9)) == 1
    assert best(made(0.2, 0.7, 0.7)) == 1
    assert best(made(None, None)) == 0
