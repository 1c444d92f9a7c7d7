"""What moves in a clip, moment by moment, as the numbers that the judge learns to tell.

A clip has one name of thirty for its action, but seventeen moments of which the world knows everything: a
network that has to tell them learns from each picture and cannot do it by remembering clips. The actions are
then read from these numbers alone. That reading can be rehearsed on any number of clips that no one drew.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from training.world.actions import Action, as_actions, movement
from training.world.posing import directions, face_weights
from training.world.scenes import Scene

MOMENTS: dict[str, float] = {
    "yaw": 0.16, "pitch": 0.09, "roll": 0.09, "gaze_x": 0.3, "gaze_y": 0.3,
    "lean": 0.09, "shrug": 0.3, "bob": 0.005, "sway": 0.006, "hand": 0.3, "wave": 0.13,
    "zoom": 0.13, "pan": 0.027,
    "browDown": 0.3, "browInnerUp": 0.3, "browOuterUp": 0.3, "cheekPuff": 0.1, "cheekSquint": 0.25,
    "eyeBlink": 0.3, "eyeSquint": 0.2, "eyeWide": 0.25, "jawOpen": 0.15, "mouthFrown": 0.3,
    "mouthFunnel": 0.15, "mouthLowerDown": 0.17, "mouthPucker": 0.3, "mouthSmile": 0.3, "mouthStretch": 0.15,
    "mouthUpperUp": 0.15, "noseSneer": 0.1, "mouthShrugLower": 0.15,
}  # fmt: skip
"""What is told of each moment, and what counts as one of it: about a third of what an action changes. The
zoom is a logarithm; of pairs of facial actions there is one, since both sides always do the same.
"""
FELT = ("yaw", "pitch", "gaze_x", "gaze_y", *list(MOMENTS)[list(MOMENTS).index("browDown") :])
"""Those that an aligned face shows: where it looks, and its expression."""
SIDED = ("yaw", "roll", "gaze_x", "sway", "wave", "pan")
"""Those that a mirror turns round."""


def moments_of(scene: Scene, actions: Sequence[Action | str], frames: int) -> NDArray[np.float32]:
    """What is true at each of a clip's moments: (T, MOMENTS), each in its own unit."""
    moved = movement(as_actions(actions), frames)
    known = vars(moved) | face_weights(scene, moved) | directions(scene, moved)
    known["zoom"] = np.log(moved.zoom)
    none = np.zeros(frames, np.float32)
    curves = [known.get(name, known.get(f"{name}Left", none)) / unit for name, unit in MOMENTS.items()]
    return np.stack(curves, axis=1).astype(np.float32)


def changes(moments: Tensor) -> Tensor:
    """How each moment differs from the clip's first one, the scene at rest."""
    return moments - moments[:, :1]


def misread(moments: Tensor) -> Tensor:
    """Moments (B, T, MOMENTS) as a network may tell them: too strong or weak, all a bit off, and unsteady.

    How unsteady differs from clip to clip.
    """
    count, frames, width = moments.shape

    def normal(*shape: int) -> Tensor:
        return torch.randn(count, *shape, device=moments.device)

    first = moments[:, :1]
    strength = 1 + 0.15 * normal(1, width)
    drift = F.interpolate(normal(width, 5), frames, mode="linear", align_corners=True).mT
    size = torch.rand(count, 1, 1, device=moments.device)
    unsteady = size * (0.4 * drift + 0.5 * normal(frames, width))
    return first + (moments - first) * strength + 0.5 * normal(1, width) + unsteady
