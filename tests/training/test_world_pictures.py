"""The synthetic world's pictures and their ground truth. Needs moderngl and the exported body."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from training.world import DEFAULT_BUST, Person, Renderer, identity_of, reference_scene, scene_of
from training.world.jobs import make_job, truth_of
from training.world.pool import Pool, WorkerFailed, device_of
from training.world.shards import shards

pytest.importorskip("moderngl")
pytestmark = pytest.mark.skipif(
    not DEFAULT_BUST.is_file(), reason=f"{DEFAULT_BUST} is made by: python -m training.world export"
)
SIZE = 96


@pytest.fixture(scope="module")
def renderer() -> Iterator[Renderer]:
    made = Renderer(SIZE)
    yield made
    made.release()


def _person(**wanted: str) -> Person:
    people = (identity_of(i) for i in range(1000))
    return next(p for p in people if all(getattr(p, k) == v for k, v in wanted.items()))


def test_a_still_and_its_truth(renderer: Renderer) -> None:
    picture = renderer.still(identity_of(1), reference_scene(1))
    assert picture.frames.shape == (1, SIZE, SIZE, 3)
    assert picture.frames.dtype == picture.matte.dtype == np.uint8
    assert picture.landmarks.shape == (1, 106, 2)
    assert 0.2 < (picture.matte > 127).mean() < 0.8
    assert picture.matte[0, 0].max() == 0  # above the head there is background
    left_eye, right_eye, nose, left_mouth, right_mouth = picture.five[0]
    assert left_eye[0] < nose[0] < right_eye[0]
    assert left_mouth[0] < right_mouth[0]
    assert left_eye[1] < nose[1] < left_mouth[1]
    x0, y0, x1, y1 = picture.box[0]
    assert x0 < left_eye[0] < right_eye[0] < x1
    assert y0 < left_eye[1] < left_mouth[1] < y1
    inside = picture.matte[0][tuple(picture.landmarks[0].round().astype(int).clip(0, SIZE - 1).T[::-1])]
    assert (inside > 127).mean() > 0.95


def test_the_same_seeds_draw_the_same_frames(renderer: Renderer) -> None:
    person, scene = identity_of(2), reference_scene(2)
    first = renderer.clip(person, scene, ("smile",), frames=3)
    renderer.still(identity_of(9), reference_scene(4))
    again = renderer.clip(person, scene, ("smile",), frames=3)
    assert np.array_equal(first.frames, again.frames)
    assert np.array_equal(first.frames[0], renderer.still(person, scene).frames[0])


def test_the_first_picture_of_a_renderer_has_its_place() -> None:
    scene = reference_scene(2).replace(place="brick wall")
    fresh = Renderer(SIZE, device_index=99)  # no such device: the default one
    picture = fresh.still(identity_of(2), scene)
    again = fresh.still(identity_of(2), scene)
    fresh.release()
    assert np.array_equal(picture.frames, again.frames)
    behind = picture.frames[0][picture.matte[0] == 0].astype(int)
    assert behind.mean() > 40
    assert (behind[:, 0] > behind[:, 2] + 10).mean() > 0.5  # bricks are red


def test_long_clips_go_on_where_the_first_batch_ends(renderer: Renderer) -> None:
    person, scene = identity_of(3), reference_scene(3).replace(place="library")
    clip = renderer.clip(person, scene, ("zoom in",), frames=21)  # more than two atlases of nine
    steps = np.abs(np.diff(clip.frames.astype(int), axis=0)).mean((1, 2, 3))
    assert steps.max() < 4 * np.median(steps) + 2
    behind = (clip.matte[0] == 0) & (clip.matte[-1] == 0)
    changed = np.abs(clip.frames[0].astype(int) - clip.frames[-1])[behind]
    assert changed.mean() > 5  # the place is zoomed into as well
    still = renderer.clip(person, scene, ("still",), frames=12)
    behind = (still.matte == 0).all(0)
    assert np.ptp(still.frames[:, behind], axis=0).max() == 0


def test_stills_together_are_those_drawn_alone(renderer: Renderer) -> None:
    person, scenes = identity_of(6), [reference_scene(1), scene_of(5), scene_of(8)]
    together = renderer.stills(person, scenes)
    for k, scene in enumerate(scenes):
        alone = renderer.still(person, scene)
        assert np.array_equal(together.frames[k], alone.frames[0])
        assert np.array_equal(together.matte[k], alone.matte[0])
        assert np.array_equal(together.landmarks[k], alone.landmarks[0])
    assert not np.array_equal(together.frames[0], together.frames[1])


def test_workers_take_turns_among_devices() -> None:
    assert [device_of(w, 2) for w in range(4)] == [0, 1, 0, 1]
    assert device_of(3, 1) is None


def test_left_moves_the_nose_to_the_right_of_the_picture(renderer: Renderer) -> None:
    person, scene = identity_of(3), reference_scene(3)

    def travel(action: str) -> np.ndarray:
        five = renderer.clip(person, scene, (action,), frames=3).five
        middle = five[:, :2].mean(1)
        return (five[:, 2] - middle)[-1] - (five[:, 2] - middle)[0]

    assert travel("turn left")[0] > 3
    assert travel("turn right")[0] < -3


def test_open_mouth_opens_and_closed_eyes_close(renderer: Renderer) -> None:
    person, scene = identity_of(4), reference_scene(4)

    def gap(action: str, above: int, below: int) -> np.ndarray:
        points = renderer.clip(person, scene, (action,), frames=3).landmarks
        return points[:, below, 1] - points[:, above, 1]

    mouth = gap("open mouth", 62, 60)
    assert mouth[-1] > mouth[0] + 2
    eye = gap("close eyes", 40, 33)
    assert eye[-1] < 0.6 * eye[0]


def test_the_hand_is_seen_when_it_waves(renderer: Renderer) -> None:
    matte = renderer.clip(identity_of(5), reference_scene(5).replace(framing="half body"), ("wave",), 5).matte
    beside_head = matte[:, : SIZE // 3, : SIZE // 3]  # the person's right hand: the viewer's left
    assert beside_head[0].mean() < 3
    assert beside_head[-1].mean() > beside_head[0].mean() + 3


def test_hair_beard_and_glasses_show(renderer: Renderer) -> None:
    scene = reference_scene(6).replace(framing="close-up")
    bearded = _person(beard="full beard", hair_style="bald", glasses="none")
    with_it = renderer.still(bearded, scene).frames[0].astype(int)
    without = renderer.still(dataclasses.replace(bearded, beard="none"), scene).frames[0].astype(int)
    changed = np.abs(with_it - without).sum(2) > 60
    assert changed[SIZE // 2 :].mean() > 0.03
    assert changed[: SIZE // 4].mean() < 0.01
    glasses = renderer.still(dataclasses.replace(bearded, glasses="round"), scene).frames[0].astype(int)
    assert (np.abs(glasses - with_it).sum(2) > 60).mean() > 0.005
    maned = dataclasses.replace(bearded, hair_style="long straight")
    assert renderer.still(maned, scene).matte.mean() > renderer.still(bearded, scene).matte.mean() + 8


def test_the_pool_delivers_its_jobs_and_leaves_nothing_behind() -> None:
    with Pool(1, 48, 3, "stills", views=2) as pool:
        seen = []
        for item in pool:
            assert item.frames.shape == (2, 48, 48, 3)
            assert item.frames.std() > 5
            seen.append(item.job)
            pool.release(item)
            if len(seen) == 3:
                break
        del item
        memory = Path("/dev/shm") / pool._memory.name
        assert memory.exists()
    assert seen == [make_job("stills", 3, n, views=2) for n in range(3)]
    assert not memory.exists()
    pool.close()  # once more does no harm


def test_a_broken_worker_is_reported(tmp_path: Path) -> None:
    with (
        Pool(1, 48, 3, "clips", bust=tmp_path / "none.npz") as pool,
        pytest.raises(WorkerFailed, match="export"),
    ):
        pool.get(timeout=60)


@pytest.mark.slow
def test_render_writes_whole_shards(tmp_path: Path) -> None:
    options = "--seconds 3 --workers 1 --size 48 --clips-per-shard 1 --clips-share 0.5"
    command = [sys.executable, "-m", "training.world", "render", "--out", str(tmp_path), *options.split()]
    subprocess.run(command, check=True, timeout=300)
    clips = list(shards(tmp_path, "clips"))
    assert clips
    assert clips[0].frames.shape[1:] == (17, 48, 48, 3)
    assert len(clips[0].jobs) == len(clips[0].frames)
    assert truth_of(clips[0].jobs[0]).actions
    assert not [p for p in tmp_path.iterdir() if p.name.startswith(".")]
