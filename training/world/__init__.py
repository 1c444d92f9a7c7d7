"""The synthetic world: three-dimensional people on whom all of mini's weights are trained.

Everything is computed from seeds: who (`identity_of`), in what setting (`scene_of`), doing what
(`actions_of`), drawn by `Renderer`, told by `captions`. Left and right are always the person's own:
"she turns her head to the left" moves her nose towards the right of the picture.

The body comes from a file that `python -m training.world export` writes once; drawing needs numpy,
pillow and moderngl alone.
"""

from training.world.actions import ACTIONS, Action, actions_of, as_actions
from training.world.body import DEFAULT_BUST, BustMissing
from training.world.draw import Footage, Picture, Renderer
from training.world.people import (
    HELD_OUT,
    IDENTITY_DIM,
    IDENTITY_NAMES,
    TRAIN,
    Person,
    identity_of,
)
from training.world.scenes import Scene, reference_scene, scene_of
from training.world.truth import labels

__all__ = [
    "ACTIONS",
    "DEFAULT_BUST",
    "HELD_OUT",
    "IDENTITY_DIM",
    "IDENTITY_NAMES",
    "TRAIN",
    "Action",
    "BustMissing",
    "Footage",
    "Person",
    "Picture",
    "Renderer",
    "Scene",
    "actions_of",
    "as_actions",
    "identity_of",
    "labels",
    "reference_scene",
    "scene_of",
]
