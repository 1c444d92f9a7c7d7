"""What every trainer shares: a time budget, averaged weights, curves, checkpoints that appear whole or not
at all.

A trainer is given seconds, not steps: GPU time is rented. The learning rate follows the clock (linear warm-
up, then a cosine down to a twentieth), so that a training always ends annealed, whatever the machine's speed
turned out to be.
"""

from __future__ import annotations

import argparse
import csv
import json
import math
import os
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
import torch.distributed as dist
from torch import Tensor, nn

from training.muon import Muon, matrices_of

S = TypeVar("S")
T = TypeVar("T")
MOST_GRADIENT = 1.0
LOG_SECONDS = 8.0


class NonFiniteLossError(RuntimeError):
    """The loss stopped being a number: the run ends at once instead of burning its time."""


class Team:
    """The processes that train one model together, one for each GPU, each on batches of its own.

    ``python -m torch.distributed.run --nproc-per-node N -m training.X`` starts several; a plain start is a
    team of one. Gradients are averaged by `Stepper`; the first process tells the time and writes the files.
    """

    def __init__(self, device: str) -> None:
        self.size = int(os.environ.get("WORLD_SIZE", "1"))
        self.rank = int(os.environ.get("RANK", "0"))
        self.device = torch.device(device)
        if self.size > 1:
            if self.device.type == "cuda":
                self.device = torch.device("cuda", int(os.environ["LOCAL_RANK"]))
                torch.cuda.set_device(self.device)
            backends = "cpu:gloo,cuda:nccl" if self.device.type == "cuda" else "gloo"
            dist.init_process_group(backends, timeout=timedelta(minutes=5))

    @property
    def leads(self) -> bool:
        """Whether this process writes the files."""
        return self.rank == 0

    def seed(self, seed: int) -> None:
        """The same random numbers for everything drawn on the CPU by torch (weights, tasks), others in each
        process for everything else (batches, noise).
        """
        np.random.seed(seed + 1000 * self.rank)
        torch.manual_seed(seed)
        if self.device.type == "cuda":
            torch.cuda.manual_seed(seed + 1000 * self.rank)

    def told(self, value: float) -> float:
        """The first process's value, in every process."""
        if self.size == 1:
            return value
        shared = torch.tensor([value], dtype=torch.float64)
        dist.broadcast(shared, 0)
        return float(shared)

    def average(self, flat: Tensor) -> None:
        """Replace ``flat`` by its mean over the team."""
        if self.size > 1:
            dist.all_reduce(flat)
            flat /= self.size

    def first_then_rest(self, work: Callable[[], T]) -> T:
        """``work`` in the first process, and only then in the others: they find what it left on the disk."""
        done = work() if self.leads else None
        self.told(0)
        return work() if done is None else done

    def end(self) -> None:
        """Leave the team."""
        if self.size > 1:
            dist.barrier()
            dist.destroy_process_group()


class Clock:
    """The seconds of one run, as the team's first process counts them: ``running`` reads the time, everything
    else is as it was then. ``start`` may be set back so that loading the data counts too. ``part``: which
    part of the whole training this run is, where the whole takes several.
    """

    def __init__(
        self,
        seconds: float,
        start: float | None = None,
        team: Team | None = None,
        part: tuple[float, float] = (0.0, 1.0),
    ) -> None:
        self.seconds, self.team, self.part = seconds, team, part
        self.start = time.monotonic() if start is None else start
        self.elapsed = 0.0

    @property
    def done(self) -> float:
        """How far the whole training is, 0 to 1."""
        begin, end = self.part
        return begin + (end - begin) * min(1.0, self.elapsed / self.seconds)

    def running(self) -> bool:
        """Whether time is left."""
        elapsed = time.monotonic() - self.start
        self.elapsed = self.team.told(elapsed) if self.team else elapsed
        return self.elapsed < self.seconds


def learning_rate(base: float, done: float, step: int, warmup: int = 200, floor: float = 0.05) -> float:
    """Linear warm-up over ``warmup`` steps times a cosine from 1 down to ``floor`` over ``done`` in 0..1."""
    cosine = floor + (1 - floor) * 0.5 * (1 + math.cos(math.pi * min(1.0, done)))
    return base * min(1.0, (step + 1) / warmup) * cosine


class Averaged:
    """An exponential moving average of parameters; ``decay`` ramps up so that the start is forgotten.
    ``masters``: where the parameters are rounded copies, what they are copies of.
    """

    def __init__(
        self, parameters: Iterable[nn.Parameter], decay: float = 0.999, masters: list[Tensor] | None = None
    ) -> None:
        self.live, self.decay, self.steps = list(parameters), decay, 0
        self.exact = masters or [p.detach() for p in self.live]
        self.mean = [p.detach().clone().float() for p in self.exact]

    @torch.no_grad()
    def update(self) -> None:
        """Take one step's parameters in."""
        self.steps += 1
        decay = min(self.decay, (1 + self.steps) / (10 + self.steps))
        torch._foreach_lerp_(self.mean, self.exact, 1 - decay)

    @contextmanager
    def applied(self) -> Iterator[None]:
        """Within the block, the parameters are the averaged ones."""
        kept = [p.detach().clone() for p in self.live]
        with torch.no_grad():
            for p, m in zip(self.live, self.mean, strict=True):
                p.copy_(m)
        try:
            yield
        finally:
            with torch.no_grad():
                for p, k in zip(self.live, kept, strict=True):
                    p.copy_(k)


def ahead(items: Iterable[S], work: Callable[[S], T], threads: int = 6) -> Iterator[T]:
    """``work`` of each item in order, worked out by threads a little ahead of whoever takes the results."""
    with ThreadPoolExecutor(threads) as pool:
        waiting: deque[Future[T]] = deque()
        for item in items:
            waiting.append(pool.submit(work, item))
            if len(waiting) > threads:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


class Curve:
    """A CSV of figures over steps, appended across runs. ``samples`` are the whole team's."""

    def __init__(self, path: Path, team: Team | None = None) -> None:
        self.path, self.written = path, team is None or team.leads
        path.parent.mkdir(parents=True, exist_ok=True)
        self.began = self.last = time.monotonic()

    def due(self, step: int) -> bool:
        """Whether it is time for a row: the tenth step, then every few seconds."""
        now = time.monotonic()
        if step != 10 and now - self.last < LOG_SECONDS:
            return False
        self.last = now
        return True

    def log(self, step: int, samples: int, **figures: float) -> None:
        """Append one row and print it (a team's first process)."""
        if not self.written:
            return
        row = {"step": step, "samples": samples, "seconds": round(time.monotonic() - self.began, 1)}
        row |= {k: round(float(v), 5) for k, v in figures.items()}
        fresh = not self.path.exists()
        with self.path.open("a", newline="") as file:
            writer = csv.DictWriter(file, fieldnames=list(row))
            if fresh:
                writer.writeheader()
            writer.writerow(row)
        print(self.path.stem, " ".join(f"{k}={v}" for k, v in row.items()), flush=True)


class Saves:
    """Says when a run should keep what it has: a run that is cut off loses two minutes, not everything."""

    EVERY = 120.0

    def __init__(self, team: Team) -> None:
        self.team, self.last = team, time.monotonic()

    def due(self) -> bool:
        """Whether to save now; only ever in the team's first process."""
        if not self.team.leads or time.monotonic() - self.last < self.EVERY:
            return False
        self.last = time.monotonic()
        return True


class Meter:
    """Running means on the device, read (and synchronised) only when they are printed."""

    def __init__(self) -> None:
        self.sums: dict[str, Tensor] = {}
        self.count = 0

    def add(self, **figures: Tensor) -> None:
        """Add one step's figures (scalars on any device)."""
        for name, value in figures.items():
            figure = value.detach().float().clone()
            self.sums[name] = self.sums[name] + figure if name in self.sums else figure
        self.count += 1

    def read(self) -> dict[str, float]:
        """The means since the last read; raises NonFiniteLossError where one is not a number."""
        means = {k: (v / max(1, self.count)).item() for k, v in self.sums.items()}
        self.sums, self.count = {}, 0
        for name, value in means.items():
            if not math.isfinite(value):
                raise NonFiniteLossError(f"{name} is {value}")
        return means


def optimizer(groups: Iterable[dict[str, Any]], device: torch.device) -> torch.optim.AdamW:
    """AdamW for a trainer whose steps cannot be captured; each group carries its ``base`` learning rate."""
    groups = [{"lr": g["base"], **g} for g in groups]
    return torch.optim.AdamW(groups, betas=(0.9, 0.99), weight_decay=0.01, fused=device.type == "cuda")


def whole_or_part(parser: argparse.ArgumentParser) -> None:
    """The options that every trainer of several runs has."""
    parser.add_argument("--seconds", type=float, required=True, help="time for everything, loading included")
    parser.add_argument("--resume", action="store_true", help="go on from the last run's weights")
    parser.add_argument(
        "--part",
        type=float,
        nargs=2,
        default=(0.0, 1.0),
        metavar=("FROM", "TO"),
        help="which part of the whole training this run is: the learning rate follows it",
    )
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")


def step_optimizer(
    loss: Tensor, optim: torch.optim.AdamW, clock: Clock, step: int, clip: float = 1.0, warmup: int = 200
) -> Tensor:
    """One update with the clock's learning rate and clipped gradients; returns the gradients' norm."""
    for group in optim.param_groups:
        group["lr"] = learning_rate(group["base"], clock.done, step, warmup)
    optim.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    norm = nn.utils.clip_grad_norm_([p for g in optim.param_groups for p in g["params"]], clip)
    optim.step()
    return norm


def precision(device: torch.device) -> torch.autocast:
    """bfloat16 autocast on a GPU, nothing on a CPU. Without its cache: a captured graph must not keep stale
    casts.
    """
    return torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda", cache_enabled=False)


LossOf = Callable[[Any, dict[str, Tensor]], tuple[Tensor, dict[str, Tensor]]]


class Stepper:
    """Training steps: forward, backward, clipped AdamW, on a GPU as captured CUDA graphs.

    Small networks are bound by launching kernels one by one; a replayed graph is not. ``loss_of(key,
    batch)`` returns the loss to descend and figures to log; it may draw random numbers, but its shapes and
    its control flow must depend on ``key`` alone and it must not read values back. Each key's first steps
    run plainly, then its gradients are captured as one graph; the update, which is the same for all keys, is
    another. Between them a team averages its gradients. ``groups``: modules with their highest learning rate,
    which follows the clock; Muon updates their matrices, AdamW the rest.

    ``half`` turns the modules to bfloat16, whose traffic is half as much; what is updated are ``masters`` in
    float32, of which the modules hold a rounded copy. Gradients, updates and averages stay in float32.
    """

    PLAIN_STEPS = 3

    def __init__(
        self,
        loss_of: LossOf,
        groups: list[tuple[list[nn.Module], float]],
        clock: Clock,
        device: torch.device,
        team: Team | None = None,
        half: bool = False,
    ) -> None:
        self.loss_of, self.clock, self.device, self.team = loss_of, clock, device, team
        self.graphs = device.type == "cuda"
        self.bases = [base for _, base in groups]
        self.rates = [torch.tensor(base, device=device) for base in self.bases]
        every = [[p for m in modules for p in m.parameters()] for modules, _ in groups]
        self.parameters = [p for some in every for p in some]
        self.masters: list[Tensor] = [p.detach().float().clone() if half else p for p in self.parameters]
        of = dict(zip(map(id, self.parameters), self.masters, strict=True))
        if half:
            for p in self.parameters:
                p.data = p.data.bfloat16()
        matrices = [matrices_of(modules) for modules, _ in groups]
        self.muons = [Muon([of[id(w)] for w in weights]) for weights in matrices]
        muons = {id(w) for weights in matrices for w in weights}
        self.optim = torch.optim.AdamW(
            [
                {"params": [of[id(p)] for p in some if id(p) not in muons], "lr": rate}
                for some, rate in zip(every, self.rates, strict=True)
            ],
            betas=(0.9, 0.99),
            weight_decay=0.01,
            fused=self.graphs,
            capturable=self.graphs,
        )
        # All gradients in one flat tensor, averaged and clipped in one go; each parameter's is a view of it.
        self.gradient = torch.zeros(sum(p.numel() for p in self.parameters), device=device)
        parts = self.gradient.split([p.numel() for p in self.parameters])
        self.views = [part.view_as(p) for part, p in zip(parts, self.parameters, strict=True)]
        self.half = half
        self.steps = 0
        self.plain: dict[Any, int] = {}
        self.captured: dict[Any, tuple[torch.cuda.CUDAGraph, dict[str, Tensor], dict[str, Tensor]]] = {}
        self.update: torch.cuda.CUDAGraph | None = None
        self.pool = torch.cuda.graph_pool_handle() if self.graphs else None  # of the keys' graphs

    def __call__(self, key: Any, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """One step; returns the figures (they are overwritten by the next step of this key)."""
        for rate, base in zip(self.rates, self.bases, strict=True):
            rate.fill_(learning_rate(base, self.clock.done, self.steps))
        self.steps += 1
        figures = self._gradients(key, batch)
        if self.team:
            self.team.average(self.gradient)
        if self.update is not None:
            self.update.replay()
        elif self.graphs and self.steps > self.PLAIN_STEPS:
            # With memory of its own: what it works in must not be where a key's graph left its figures.
            self.update, _ = self._capture("the update", self._update, None)
            self._update() if self.update is None else self.update.replay()
        else:
            self._update()
        return figures

    def _gradients(self, key: Any, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """Leave the batch's gradients in ``gradient``; returns the figures."""
        if not self.graphs:
            return self._backward(key, batch)
        if key not in self.captured:
            self.plain[key] = self.plain.get(key, 0) + 1
            if self.plain[key] <= self.PLAIN_STEPS:
                return self._aside(key, batch)
            inputs = {k: v.clone() for k, v in batch.items()}
            graph, figures = self._capture(key, lambda: self._backward(key, inputs), self.pool)
            if graph is None:
                return self._backward(key, batch)
            self.captured[key] = (graph, inputs, figures)
        graph, inputs, figures = self.captured[key]
        for name, value in batch.items():
            inputs[name].copy_(value)
        graph.replay()
        return figures

    def _backward(self, key: Any, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        for p in self.parameters:
            p.grad = None
        loss, figures = self.loss_of(key, batch)
        loss.backward()  # type: ignore[no-untyped-call]
        self.gradient.zero_()
        made = [(view, p.grad) for view, p in zip(self.views, self.parameters, strict=True)]
        used = [(view, grad) for view, grad in made if grad is not None]
        torch._foreach_copy_([view for view, _ in used], [grad for _, grad in used])
        for p, master, view in zip(self.parameters, self.masters, self.views, strict=True):
            p.grad = None
            master.grad = view
        return {k: v.detach() for k, v in figures.items()}

    def _update(self) -> None:
        norm = torch.linalg.vector_norm(self.gradient)
        self.gradient.mul_((MOST_GRADIENT / (norm + 1e-6)).clamp(max=1.0))
        self.optim.step()
        for muon, rate in zip(self.muons, self.rates, strict=True):
            muon.step(rate)
        if self.half:
            with torch.no_grad():
                torch._foreach_copy_(self.parameters, self.masters)

    def _aside(self, key: Any, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """A plain step on a stream of its own, as capturing wants its warm-up."""
        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            figures = self._backward(key, batch)
        torch.cuda.current_stream().wait_stream(stream)
        return figures

    def _capture(
        self, name: Any, work: Callable[[], T], pool: tuple[int, int] | None
    ) -> tuple[torch.cuda.CUDAGraph | None, T | Any]:
        """``work`` as a graph, not run yet; None, and no graphs from now on, where it cannot be captured."""
        graph = torch.cuda.CUDAGraph()
        try:
            torch.cuda.synchronize()
            # Only this thread's doings count: a team's other threads look after its messages.
            with torch.cuda.graph(graph, pool=pool, capture_error_mode="thread_local"):
                made = work()
        except RuntimeError as error:
            print(f"no graph for {name}, going on without: {error}", flush=True)
            self.graphs = False
            return None, None
        return graph, made


def save_tensors(state: dict[str, Tensor], path: Path, dtype: torch.dtype | None = torch.bfloat16) -> None:
    """Write one safetensors file, whole or not at all; floating tensors as ``dtype``."""
    from safetensors.torch import save_file

    path.parent.mkdir(parents=True, exist_ok=True)
    kept = {
        k: (v.to(dtype) if dtype and v.is_floating_point() else v).cpu().contiguous()
        for k, v in state.items()
    }
    temporary = path.with_suffix(".part")
    save_file(kept, temporary)
    os.replace(temporary, path)


def load_tensors(path: Path) -> dict[str, Tensor]:
    """Read a safetensors file as float32 tensors on the CPU."""
    from safetensors.torch import load_file

    return {k: v.float() if v.is_floating_point() else v for k, v in load_file(path).items()}


def write_json(value: Any, path: Path) -> None:
    """Write JSON, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".part")
    temporary.write_text(json.dumps(value, indent=1) + "\n", encoding="utf-8")
    os.replace(temporary, path)
