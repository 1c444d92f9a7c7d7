"""What the processes of a test cluster do when they start: know the tiny preset, or work with a stand-in.

A cluster takes ``ray_hook.tiny_preset`` or ``ray_hook.stand_in`` as its worker_process_setup_hook.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))


def tiny_preset() -> None:
    import tiny

    tiny.install(pytest.MonkeyPatch())


def stand_in() -> None:
    """Workers that need no models: what they do to an item is what its prompt says."""
    tiny_preset()
    from stillmotion.batch import stages

    stages.Worker = StandIn  # type: ignore[misc,assignment]


class StandIn:
    """A stage that writes down each call in ``DIR/calls`` and takes a tenth of a second."""

    def __init__(self, job, stage):  # type: ignore[no-untyped-def]
        self.job, self.stage = job, stage

    def __call__(self, item):  # type: ignore[no-untyped-def]
        from stillmotion.batch.stages import Outcome

        with (self.job.out / "calls").open("a") as calls:
            calls.write(f"{item.output} {self.stage} {os.getpid()} {threads()}\n")
        time.sleep(0.1)
        here = self.stage == "still"
        if here and item.prompt == "kills its process":
            os.kill(os.getpid(), signal.SIGKILL)
        if here and item.prompt == "fails":
            return Outcome(item.output, self.stage, "it fails", True)
        if here and item.prompt == "is wrong":
            return Outcome(item.output, self.stage, "it is wrong", False)
        if here and item.prompt == "no models":
            from stillmotion.errors import MissingWeightsError

            raise MissingWeightsError("tiny: no weights here; copy them")
        return Outcome(item.output, self.stage, figures={"frames_sha256": item.id, "seconds": {}})


def threads() -> int:
    import torch

    return torch.get_num_threads()
