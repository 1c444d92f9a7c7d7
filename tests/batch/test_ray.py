"""Batches on a real Ray cluster of several nodes, each with processes and resources of its own."""

from __future__ import annotations

import collections
import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import small
import tiny

from stillmotion.batch.job import Job
from stillmotion.batch.layouts import Item
from stillmotion.batch.manifest import Ledger, Order
from stillmotion.batch.stages import STAGES
from stillmotion.errors import InputError
from stillmotion.progress import silent

ray = pytest.importorskip("ray", reason="the extra 'ray' is not installed")

HERE = Path(__file__).parent


@contextmanager
def cluster(hook: str, nodes: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A head without cores and ``nodes`` machines of one core each; this process is connected to it."""
    from ray.cluster_utils import Cluster

    monkeypatch.setenv("PYTHONPATH", os.pathsep.join((str(HERE), str(HERE.parent))))
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    made = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
    try:
        made.machines = [made.add_node(num_cpus=1) for _ in range(nodes)]
        ray.init(
            address=made.address,
            log_to_driver=False,
            logging_level="ERROR",
            runtime_env={"worker_process_setup_hook": f"ray_hook.{hook}"},
        )
        yield made
    finally:
        ray.shutdown()
        made.shutdown()


def items(photo: Path, prompts: list[str]) -> list[Item]:
    return [
        Item(str(number), str(number), (photo,), prompt, f"{number}.mp4", {}, prompt)
        for number, prompt in enumerate(prompts, 1)
    ]


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """No rests, and a process that died did not die with its machine."""
    from stillmotion.batch import ray_engine, ray_pool

    monkeypatch.setattr(ray_engine, "DEATH_IS_KNOWN", 0.0)
    monkeypatch.setattr(ray_engine, "BACK_OFF", 0.1)
    monkeypatch.setattr(ray_pool, "REST", 0.1)


def work(out: Path, prompts: list[str], attempts: int = 3) -> Ledger:
    """Run the engine alone on items with these prompts."""
    from stillmotion.batch import ray_engine

    out.mkdir(exist_ok=True)
    todo = items(tiny.write_photo(out / "photo.png"), prompts)
    job = Job(out)
    orders = [Order(item, "in", "set", STAGES) for item in todo]
    ledger = Ledger(job, out / "manifest.jsonl", orders, attempts)
    ray_engine.run(ledger.items, job, ledger, attempts, silent)
    return ledger


def calls(out: Path) -> list[list[str]]:
    return [line.split() for line in (out / "calls").read_text().splitlines()]


def test_two_machines_share_the_work_and_poison_holds_nobody_up(
    tmp_path: Path, quick: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    out = tmp_path / "out"
    with cluster("stand_in", 2, monkeypatch):
        ended = work(out, ["kills its process", "fails", "is wrong", *["works"] * 20], attempts=2).ended

    assert [ended[f"{n}.mp4"].status for n in range(1, 24)] == ["failed"] * 3 + ["done"] * 20
    assert [ended[f"{n}.mp4"].attempts for n in (1, 2, 3)] == [2, 2, 1]
    assert ended["1.mp4"].error == "still: its process died: ActorDiedError"
    assert (ended["2.mp4"].error, ended["3.mp4"].error) == ("still: it fails", "still: it is wrong")
    counts = collections.Counter((output, stage) for output, stage, _, _ in calls(out))
    assert all(counts[f"{n}.mp4", stage] == 1 for n in range(4, 24) for stage in STAGES)
    assert [counts[f"{n}.mp4", "still"] for n in (1, 2, 3)] == [2, 2, 1]
    workers = {call[2] for call in calls(out)}
    assert len(workers) >= 2 + 1, "one process for each machine, and one after a death"
    assert {call[3] for call in calls(out)} == {str(torch.get_num_threads())}
    assert not list((out / ".work").glob(".probe*"))


@pytest.mark.slow
def test_what_no_machine_can_do_is_told_with_its_name(
    tmp_path: Path, quick: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (
        cluster("stand_in", 2, monkeypatch),
        pytest.raises(InputError, match=r"machine .*: tiny: no weights here; copy them; mend that"),
    ):
        work(tmp_path / "out", ["no models"])


@pytest.mark.slow
def test_three_nodes_one_killed_twice_nothing_lost_nothing_doubled(
    tmp_path: Path, tiny_preset: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = small.dataset(tmp_path / "set", people=7)
    small.make(data, tmp_path / "local")
    expected = small.frames(tmp_path / "local")
    out = tmp_path / "ray"
    with cluster("tiny_preset", 3, monkeypatch) as made:
        made.kills = made.added = 0

        def replace_the_dead(*_: Any) -> None:
            if made.added < made.kills:  # here, since only the main thread may start a node
                made.machines.append(made.add_node(num_cpus=1))
                made.added += 1

        killer = threading.Thread(target=kill_twice, args=(made, out))
        killer.start()
        summary = small.make(data, out, engine="ray", progress=replace_the_dead)
        killer.join()
    assert (made.kills, made.added) == (2, 2), "the batch was over too soon"
    assert (summary.done, summary.failed, len(expected)) == (14, 0, 14)
    assert small.frames(out) == expected
    lines = small.lines(out)
    assert [line["output"] for line in lines] == [item.output for item in data.items]
    assert {line["output"]: line["frames_sha256"] for line in lines} == expected
    assert {line["attempts"] for line in lines} == {1}, "a lost machine is no attempt of the item's"
    assert small.files(out) == sorted([*expected, "manifest.jsonl"])


def kill_twice(made: Any, out: Path) -> None:
    """Kill the last node once two videos are there, and the one in its place after six more."""
    for videos in (2, 8):
        until = time.monotonic() + 240
        while len(list(out.glob("*/*.mp4"))) < videos or made.added < made.kills:
            time.sleep(0.05)
            if time.monotonic() > until:
                return
        made.remove_node(made.machines.pop(), allow_graceful=False)
        made.kills += 1


def test_a_machine_that_cannot_take_part_is_named_before_work_starts(tmp_path: Path) -> None:
    from stillmotion import __version__
    from stillmotion.batch.ray_worker import look

    probe = tmp_path / ".work" / ".probe"
    probe.parent.mkdir()
    probe.write_text("token")
    photo = tiny.write_photo(tmp_path / "photo.png")
    assert look(probe, "token", photo, __version__) is None
    assert "install the same" in str(look(probe, "token", photo, "0.0.0"))
    assert "cannot read" in str(look(probe, "token", tmp_path / "none.png", __version__))
    assert os.listdir(probe.parent) == [".probe"]


def test_a_folder_that_is_not_shared_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from stillmotion import __version__
    from stillmotion.batch import ray_worker

    monkeypatch.setattr(ray_worker, "SHARED_WITHIN", 0.1)
    fault = ray_worker.look(tmp_path / "out" / ".work" / ".probe", "token", None, __version__)
    assert fault and fault.user and f"does not see {tmp_path / 'out'}; " in fault.text


def test_without_ray_the_error_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    from stillmotion.batch import ray_cluster
    from stillmotion.errors import MissingExtraError

    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingExtraError, match=r"--engine ray needs .* pip install 'stillmotion\[ray\]'"):
        ray_cluster.library()


@pytest.mark.parametrize("address", ["127.0.0.1:1", "ray://127.0.0.1:1", "nowhere://127.0.0.1:1"])
def test_an_address_that_leads_nowhere_is_told_at_once(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from stillmotion.batch import ray_cluster

    monkeypatch.setenv("RAY_ADDRESS", address)
    started = time.monotonic()
    with (
        pytest.raises(InputError, match=f"RAY_ADDRESS: {address} does not take us in"),
        ray_cluster.connected(),
    ):
        pass
    assert time.monotonic() - started < 10
