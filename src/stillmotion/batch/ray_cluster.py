"""The way to a Ray cluster: the one that RAY_ADDRESS names, or one of our own for as long as it takes.

The only file that starts or leaves Ray. ``ray`` is passed on as a value, since it is an extra.
"""

from __future__ import annotations

import logging
import os
import secrets
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from typing import Any, TextIO, cast

from stillmotion.errors import InputError, MissingExtraError, StillmotionError
from stillmotion.libraries import one_line

ADDRESS = "RAY_ADDRESS"
OBJECT_STORE = 128 * 2**20
"""Bytes of shared memory of a cluster of our own: settings and paths go through it, pictures never do."""
ANSWERS_WITHIN = 10.0
"""Seconds in which the head of a cluster has to answer the door."""
ENOUGH_FOR = 64 * 2**30
"""Bytes of memory assumed of a machine that does not say."""


@dataclass(frozen=True)
class Machine:
    """A machine of the cluster. ``memory`` in bytes is what Ray gives to work; ``node`` is Ray's id of it."""

    node: str
    name: str
    cores: int
    gpus: int
    memory: int


def library() -> Any:
    """The package ray; MissingExtraError where it is not installed."""
    try:
        import ray  # type: ignore[import-not-found,import-untyped,unused-ignore]
    except ImportError as fault:
        raise MissingExtraError("ray", "ray", "--engine ray", fault) from None
    return ray


@contextmanager
def connected() -> Iterator[Any]:
    """``ray``, connected for the length of the block; a connection that the caller has is used and kept.

    Raises InputError where RAY_ADDRESS leads nowhere, StillmotionError where Ray cannot be started.
    """
    address = os.environ.get(ADDRESS, "").strip()
    if address in ("", "local"):
        _guard()
    ray = library()
    if ray.is_initialized():
        yield ray
        return
    try:
        _connect(ray, address)
        with redirect_stdout(cast(TextIO, _WithoutRay(sys.stdout))):
            yield ray
    finally:
        ray.shutdown()


def machines(ray: Any) -> dict[str, Machine]:
    """The machines that are alive, by their node."""
    found = {}
    for node in ray.nodes():
        if node["Alive"]:
            has = node["Resources"]
            name = str(node.get("NodeManagerHostname") or node["NodeManagerAddress"])
            found[node["NodeID"]] = Machine(
                node["NodeID"],
                name,
                int(has.get("CPU", 0)),
                int(has.get("GPU", 0)),
                int(has.get("memory", ENOUGH_FOR)),
            )
    return found


def _guard() -> None:
    """A cluster of our own listens on every network of the machine and runs what it is told: lock it.

    Ray reads this when it is first imported, so a program that imported it before has had its say. Nothing is
    reported to Ray's makers.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    if "ray" in sys.modules or "RAY_AUTH_MODE" in os.environ:
        return
    os.environ["RAY_AUTH_MODE"] = "token"
    os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(32))


def _connect(ray: Any, address: str) -> None:
    quiet = {"log_to_driver": False, "logging_level": logging.ERROR}
    try:
        if address not in ("", "local"):
            _knock(address)
            ray.init(address=address, **quiet)
            return
        ray.init(
            address="local",
            include_dashboard=False,
            object_store_memory=OBJECT_STORE,
            **quiet,
        )
    except Exception as fault:  # ray raises ConnectionError, RuntimeError, ValueError and classes of its own
        if address not in ("", "local"):
            raise InputError(
                f"{ADDRESS}: {address} does not take us in ({one_line(fault)}); "
                "start it with 'ray start --head', set RAY_AUTH_MODE=token if it wants one, "
                "or unset it for this machine alone"
            ) from None
        raise StillmotionError(f"ray could not be started: {one_line(fault)}; take --engine local") from None


def _knock(address: str) -> None:
    """OSError where nobody listens at HOST:PORT: Ray itself would try for a quarter of an hour."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if host and port.isdigit():
        socket.create_connection((host.strip("[]"), int(port)), timeout=ANSWERS_WITHIN).close()


class _WithoutRay:
    """Standard output without what Ray's own threads print: only results belong there."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        return len(text) if threading.current_thread().name.startswith("ray_") else self._stream.write(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)
