"""How seats are laid out and which stage a free one takes: no cluster is needed to decide that."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from stillmotion.batch.job import Job
from stillmotion.batch.layouts import Item
from stillmotion.batch.ray_cluster import Machine
from stillmotion.batch.ray_engine import AHEAD, choose
from stillmotion.batch.ray_pool import Layout, Pool, Seat, layout, seats
from stillmotion.batch.stages import STAGES

ON_CPU = Layout(STAGES, ())
ON_GPUS = Layout(("identity", "plan"), ("still", "motion"))
ITEM = Item("1", "1", (Path("a.png"),), "She waves", "1.mp4", {}, "She waves")


def machine(cores: int = 4, gpus: int = 0, gib: int = 64) -> Machine:
    return Machine("node", "box", cores, gpus, gib * 2**30)


def pool(chosen: Layout, stages: Sequence[str | None]) -> Pool:
    """A pool whose GPUs hold these stages' models."""
    remote = SimpleNamespace(remote=lambda kind: kind)
    made = Pool(remote, Job(Path("out")), chosen)
    made.add([Seat(machine(gpus=1), "gpu", 1, stage) for stage in stages])
    return made


def waiting(**counts: int) -> dict[str, int]:
    return dict.fromkeys(STAGES, 0) | counts


@pytest.mark.parametrize(
    ("cores", "gib", "threads", "most", "expected"),
    [
        (8, 64, 2, 99, 4),
        (8, 64, 8, 99, 1),
        (2, 64, 4, 99, 1),
        (64, 64, 1, 5, 5),
        (64, 16, 1, 99, 4),
        (0, 64, 1, 9, 0),
    ],
)
def test_a_machine_without_gpus_has_as_many_seats_as_cores_and_memory_allow(
    cores: int, gib: int, threads: int, most: int, expected: int
) -> None:
    found = seats(machine(cores, 0, gib), Job(Path("out"), "mini"), ON_CPU, threads, most)
    assert [(seat.kind, seat.threads) for seat in found] == [("cpu", threads)] * expected


def test_each_gpu_is_one_seat_with_its_share_of_the_cores() -> None:
    found = seats(machine(cores=32, gpus=4), Job(Path("out"), "paper"), ON_GPUS, 16, 99)
    assert [(s.kind, s.threads) for s in found] == [("gpu", 8)] * 4 + [("cpu", 1)] * 4


@pytest.mark.parametrize(
    ("preset", "device", "options", "on_gpu"),
    [
        ("mini", None, {}, ()),
        ("paper", "cpu", {}, ()),
        ("paper", None, {}, ("plan", "still", "motion")),
        ("paper", None, {"writer": "rules"}, ("still", "motion")),
        ("mini", "cuda", {}, ("still", "motion")),
    ],
)
def test_what_needs_no_gpu_runs_on_the_cpu(
    preset: str, device: str | None, options: dict[str, Any], on_gpu: tuple[str, ...]
) -> None:
    found = layout(Job(Path("out"), preset, device, options), [ITEM])
    assert found.gpu == on_gpu
    assert set(found.cpu) == set(STAGES) - set(on_gpu)


def test_the_cpu_takes_the_latest_stage_first() -> None:
    seat = Seat(machine(), "cpu", 1)
    assert choose(seat, pool(ON_CPU, []), waiting(identity=9, still=1)) == "still"
    assert choose(seat, pool(ON_CPU, []), waiting()) is None


def test_a_gpu_stays_with_its_models_until_too_much_waits_behind() -> None:
    both = pool(ON_GPUS, ["still", "still"])
    assert choose(both.seats[0], both, waiting(still=5, motion=AHEAD - 1)) == "still"
    assert choose(both.seats[0], both, waiting(still=5, motion=AHEAD)) == "motion"
    mixed = pool(ON_GPUS, ["still", "motion"])
    assert choose(mixed.seats[0], mixed, waiting(still=5, motion=AHEAD)) == "still", "one GPU is at it"
    assert choose(mixed.seats[0], mixed, waiting(still=5, motion=2 * AHEAD)) == "motion"
    assert choose(mixed.seats[1], mixed, waiting(still=5, motion=1)) == "motion"
    assert choose(mixed.seats[1], mixed, waiting(still=5)) == "still", "no GPU is idle while work waits"


def test_what_feeds_the_gpus_pauses_when_enough_waits_before_them() -> None:
    seat = Seat(machine(), "cpu", 1)
    one = pool(ON_GPUS, ["still"])
    assert choose(seat, one, waiting(identity=9, still=2 * AHEAD - 1)) == "identity"
    assert choose(seat, one, waiting(identity=9, still=2 * AHEAD)) is None


def test_a_machine_that_goes_leaves_what_it_was_at() -> None:
    both = pool(ON_GPUS, ["still", "motion"])
    both.seats[1].work = ("motion", ITEM)
    assert both.remove("node") == [("motion", ITEM)]
    assert both.seats == []


def test_items_that_fail_never_close_a_seat_but_rest_it() -> None:
    one = pool(ON_CPU, [])
    seat = Seat(machine(), "cpu", 1)
    one.add([seat])
    for _ in range(20):
        one.lose(seat)
    assert not seat.closed and not seat.idle
    one.judge(seat, True)
    seat.rests_until = 0.0
    assert seat.idle
    one.judge(seat, False)
    assert seat.idle, "one failure is the item's"
    for _ in range(3):
        one.fail(seat)
    assert seat.closed, "three processes could not work at all"
