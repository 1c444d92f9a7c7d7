"""How well the judge judges clips of people, clothes and places that it never saw.

The world draws people of its held-out range, with seeds that no job for training can have. Each clip is
judged as it is drawn, and worn (`training.judge_augment`), which is nearer to a generated video.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from training.common import write_json
from training.judge_augment import worn
from training.judge_network import DEEDS, HEADS, Judge, evenly, shrunk

SEEDS = 2**31
"""Jobs for training draw their seeds below it."""
WORST = 25
Names = dict[str, str]


def clips(people: int, each: int, bust: Path) -> Iterator[tuple[NDArray[np.uint8], Names]]:
    """``each`` clips (T, H, W, 3) of each of the first held-out people, with what they show."""
    from training.world import HELD_OUT, Renderer, actions_of, identity_of, labels
    from training.world.jobs import clip_scene

    renderer = Renderer(256, bust)
    for place, index in enumerate(HELD_OUT[:people]):
        person = identity_of(index)
        for number in range(each):
            seed = SEEDS + place * each + number
            actions = actions_of(seed)
            scene = clip_scene(seed, actions)
            yield renderer.clip(person, scene, actions).frames, labels(person, scene, actions)


def accuracies(shown: Sequence[Names], judged: Sequence[Names]) -> dict[str, Any]:
    """Share of the clips judged right, by head, and of the actions.

    "one action": of clips with a single one, that it is named and no second one; "sequence": of clips with
    two, that both are named in their order.
    """
    pairs = list(zip(shown, judged, strict=True))

    def share(heads: Sequence[str], some: Sequence[tuple[Names, Names]]) -> float | None:
        hits = [all(said[head] == true[head] for head in heads) for true, said in some]
        return round(float(np.mean(hits)), 4) if hits else None

    two = [pair for pair in pairs if pair[0]["second action"] != "none"]
    one = [pair for pair in pairs if pair[0]["second action"] == "none"]
    heads = {head: share([head], pairs) for head in HEADS}
    attributes = [heads[head] for head in HEADS if head not in DEEDS]
    return {
        "heads": heads,
        "attributes": round(float(np.mean([a for a in attributes if a is not None])), 4),
        "one action": share(DEEDS, one),
        "second action of two": share(DEEDS[1:], two),
        "sequence": share(DEEDS, two),
        "clips of two": len(two),
    }


def confusions(shown: Sequence[Names], judged: Sequence[Names], most: int = WORST) -> list[dict[str, Any]]:
    """What is taken for what, most often first."""
    pairs = Counter(
        (head, true[head], said[head])
        for true, said in zip(shown, judged, strict=True)
        for head in HEADS
        if true[head] != said[head]
    )
    return [
        {"head": head, "shown": true, "judged": said, "clips": count}
        for (head, true, said), count in pairs.most_common(most)
    ]


def evaluate(judge: Judge, people: int, each: int, bust: Path) -> dict[str, Any]:
    """Draw, judge, and give all figures."""
    shown: list[Names] = []
    judged: dict[str, list[Names]] = {"plain": [], "worn": []}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        for frames, names in clips(people, each, bust):
            shown.append(names)
            clip = shrunk(torch.from_numpy(np.ascontiguousarray(frames[evenly(len(frames))])))[None]
            used = (worn(clip.float() / 255) * 255).round().to(torch.uint8)
            for kind, pictures in (("plain", clip), ("worn", used)):
                logits = judge.logits(pictures)
                judged[kind].append({h: judge.heads[h][int(v.argmax())] for h, v in logits.items()})
    return {
        "identities": people,
        "clips": len(shown),
        **{kind: accuracies(shown, said) for kind, said in judged.items()},
        "confusions": confusions(shown, judged["plain"]),
    }


def main(arguments: list[str]) -> int:
    """Evaluate a judge and write evaluation.json beside it."""
    from training.world.body import DEFAULT_BUST

    parser = argparse.ArgumentParser(prog="python -m training.judge evaluate")
    parser.add_argument("--judge", type=Path, required=True, help="the judge's folder")
    parser.add_argument("--identities", type=int, default=100)
    parser.add_argument("--clips", type=int, default=3, help="clips of each person")
    parser.add_argument("--bust", type=Path, default=DEFAULT_BUST, help="the body that draws them")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    args = parser.parse_args(arguments)
    report = evaluate(Judge(args.judge, args.device), args.identities, args.clips, args.bust)
    write_json(report, args.judge / "evaluation.json")
    print(json.dumps({k: v for k, v in report.items() if k != "confusions"}, indent=1))
    return 0
