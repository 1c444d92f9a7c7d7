"""Who is in the picture: persons drawn from seeds, each a point in a space of named properties.

A person is computed from an index and nothing else, so there are as many as one likes. Persons 0 to 999
are held out: no trainer may see them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

HELD_OUT = range(0, 1000)
TRAIN = range(1000, 1_000_000)

Colour = tuple[float, float, float]

# Sliders of the body model that differ between people: name -> standard deviation (range -1 to 1).
# Those that move whole regions are kept small: at full spread they make heads that no one has.
SLIDERS: dict[str, float] = {
    "cheek-bones-incr": 0.45, "cheek-inner-incr": 0.35, "cheek-trans-up": 0.35, "cheek-volume-incr": 0.45,
    "chin-bones-incr": 0.40, "chin-cleft-incr": 0.35, "chin-height-incr": 0.38, "chin-jaw-drop-incr": 0.38,
    "chin-prognathism-incr": 0.25, "chin-prominent-incr": 0.35, "chin-width-incr": 0.45,
    "ear-flap-incr": 0.30, "ear-lobe-incr": 0.40, "ear-rot-forward": 0.25, "ear-scale-depth-incr": 0.25,
    "ear-scale-incr": 0.35, "ear-scale-vert-incr": 0.30, "ear-shape-round": 0.30, "ear-shape-triangle": 0.30,
    "ear-trans-forward": 0.20, "ear-trans-up": 0.25, "ear-wing-incr": 0.35,
    "eye-bag-height-incr": 0.30, "eye-bag-incr": 0.35, "eye-bag-out": 0.30, "eye-corner1-up": 0.40,
    "eye-corner2-up": 0.40, "eye-epicanthus-out": 0.35, "eye-eyefold-angle-up": 0.40, "eye-eyefold-up": 0.40,
    "eye-height1-incr": 0.35, "eye-height2-incr": 0.40, "eye-height3-incr": 0.35, "eye-push1-out": 0.30,
    "eye-push2-out": 0.30, "eye-scale-incr": 0.38, "eye-trans-out": 0.36, "eye-trans-up": 0.35,
    "eyebrows-angle-up": 0.42, "eyebrows-trans-forward": 0.40, "eyebrows-trans-up": 0.40,
    "forehead-nubian-incr": 0.22, "forehead-scale-vert-incr": 0.26, "forehead-temple-incr": 0.35,
    "forehead-trans-forward": 0.30, "head-age-incr": 0.15, "head-angle-out": 0.12,
    "head-back-scale-depth-incr": 0.22, "head-fat-incr": 0.38, "head-scale-depth-incr": 0.25,
    "head-scale-horiz-incr": 0.30, "head-scale-vert-incr": 0.26, "head-trans-forward": 0.10,
    "head-trans-up": 0.10, "measure-shoulder-dist-incr": 0.25,
    "mouth-angles-up": 0.35, "mouth-cupidsbow-incr": 0.40, "mouth-cupidsbow-width-incr": 0.40,
    "mouth-dimples-out": 0.35, "mouth-laugh-lines-out": 0.35, "mouth-lowerlip-ext-up": 0.25,
    "mouth-lowerlip-height-incr": 0.45, "mouth-lowerlip-middle-up": 0.25, "mouth-lowerlip-volume-incr": 0.45,
    "mouth-lowerlip-width-incr": 0.40, "mouth-philtrum-volume-incr": 0.30, "mouth-scale-depth-incr": 0.28,
    "mouth-scale-horiz-incr": 0.45, "mouth-scale-vert-incr": 0.35, "mouth-trans-forward": 0.25,
    "mouth-trans-up": 0.38, "mouth-upperlip-ext-up": 0.25, "mouth-upperlip-height-incr": 0.45,
    "mouth-upperlip-middle-up": 0.25, "mouth-upperlip-volume-incr": 0.45, "mouth-upperlip-width-incr": 0.40,
    "neck-back-scale-depth-incr": 0.20, "neck-double-incr": 0.25, "neck-scale-depth-incr": 0.22,
    "neck-scale-horiz-incr": 0.28, "neck-scale-vert-incr": 0.15, "neck-trans-forward": 0.10,
    "neck-trans-up": 0.10, "nose-base-up": 0.38, "nose-compression-uncompress": 0.30,
    "nose-curve-convex": 0.42, "nose-flaring-incr": 0.40, "nose-greek-incr": 0.35, "nose-hump-incr": 0.42,
    "nose-nostrils-angle-up": 0.35, "nose-nostrils-width-incr": 0.42, "nose-point-up": 0.42,
    "nose-point-width-incr": 0.42, "nose-scale-depth-incr": 0.38, "nose-scale-horiz-incr": 0.42,
    "nose-scale-vert-incr": 0.40, "nose-septumangle-incr": 0.35, "nose-trans-forward": 0.30,
    "nose-trans-up": 0.35, "nose-volume-incr": 0.40, "nose-width1-incr": 0.42, "nose-width2-incr": 0.42,
    "nose-width3-incr": 0.42, "torso-muscle-pectoral-incr": 0.25, "torso-scale-horiz-incr": 0.25,
}  # fmt: skip

_SPREAD = 1.15  # people differ this much more than the table says: strangers must tell them apart

# Where the average person of the world differs from the model's own: livelier eyes, finer women's features.
_MEANS = {"eye-scale-incr": 0.25, "eye-height2-incr": 0.12, "head-fat-incr": -0.05, "nose-volume-incr": -0.15,
          "forehead-scale-vert-incr": -0.10}  # fmt: skip
_WOMEN_MEANS = {"chin-width-incr": -0.22, "nose-scale-horiz-incr": -0.15, "nose-volume-incr": -0.25,
                "chin-height-incr": -0.12, "eye-scale-incr": 0.38, "cheek-bones-incr": 0.15,
                "neck-scale-horiz-incr": -0.25, "head-scale-horiz-incr": -0.08,
                "torso-scale-horiz-incr": -0.35, "measure-shoulder-dist-incr": -0.30,
                "mouth-scale-horiz-incr": -0.10}  # fmt: skip

# Skin colours as sRGB, from fair to deep; a person's skin lies between two neighbours.
SKINS: dict[str, Colour] = {
    "very fair": (0.945, 0.800, 0.730),
    "fair": (0.910, 0.735, 0.640),
    "light": (0.860, 0.660, 0.540),
    "olive": (0.780, 0.570, 0.430),
    "tan": (0.680, 0.475, 0.340),
    "brown": (0.520, 0.345, 0.235),
    "dark brown": (0.370, 0.235, 0.160),
    "deep": (0.270, 0.170, 0.120),
}
HAIR_COLOURS: dict[str, Colour] = {
    "black": (0.055, 0.048, 0.045),
    "dark brown": (0.155, 0.095, 0.062),
    "brown": (0.290, 0.175, 0.105),
    "blonde": (0.780, 0.600, 0.330),
    "red": (0.520, 0.175, 0.065),
    "gray": (0.520, 0.515, 0.510),
    "white": (0.860, 0.855, 0.840),
}
HAIR_STYLES = (
    "bald", "buzz cut", "short", "side parted", "curly", "afro", "bob", "long straight", "long wavy",
    "ponytail", "bun",
)  # fmt: skip
EYE_COLOURS: dict[str, Colour] = {
    "brown": (0.300, 0.165, 0.080),
    "dark brown": (0.150, 0.085, 0.050),
    "hazel": (0.420, 0.300, 0.120),
    "green": (0.270, 0.430, 0.230),
    "blue": (0.260, 0.450, 0.680),
    "gray": (0.450, 0.510, 0.560),
}
BEARDS = ("none", "stubble", "moustache", "goatee", "full beard")
GLASSES = ("none", "round", "rectangular")


@dataclass(frozen=True)
class Person:
    """One inhabitant of the world. Colours are sRGB in 0 to 1, `sliders` follow `SLIDERS` in -1 to 1.

    `phenotypes` are the body model's own: gender, age, muscle, weight, cupsize and the shares of
    African, Asian and Caucasian features, each in 0 to 1. `brows` are thickness, height and darkness,
    each in -1 to 1. `seed` varies what has no name (the run of strands, moles).
    """

    index: int
    gender: str
    age: int
    sliders: tuple[float, ...]
    phenotypes: tuple[float, ...]
    skin_name: str
    skin: Colour
    hair_style: str
    hair_colour: str
    hair: Colour
    eye_colour: str
    eyes: Colour
    beard: str
    glasses: str
    brows: tuple[float, float, float]
    hairline: float
    freckles: float
    lipstick: float
    seed: float

    def vector(self) -> NDArray[np.float32]:
        """The regression target (IDENTITY_DIM,), every entry roughly in -1 to 1."""
        return _vector(self)

    @property
    def pronoun(self) -> str:
        """'he' or 'she'."""
        return "he" if self.gender == "man" else "she"

    @property
    def possessive(self) -> str:
        """'his' or 'her'."""
        return "his" if self.gender == "man" else "her"


def _one_hot(value: str, names: tuple[str, ...]) -> list[float]:
    return [1.0 if value == name else 0.0 for name in names]


@lru_cache(maxsize=4096)
def _vector(person: Person) -> NDArray[np.float32]:
    parts = [
        *person.sliders,
        *(2 * p - 1 for p in person.phenotypes),
        *(2 * c - 1 for c in (*person.skin, *person.hair, *person.eyes)),
        *_one_hot(person.hair_style, HAIR_STYLES),
        *_one_hot(person.beard, BEARDS),
        *_one_hot(person.glasses, GLASSES),
        *person.brows,
        person.hairline,
        2 * person.freckles - 1,
        2 * person.lipstick - 1,
    ]
    vector = np.array(parts, np.float32)
    vector.setflags(write=False)
    return vector


IDENTITY_NAMES: tuple[str, ...] = (
    *SLIDERS,
    "gender", "age", "muscle", "weight", "cupsize", "african", "asian", "caucasian",
    *(f"{part}-{c}" for part in ("skin", "hair", "eyes") for c in "rgb"),
    *(f"hair:{name}" for name in HAIR_STYLES),
    *(f"beard:{name}" for name in BEARDS),
    *(f"glasses:{name}" for name in GLASSES),
    "brow-thickness", "brow-height", "brow-darkness", "hairline", "freckles", "lipstick",
)  # fmt: skip
IDENTITY_DIM = len(IDENTITY_NAMES)


def _phenotypes(rng: np.random.Generator, man: bool, years: int) -> tuple[float, ...]:
    gender = rng.uniform(0.0, 0.14) if man else rng.uniform(0.86, 1.0)
    # The model's own scale: 2/3 is a grown person of about 25, 1 is very old.
    age = 0.62 + 0.047 * (years - 18) / 7 if years < 25 else 2 / 3 + (years - 25) / 65 / 3
    race = rng.dirichlet([0.55, 0.55, 0.55])
    muscle = rng.uniform(0.4, 0.75) if man else rng.uniform(0.25, 0.6)
    return (gender, age, muscle, rng.uniform(0.25, 0.8), rng.uniform(0.1, 0.4), *map(float, race))


def _skin(rng: np.random.Generator, african: float, asian: float) -> tuple[str, Colour]:
    """Skin loosely follows ancestry, with wide overlap."""
    level = float(np.clip(rng.normal(1.6 + 4.6 * african + 0.6 * asian, 1.1), 0, len(SKINS) - 1))
    colours = np.array(list(SKINS.values()))
    low = min(int(level), len(SKINS) - 2)
    rgb = colours[low] + (colours[low + 1] - colours[low]) * (level - low)
    rgb = np.clip(rgb * (1 + rng.normal(0, 0.02, 3)), 0.05, 0.98)
    return list(SKINS)[round(level)], (float(rgb[0]), float(rgb[1]), float(rgb[2]))


def _hair(rng: np.random.Generator, man: bool, years: int, level: float) -> tuple[str, str, Colour]:
    chances = np.array([0.30, 0.24, 0.17, 0.15, 0.08, 0.03, 0.03])
    chances[3:5] *= 1.4 * (1 - level) ** 1.5 + 0.03
    if years > 45:
        chances[5:] += (years - 45) / 45
    colour = str(rng.choice(list(HAIR_COLOURS), p=chances / chances.sum()))
    share = [0.08, 0.12, 0.24, 0.20, 0.13, 0.08, 0.02, 0.06, 0.04, 0.02, 0.01]
    if not man:
        share = [0.01, 0.03, 0.10, 0.06, 0.10, 0.07, 0.16, 0.17, 0.14, 0.08, 0.08]
    if man and years > 50:
        share[0] += 0.12
    style = str(rng.choice(HAIR_STYLES, p=np.array(share) / sum(share)))
    rgb = np.clip(np.array(HAIR_COLOURS[colour]) * rng.uniform(0.85, 1.2) + rng.normal(0, 0.008, 3), 0.02, 1)
    return style, colour, (float(rgb[0]), float(rgb[1]), float(rgb[2]))


@lru_cache(maxsize=4096)
def identity_of(index: int) -> Person:
    """The person with this index, always the same one.

    Raises ValueError for a negative index.
    """
    if index < 0:
        raise ValueError(f"person index {index} is negative; persons are counted from 0")
    rng = np.random.default_rng([72_101, index])
    man = bool(rng.random() < 0.5)
    years = int(18 + 64 * rng.beta(1.15, 2.0))
    phenotypes = _phenotypes(rng, man, years)
    means = _MEANS if man else {**_MEANS, **_WOMEN_MEANS}
    sliders = tuple(
        float(np.clip(rng.normal(means.get(n, 0.0), _SPREAD * sd), -1, 1)) for n, sd in SLIDERS.items()
    )
    skin_name, skin = _skin(rng, phenotypes[5], phenotypes[6])
    level = list(SKINS).index(skin_name) / (len(SKINS) - 1)
    style, colour, hair = _hair(rng, man, years, level)
    pale = np.array([0.17, 0.05, 0.16, 0.16, 0.30, 0.16])
    dark = np.array([0.40, 0.55, 0.04, 0.01, 0.0, 0.0])
    eye_chances = pale * (1 - level) ** 2 + dark * (1 - (1 - level) ** 2)
    eye_colour = str(rng.choice(list(EYE_COLOURS), p=eye_chances / eye_chances.sum()))
    iris = np.clip(np.array(EYE_COLOURS[eye_colour]) * rng.uniform(0.85, 1.2), 0.03, 0.9)
    beard = str(rng.choice(BEARDS, p=[0.44, 0.16, 0.11, 0.09, 0.20])) if man else "none"
    glasses = str(rng.choice(GLASSES, p=[0.78, 0.11, 0.11]))
    brows = rng.uniform(-1, 1, 3) + np.array([0.25, 0, 0.15]) * (1 if man else -1)
    return Person(
        index=index, gender="man" if man else "woman", age=years,
        sliders=sliders, phenotypes=tuple(float(p) for p in phenotypes),
        skin_name=skin_name, skin=skin, hair_style=style, hair_colour=colour, hair=hair,
        eye_colour=eye_colour, eyes=(float(iris[0]), float(iris[1]), float(iris[2])),
        beard=beard, glasses=glasses,
        brows=(float(brows[0]), float(brows[1]), float(brows[2])),
        hairline=float(rng.uniform(-1, 1)),
        freckles=float(rng.uniform(0.4, 1)) if rng.random() < 0.15 * (1 - level) * 2 else 0.0,
        lipstick=0.0 if man else float(rng.choice([0.0, 0.0, rng.uniform(0.4, 1.0)])),
        seed=float(rng.uniform(0, 50)),
    )  # fmt: skip
