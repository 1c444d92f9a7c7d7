"""The lights of the world: a key light with shadow, a fill, a rim and the sky, in linear colour."""

from __future__ import annotations

from dataclasses import dataclass

from training.world.people import Colour


@dataclass(frozen=True)
class Light:
    """`direction` points from the person to the key light (x to the person's left, -y to the viewer).

    `key`, `fill`, `rim` and `ambient` are linear RGB; `tint` multiplies the place behind (sRGB).
    """

    direction: tuple[float, float, float]
    key: Colour
    fill: Colour
    rim: Colour
    ambient: Colour
    tint: Colour = (1.0, 1.0, 1.0)


LIGHT_SETUPS: dict[str, Light] = {
    "soft light": Light(
        (0.52, -0.72, 0.58), (0.84, 0.81, 0.77), (0.15, 0.15, 0.16), (0.10,) * 3, (0.29,) * 3
    ),
    "bright daylight": Light(
        (-0.35, -0.65, 0.80), (1.02, 0.98, 0.90), (0.14, 0.16, 0.20), (0.16,) * 3, (0.30, 0.33, 0.38),
        (1.06,) * 3,
    ),
    "warm light": Light(
        (0.55, -0.72, 0.40), (0.88, 0.62, 0.36), (0.16, 0.12, 0.09), (0.10, 0.07, 0.05), (0.34, 0.27, 0.20),
        (1.0, 0.92, 0.82),
    ),
    "cold light": Light(
        (-0.50, -0.75, 0.50), (0.46, 0.60, 0.82), (0.10, 0.13, 0.18), (0.07, 0.09, 0.12), (0.22, 0.28, 0.38),
        (0.86, 0.95, 1.06),
    ),
    "dramatic side light": Light(
        (0.82, -0.50, 0.28), (1.12, 1.05, 0.95), (0.06, 0.06, 0.07), (0.10,) * 3, (0.13, 0.13, 0.14),
        (0.60, 0.60, 0.62),
    ),
    "golden sunset light": Light(
        (-0.62, -0.70, 0.30), (1.08, 0.66, 0.35), (0.15, 0.13, 0.16), (0.40, 0.20, 0.08), (0.26, 0.20, 0.21),
        (1.04, 0.80, 0.62),
    ),
    "neon light": Light(
        (0.70, -0.62, 0.25), (0.88, 0.34, 0.64), (0.16, 0.38, 0.66), (0.15, 0.30, 0.60), (0.22, 0.19, 0.30),
        (0.68, 0.58, 0.86),
    ),
}  # fmt: skip
