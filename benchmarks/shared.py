"""What the reports on mini share: a data set of people that it never saw, work in several processes, tables.

Nothing here needs dlib or the judge of words, so that videos can be made where neither is installed.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from stillmotion.errors import InputError, MissingExtraError

SIZE = 256
Line = dict[str, Any]
S = TypeVar("S")
T = TypeVar("T")


def over(work: Callable[[S], T], things: Iterable[S], workers: int) -> Iterator[T]:
    """``work`` of each thing in order, in so many processes; in this one where it is one.

    The processes share the cores, and several GPUs: each keeps to one of them, in turn.
    """
    if workers == 1:
        yield from map(work, things)
        return
    context = multiprocessing.get_context("spawn")
    numbers = context.SimpleQueue()
    for number in range(workers):
        numbers.put(number)
    threads = max(1, (os.cpu_count() or 1) // workers)
    with ProcessPoolExecutor(workers, context, take_place, (numbers, gpus(), threads)) as pool:
        yield from pool.map(work, things)


def gpus() -> list[str]:
    """The GPUs that this process may use, as CUDA_VISIBLE_DEVICES names them."""
    import torch

    named = os.environ.get("CUDA_VISIBLE_DEVICES")
    if named is not None:
        return [name for name in named.split(",") if name]
    return [str(number) for number in range(torch.cuda.device_count())]


def take_place(numbers: Any, found: Sequence[str], threads: int) -> None:
    """In a new process: draw a number and keep to its GPU, and to ``threads`` where nobody set them."""
    import torch

    number = numbers.get()
    if len(found) > 1:
        os.environ["CUDA_VISIBLE_DEVICES"] = found[number % len(found)]
    if "OMP_NUM_THREADS" not in os.environ:
        torch.set_num_threads(threads)


def dataset(out: Path, identities: int, prompts: int, seed: int) -> list[Line]:
    """The lines of truth.jsonl; draws the people and writes their prompts where that is not done."""
    path = out / "truth.jsonl"  # written last
    if not path.is_file():
        from training.world.body import DEFAULT_BUST, BustMissing
        from training.world.samples import write_dataset

        try:
            write_dataset(out, range(identities), prompts, size=SIZE, seed=seed, bust=DEFAULT_BUST)
        except BustMissing as error:
            raise InputError(str(error)) from None
        except ImportError as fault:
            raise MissingExtraError("moderngl", "training", "the synthetic world", fault) from None
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def check_order(out: Path, order: dict[str, Any]) -> None:
    """Note what the folder is for; InputError where it holds another report."""
    path = out / "order.json"
    if path.is_file() and json.loads(path.read_text()) != order:
        raise InputError(f"-o: {out} holds a report of other settings (order.json); name another folder")
    out.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(order, indent=1) + "\n", encoding="utf-8")


def command(name: str, description: str, workers: str) -> argparse.ArgumentParser:
    """The options that all reports have; ``workers`` says what the processes do."""
    parser = argparse.ArgumentParser(prog=f"python -m benchmarks.{name}", description=description)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--quality", default="standard")
    parser.add_argument("--preset", default="mini")
    parser.add_argument("--device", choices=["cpu", "cuda"], help="what makes the videos")
    parser.add_argument("--workers", type=int, default=1, help=f"processes that {workers}")
    return parser


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """The lines of a Markdown table."""
    return [f"| {' | '.join(row)} |" for row in (head, ["---"] * len(head), *rows)]
