"""What every trainer shares: a time budget, averaged weights, curves, checkpoints that appear whole or not
at all.

A trainer is given seconds, not steps: GPU time is rented. The learning rate follows the clock (linear warm-
up, then a cosine down to a tenth), so that a run always ends annealed, whatever the machine's speed turned
out to be.
"""

from __future__ import annotations

import csv
import json
import math
import os
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn


class NonFiniteLossError(RuntimeError):
    """The loss stopped being a number: the run ends at once instead of burning its time."""


class Clock:
    """The seconds of one run. ``start`` may be set back so that loading the data counts too."""

    def __init__(self, seconds: float, start: float | None = None) -> None:
        self.seconds = seconds
        self.start = time.monotonic() if start is None else start

    @property
    def elapsed(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self.start

    @property
    def done(self) -> float:
        """The part of the budget that is used, 0 to 1."""
        return min(1.0, self.elapsed / self.seconds)

    def running(self) -> bool:
        """Whether time is left."""
        return self.elapsed < self.seconds


def learning_rate(base: float, done: float, step: int, warmup: int = 200, floor: float = 0.1) -> float:
    """Linear warm-up over ``warmup`` steps times a cosine from 1 down to ``floor`` over ``done`` in 0..1."""
    cosine = floor + (1 - floor) * 0.5 * (1 + math.cos(math.pi * min(1.0, done)))
    return base * min(1.0, (step + 1) / warmup) * cosine


class Averaged:
    """An exponential moving average of modules' parameters; ``decay`` ramps up so that the start is
    forgotten.
    """

    def __init__(self, modules: dict[str, nn.Module], decay: float = 0.999) -> None:
        self.modules, self.decay, self.steps = modules, decay, 0
        self.live = [p for m in modules.values() for p in m.parameters()]
        self.mean = [p.detach().clone().float() for p in self.live]

    @torch.no_grad()
    def update(self) -> None:
        """Take one step's parameters in."""
        self.steps += 1
        decay = min(self.decay, (1 + self.steps) / (10 + self.steps))
        torch._foreach_lerp_(self.mean, [p.detach().float() for p in self.live], 1 - decay)

    @contextmanager
    def applied(self) -> Iterator[None]:
        """Within the block, the modules hold the averaged weights."""
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


class Curve:
    """A CSV of figures over steps, appended across runs, and its picture."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        self.began = time.monotonic()

    def log(self, step: int, samples: int, **figures: float) -> None:
        """Append one row and print it."""
        row = {"step": step, "samples": samples, "seconds": round(time.monotonic() - self.began, 1)}
        row |= {k: round(float(v), 5) for k, v in figures.items()}
        fresh = not self.path.exists()
        with self.path.open("a", newline="") as file:
            writer = csv.DictWriter(file, fieldnames=list(row))
            if fresh:
                writer.writeheader()
            writer.writerow(row)
        print(self.path.stem, " ".join(f"{k}={v}" for k, v in row.items()), flush=True)


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
    """Training steps: forward, backward, clipped AdamW, on a GPU each as one captured CUDA graph.

    Small networks are bound by launching kernels one by one; a replayed graph is not. ``loss_of(key,
    batch)`` returns the loss to descend and figures to log; it may draw random numbers, but its shapes and
    its control flow must depend on ``key`` alone and it must not read values back. Each key's first steps
    run plainly, then the graph is captured. ``groups``: AdamW parameter groups, each with its ``base``
    learning rate, which follows the clock.
    """

    PLAIN_STEPS = 3

    def __init__(
        self,
        loss_of: LossOf,
        groups: list[dict[str, Any]],
        clock: Clock,
        device: torch.device,
        graphs: bool = True,
    ) -> None:
        self.loss_of, self.clock, self.device = loss_of, clock, device
        self.graphs = graphs and device.type == "cuda"
        rates = [torch.tensor(g["base"], device=device) if self.graphs else g["base"] for g in groups]
        self.optim = torch.optim.AdamW(
            [{"lr": rate, **g} for rate, g in zip(rates, groups, strict=True)],
            betas=(0.9, 0.99),
            weight_decay=0.01,
            fused=device.type == "cuda",
            capturable=self.graphs,
        )
        self.parameters = [p for g in groups for p in g["params"]]
        self.steps = 0
        self.plain: dict[Any, int] = {}
        self.captured: dict[Any, tuple[torch.cuda.CUDAGraph, dict[str, Tensor], dict[str, Tensor]]] = {}
        self.pool = torch.cuda.graph_pool_handle() if self.graphs else None

    def __call__(self, key: Any, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """One step; returns the figures (they are overwritten by the next step of this key)."""
        for group in self.optim.param_groups:
            rate = learning_rate(group["base"], self.clock.done, self.steps)
            if isinstance(group["lr"], Tensor):
                group["lr"].fill_(rate)
            else:
                group["lr"] = rate
        self.steps += 1
        if not self.graphs:
            return self._step(key, batch)
        if key not in self.captured:
            self.plain[key] = self.plain.get(key, 0) + 1
            if self.plain[key] <= self.PLAIN_STEPS:
                return self._aside(key, batch)
            try:
                self._capture(key, batch)
            except RuntimeError as error:
                print(f"no graph for {key}, going on without: {error}", flush=True)
                self.graphs = False
                return self._step(key, batch)
        graph, inputs, figures = self.captured[key]
        for name, value in batch.items():
            inputs[name].copy_(value)
        graph.replay()
        return figures

    def _step(self, key: Any, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        self.optim.zero_grad(set_to_none=True)
        loss, figures = self.loss_of(key, batch)
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self.parameters, 1.0)
        self.optim.step()
        return {k: v.detach() for k, v in figures.items()}

    def _aside(self, key: Any, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """A plain step on a stream of its own, as capturing wants its warm-up."""
        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            figures = self._step(key, batch)
        torch.cuda.current_stream().wait_stream(stream)
        return figures

    def _capture(self, key: Any, batch: dict[str, Tensor]) -> None:
        inputs = {k: v.clone() for k, v in batch.items()}
        self.optim.zero_grad(set_to_none=True)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, pool=self.pool):
            figures = self._step(key, inputs)
        self.captured[key] = (graph, inputs, figures)


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
