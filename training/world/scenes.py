"""What is seen besides the person: clothing, place, light, framing, expression, pose.

Left and right are always the person's own: "looks to her left" moves towards the right of the picture.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import numpy as np

from training.world.people import Colour

CLOTHES = (
    "t-shirt", "sweater", "v-neck sweater", "turtleneck", "suit", "tank top", "shirt", "hoodie",
    "leather jacket", "dress",
)  # fmt: skip
COLOURS: dict[str, Colour] = {
    "red": (0.760, 0.110, 0.110),
    "blue": (0.130, 0.270, 0.720),
    "green": (0.120, 0.460, 0.210),
    "yellow": (0.930, 0.780, 0.180),
    "white": (0.930, 0.930, 0.925),
    "black": (0.070, 0.070, 0.078),
    "orange": (0.920, 0.450, 0.100),
    "purple": (0.420, 0.170, 0.570),
    "pink": (0.930, 0.530, 0.670),
    "gray": (0.470, 0.480, 0.490),
    "brown": (0.390, 0.240, 0.140),
    "teal": (0.090, 0.500, 0.520),
}
# Clothes that come striped or checked now and then; the others are always plain.
PATTERNS: dict[str, tuple[str, ...]] = {
    "t-shirt": ("plain", "striped"),
    "sweater": ("plain", "striped"),
    "shirt": ("plain", "checked"),
    "dress": ("plain", "dotted"),
}
PLACES = (
    "studio", "beach", "forest", "city", "office", "night city", "snowy mountains", "desert",
    "living room", "flower garden", "library", "kitchen", "brick wall", "stage",
)  # fmt: skip
STUDIO_COLOURS: dict[str, Colour] = {
    "gray": (0.60, 0.62, 0.64),
    "white": (0.93, 0.93, 0.93),
    "blue": (0.42, 0.58, 0.78),
    "pink": (0.88, 0.68, 0.72),
    "green": (0.52, 0.70, 0.56),
    "yellow": (0.90, 0.80, 0.50),
}
LIGHTS = (
    "soft light", "bright daylight", "warm light", "cold light", "dramatic side light",
    "golden sunset light", "neon light",
)  # fmt: skip
FRAMINGS = ("close-up", "portrait", "half body")
EXPRESSIONS = ("neutral", "smiling", "laughing", "surprised", "frowning", "sad")
VIEWS = ("front", "left", "right")
GAZES = ("camera", "left", "right", "up", "down")


@dataclass(frozen=True)
class Scene:
    """One setting for a picture; names are those of the tuples above.

    `view` is where the head is turned and `gaze` where the eyes look, both from the person's own side.
    `yaw` and `pitch` (radians), `distance` (a factor), `offset` (metres right and up) and `camera_yaw`
    (radians) are the small disorder of real pictures. `place_seed` varies the place itself.
    """

    seed: int
    clothing: str
    colour: str
    second_colour: str
    pattern: str
    place: str
    studio_colour: str
    place_seed: float
    light: str
    framing: str
    expression: str
    view: str
    gaze: str
    yaw: float
    pitch: float
    roll: float
    distance: float
    offset: tuple[float, float]
    camera_yaw: float
    camera_height: float

    def replace(self, **changes: Any) -> Scene:
        """The same scene with some fields changed."""
        return dataclasses.replace(self, **changes)


def reference_scene(seed: int = 0) -> Scene:
    """The plain frontal studio portrait that serves as a reference picture; the seed varies little things."""
    rng = np.random.default_rng([72_303, seed])
    colours = [c for c in COLOURS if c not in ("white",)]
    return Scene(
        seed=seed, clothing=str(rng.choice(["t-shirt", "sweater", "shirt"])),
        colour=str(rng.choice(colours)), second_colour="white", pattern="plain", place="studio",
        studio_colour=str(rng.choice(["gray", "white", "blue"])), place_seed=float(rng.uniform(0, 50)),
        light="soft light", framing="portrait", expression="neutral", view="front", gaze="camera",
        yaw=float(rng.normal(0, 0.03)), pitch=float(rng.normal(0, 0.02)), roll=0.0,
        distance=float(rng.uniform(0.86, 0.98)), offset=(0.0, 0.0), camera_yaw=0.0, camera_height=0.0,
    )  # fmt: skip


def scene_of(seed: int) -> Scene:
    """The scene with this seed, always the same one. Seeds are non-negative."""
    rng = np.random.default_rng([72_202, seed])
    clothing = str(rng.choice(CLOTHES))
    colour, second = (str(c) for c in rng.choice(list(COLOURS), 2, replace=False))
    patterns = PATTERNS.get(clothing, ("plain",))
    pattern = str(rng.choice(patterns, p=[0.6, 0.4] if len(patterns) == 2 else None))
    offset = rng.normal(0, 1, 2) * np.array([0.010, 0.007])
    return Scene(
        seed=seed, clothing=clothing, colour=colour, second_colour=second, pattern=pattern,
        place=str(rng.choice(PLACES)), studio_colour=str(rng.choice(list(STUDIO_COLOURS))),
        place_seed=float(rng.uniform(0, 50)),
        light=str(rng.choice(LIGHTS, p=[0.26, 0.16, 0.15, 0.12, 0.11, 0.12, 0.08])),
        framing=str(rng.choice(FRAMINGS, p=[0.34, 0.46, 0.20])),
        expression=str(rng.choice(EXPRESSIONS, p=[0.40, 0.24, 0.08, 0.10, 0.10, 0.08])),
        view=str(rng.choice(VIEWS, p=[0.60, 0.20, 0.20])),
        gaze=str(rng.choice(GAZES, p=[0.76, 0.08, 0.08, 0.04, 0.04])),
        yaw=float(rng.normal(0, 0.05)), pitch=float(rng.normal(0, 0.035)), roll=float(rng.normal(0, 0.03)),
        distance=float(rng.uniform(0.95, 1.06)), offset=(float(offset[0]), float(offset[1])),
        camera_yaw=float(rng.normal(0, 0.06)), camera_height=float(rng.normal(0, 0.02)),
    )  # fmt: skip
