"""Arithmetic of timelines: lengths that the VAE can do, totals that are right, nothing doubled."""

from __future__ import annotations

import itertools
import random

import pytest

from stillmotion.errors import InputError
from stillmotion.motion.segments import Timeline, seed_of, timeline
from stillmotion.prompts.plan import Segment


def _timed(*spans: tuple[float, float]) -> list[Segment]:
    return [Segment(start=start, end=end, text=f"step {i}") for i, (start, end) in enumerate(spans)]


def _check(result: Timeline, num_frames: int, overlap: int) -> None:
    """What holds for every timeline: 4k+1 lengths within the limit, overlaps everywhere but at the start."""
    assert [part.index for part in result.parts] == list(range(len(result.parts)))
    assert all(part.num_frames % 4 == 1 and part.num_frames <= num_frames for part in result.parts)
    assert [part.overlap for part in result.parts] == [0] + [overlap] * (len(result.parts) - 1)
    assert all(part.new_frames >= 4 for part in result.parts)
    assert 0 <= sum(part.new_frames for part in result.parts) - result.total_frames <= 3


def test_without_segments_one_part_of_num_frames() -> None:
    result = timeline("she waves", [], 81, 16, 5)
    assert [(p.text, p.num_frames, p.overlap) for p in result.parts] == [("she waves", 81, 0)]
    assert result.total_frames == 81


def test_two_segments_at_8_fps() -> None:
    # 0-2 s is 16 frames, 17 with the odd one; 2-5 s is 24 more, two parts of 12 after 5 known: 41, cut to 40.
    result = timeline("", _timed((0, 2), (2, 5)), 17, 8, 5)
    found = [(p.text, p.num_frames, p.overlap) for p in result.parts]
    assert found == [("step 0", 17, 0), ("step 1", 17, 5), ("step 1", 17, 5)]
    assert result.total_frames == 40


def test_one_frame_overlap() -> None:
    result = timeline("", _timed((0, 1), (1, 2)), 17, 8, 1)
    assert [(p.num_frames, p.overlap) for p in result.parts] == [(9, 0), (9, 1)]
    assert result.total_frames == 16


def test_a_long_segment_is_split_evenly() -> None:
    result = timeline("", _timed((0, 3)), 17, 8, 5)
    assert [p.num_frames for p in result.parts] == [13, 17]
    assert result.total_frames == 24


def test_gaps_and_order() -> None:
    # The gap 2-3 s belongs to the earlier segment; the order is that of time.
    result = timeline("", [*_timed((3, 4)), Segment(start=0, end=2, text="before")], 81, 8, 5)
    assert [(p.text, p.new_frames) for p in result.parts] == [("before", 25), ("step 0", 8)]


@pytest.mark.parametrize("overlap", [1, 5, 9])
def test_random_timelines_keep_the_rules(overlap: int) -> None:
    draw = random.Random(overlap)
    for _ in range(300):
        fps, num_frames = draw.choice([8, 12, 16, 24, 25, 30]), draw.choice([17, 33, 81, 121])
        ends = [0.0]
        for _ in range(draw.randint(1, 6)):
            ends.append(ends[-1] + draw.uniform(4 / fps, 6))
        segments = _timed(*itertools.pairwise(ends))
        result = timeline("", segments, num_frames, fps, overlap)
        _check(result, num_frames, overlap)
        assert result.total_frames == round(ends[-1] * fps)
        for index, segment in enumerate(segments[:-1]):
            upto = sum(p.new_frames for p in result.parts if int(p.text.split()[1]) <= index)
            assert abs(upto - segment.end * fps) <= 2, "a segment's end is at most half a latent frame off"


def test_equal_short_segments_get_equal_lengths() -> None:
    result = timeline("", _timed(*[(i / 2, (i + 1) / 2) for i in range(8)]), 17, 8, 5)
    assert [p.new_frames for p in result.parts] == [5] + [4] * 7


@pytest.mark.parametrize(
    ("given", "near"), [(16, "13 or 17"), (80, "77 or 81"), (2, "1 or 5"), (18, "17 or 21")]
)
def test_num_frames_is_never_rounded(given: int, near: str) -> None:
    with pytest.raises(InputError, match=rf"^num_frames: {given} .*take {near}$"):
        timeline("", [], given, 16, 5)


def test_no_room_beside_the_overlap() -> None:
    with pytest.raises(InputError, match=r"num_frames: 5 leaves no room.*at least 9"):
        timeline("", _timed((0, 2)), 5, 8, 5)


def test_a_segment_shorter_than_a_latent_frame() -> None:
    with pytest.raises(InputError, match=r"'step 1' from 1 to 1.2 s.*at least 0.5 s"):
        timeline("", _timed((0, 1), (1, 1.2), (1.2, 4)), 17, 8, 5)
    with pytest.raises(InputError, match="shorter"):
        timeline("", _timed((0, 1), (0, 2)), 17, 8, 5)


def test_seeds_of_parts_are_fixed_and_apart() -> None:
    seeds = {seed_of(seed, index) for seed in range(50) for index in range(20)}
    assert len(seeds) == 1000
    assert all(0 <= seed < 2**63 for seed in seeds)
    # printf "stillmotion motion 0 0" | sha256sum, first 8 bytes, shifted right by one bit.
    assert seed_of(0, 0) == 0x74B974D5024DF171
