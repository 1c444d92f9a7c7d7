"""Measures the face analyzer as the product uses it: whole pictures in, faces and mattes out, held-out
persons only.

    python -m training.face evaluate --analyzer DIR [--people 100] [--json FILE]

The gate for use is a top-1 of .9: of 100 persons' pictures in one scene, how many are nearest to the same
person's picture in another scene. A person whose face is not found counts as a miss.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from stillmotion.identity.embedded import EmbeddedAnalyzer
from stillmotion.identity.types import Face
from training import face_augment as augment
from training.common import write_json
from training.face_data import Pictures, Store

GATE = 0.9
Report = dict[str, float | int | None]


@dataclass(frozen=True)
class Seen:
    """What the analyzer said of one picture, beside the truth."""

    person: int
    scene: int
    face: Face | None
    landmark_error: float
    matte_iou: float
    man: bool | None


def main(arguments: list[str]) -> int:
    """The command; exit code 0 where the gate holds, 1 where it does not."""
    from training.world.body import DEFAULT_BUST

    parser = argparse.ArgumentParser(
        prog="python -m training.face evaluate", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("--analyzer", type=Path, required=True)
    parser.add_argument("--people", type=int, default=100, help="held-out persons, two pictures of each")
    parser.add_argument("--size", type=int, default=256, help="side of the pictures")
    parser.add_argument("--bust", type=Path, default=DEFAULT_BUST)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args(arguments)
    judge = held_out(options.people, options.size, options.bust)
    report = evaluate(options.analyzer, judge, options.device, options.people)
    print(json.dumps(report, indent=1))
    if options.json:
        write_json(report, options.json)
    top1 = report["top1"]
    return 0 if top1 is not None and top1 >= GATE else 1


def held_out(people: int, size: int, bust: Path, scenes: int = 2) -> Store:
    """Pictures of the first held-out persons, each in ``scenes`` scenes of their own, drawn here and now."""
    from training.world.draw import Renderer
    from training.world.people import HELD_OUT, identity_of
    from training.world.scenes import scene_of

    renderer = Renderer(size, bust)
    judge = Store(torch.device("cpu"), room=people * scenes)
    for index in HELD_OUT[:people]:
        person = identity_of(index)
        seeds = [50_000 + scenes * index + k for k in range(scenes)]
        stills = [renderer.still(person, scene_of(seed)) for seed in seeds]
        judge.add(
            Pictures(
                np.concatenate([still.frames for still in stills]),
                np.concatenate([still.matte for still in stills]),
                np.concatenate([still.landmarks for still in stills]).astype(np.float32),
                np.concatenate([still.five for still in stills]).astype(np.float32),
                np.full(scenes, index, np.int64),
                np.array(seeds, np.int64),
            )
        )
    renderer.release()
    return judge


def evaluate(folder: Path, judge: Store, device: str, people: int = 100) -> Report:
    """Every figure of the analyzer in ``folder`` on at most two scenes each of ``people`` persons."""
    analyzer = EmbeddedAnalyzer(folder, device)
    chosen = pairs(judge["persons"][: judge.kept].tolist(), judge["scenes"][: judge.kept].tolist(), people)
    seen = [look(analyzer, judge, index) for index in chosen]
    found = [s for s in seen if s.face is not None]
    top1, candidates = retrieval(seen)
    sexed = [s for s in found if s.face is not None and s.face.gender is not None and s.man is not None]
    right = [float((s.face.gender == "man") == s.man) for s in sexed if s.face is not None]
    threshold, error = equal_error(found)
    return {
        "pictures": len(seen),
        "detection_rate": _rounded(len(found) / max(1, len(seen))),
        "landmark_error_percent_of_eye_distance": _mean([s.landmark_error for s in found]),
        "matte_iou": _mean([s.matte_iou for s in found]),
        "people": candidates,
        "top1": top1,
        "gender_decided": _rounded(len(sexed) / max(1, len(found))),
        "gender_right": _mean(right),
        "same_person_threshold": threshold,
        "equal_error_rate": error,
        "false_positive_rate": false_positives(analyzer),
    }


def pairs(persons: list[int], scenes: list[int], people: int) -> list[int]:
    """Indices of pictures: for each of the first ``people`` persons with two scenes, the first picture of
    each.
    """
    first: dict[int, dict[int, int]] = {}
    for index, (person, scene) in enumerate(zip(persons, scenes, strict=True)):
        first.setdefault(person, {}).setdefault(scene, index)
    whole = [list(by_scene.values())[:2] for by_scene in first.values() if len(by_scene) >= 2]
    return [index for pair in whole[:people] for index in pair]


def look(analyzer: EmbeddedAnalyzer, judge: Store, index: int) -> Seen:
    """Let the analyzer see one kept picture."""
    image = judge["frames"][index].permute(1, 2, 0).cpu().numpy()
    truth = judge["landmarks"][index].cpu().numpy()
    five = judge["five"][index].cpu().numpy()
    person, scene = int(judge["persons"][index]), int(judge["scenes"][index])
    faces = analyzer.faces(np.ascontiguousarray(image))
    if not faces:
        return Seen(person, scene, None, float("nan"), float("nan"), None)
    face = faces[0]
    # A turned head brings the eyes together in the picture: the face's width is the steadier unit then.
    unit = max(float(np.linalg.norm(five[0] - five[1])), 0.3 * float(np.ptp(truth[:, 0])))
    error = float(np.linalg.norm(face.landmarks - truth, axis=1).mean()) / unit * 100
    matte = analyzer.matte(image, face) > 127
    real = judge["mattes"][index, 0].cpu().numpy() > 127
    union = float((matte | real).sum())
    from training.world.people import identity_of

    man = identity_of(person).gender == "man"
    return Seen(person, scene, face, error, float((matte & real).sum()) / max(1.0, union), man)


def retrieval(seen: list[Seen]) -> tuple[float | None, int]:
    """The share of persons whose second picture is nearest to their own first one, both ways; and their
    number.
    """
    by_person: dict[int, list[Seen]] = {}
    for one in seen:
        by_person.setdefault(one.person, []).append(one)
    couples = [v for v in by_person.values() if len(v) == 2]
    if not couples:
        return None, 0
    missing = np.zeros(512, np.float32)
    sides = [np.stack([c[i].face.embedding if c[i].face else missing for c in couples]) for i in range(2)]  # type: ignore[union-attr]
    cosine = sides[0] @ sides[1].T
    whole = np.array([c[0].face is not None and c[1].face is not None for c in couples])
    own = np.arange(len(couples))
    hits = [(cosine.argmax(axis) == own) & whole for axis in (0, 1)]
    return _rounded(float(np.mean(hits))), len(couples)


def equal_error(found: list[Seen]) -> tuple[float | None, float | None]:
    """The cosine at which as many same-person pairs are refused as other pairs accepted, and that share.

    Pairs are of different scenes. None where there are no pairs of one kind.
    """
    vectors = (
        np.stack([s.face.embedding for s in found if s.face is not None]) if found else np.zeros((0, 512))
    )
    person, scene = np.array([s.person for s in found]), np.array([s.scene for s in found])
    cosine = vectors @ vectors.T
    upper = np.triu(np.ones_like(cosine, dtype=bool), 1) & (scene[:, None] != scene[None, :])
    same = np.sort(cosine[upper & (person[:, None] == person[None, :])])
    other = np.sort(cosine[upper & (person[:, None] != person[None, :])])
    if not len(same) or not len(other):
        return None, None
    return crossing(same, other)


def crossing(same: NDArray[np.float32], other: NDArray[np.float32]) -> tuple[float, float]:
    """The threshold between two sorted sets of cosines where both error rates are nearest, and their mean
    there.
    """
    between = (float(same[0]) + float(other[-1])) / 2
    if same[0] > other[-1]:
        return _rounded(between), 0.0
    candidates = np.unique(np.concatenate([same, other]))
    refused = np.searchsorted(same, candidates) / len(same)
    accepted = 1 - np.searchsorted(other, candidates) / len(other)
    best = int(np.argmin(np.abs(refused - accepted)))
    return _rounded(float(candidates[best])), _rounded(float(refused[best] + accepted[best]) / 2)


def false_positives(analyzer: EmbeddedAnalyzer, count: int = 200) -> float:
    """The share of pictures without anybody (drawn backgrounds, plain colours, noise) in which a face is
    found.
    """
    generator_state = torch.random.get_rng_state()
    torch.manual_seed(1)
    drawn = augment.backgrounds(count // 2, 256, torch.device("cpu"))
    plain = torch.rand(count // 4, 3, 1, 1).expand(-1, 3, 256, 256)
    noise = torch.rand(count - len(drawn) - len(plain), 3, 256, 256)
    torch.random.set_rng_state(generator_state)
    pictures = (
        (torch.cat([drawn, plain, noise]) * 255).to(torch.uint8).permute(0, 2, 3, 1).contiguous().numpy()
    )
    return _rounded(float(np.mean([bool(analyzer.faces(picture)) for picture in pictures])))


def _rounded(value: float) -> float:
    return round(float(value), 4)


def _mean(values: list[float]) -> float | None:
    return _rounded(float(np.mean(values))) if values else None
