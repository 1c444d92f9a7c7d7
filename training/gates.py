"""The gates that an autoencoder has to pass before a diffusion model is trained on it (or its weights are
committed).

    python -m training.gates still|video --models checkpoints/mini [--identities 40] [--json FILE]

Pictures of held-out people go through the autoencoder. Gate: PSNR of at least 30 dB, and dlib, which knows
neither our world nor our networks, names at least 90 % of the people from their reconstructions, compared
with untouched pictures of them in other scenes. The share for what is untouched is given beside it: no
autoencoder can do better. A video autoencoder is judged on clips of 17 frames as videos are judged
(`benchmarks.held_out`): by the mean descriptor of the frames, here five of them. The share of the single
frames is given too; in some of them the person looks away, and nobody could name them.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from training.bank import load_vae
from training.common import write_json
from training.vae import decode_still, decode_video, encode_still, encode_video, to_float

LEAST_PSNR = 30.0
LEAST_TOP1 = 0.9
Pictures = NDArray[np.uint8]


def psnr(a: Pictures, b: Pictures) -> float:
    """Peak signal-to-noise ratio in dB of two uint8 arrays."""
    error = np.mean((a.astype(np.float64) - b.astype(np.float64)) ** 2)
    return float(10 * np.log10(255.0**2 / max(error, 1e-9)))


@torch.no_grad()
def reconstruct(kind: str, vae: Any, frames: Pictures) -> Pictures:
    """What the autoencoder makes of frames (T, H, W, 3) uint8: one by one, or as a clip."""
    pixels = torch.from_numpy(frames)
    if kind == "still":
        made: Tensor = decode_still(vae, encode_still(vae, to_float(pixels))[0])
    else:
        made = decode_video(vae, encode_video(vae, to_float(pixels[None]))[0])[0].permute(1, 0, 2, 3)
    return ((made.clamp(-1, 1) + 1) * 127.5).round().byte().permute(0, 2, 3, 1).numpy()


def top1(gallery: list[Any], probes: list[list[Any]]) -> float:
    """Share of probes (lists of descriptors of person i) whose nearest known face is person i's; unseen
    faces miss.
    """
    known = np.array([np.full(128, np.inf) if g is None else g for g in gallery])
    hits = [
        descriptor is not None and int(np.linalg.norm(known - descriptor, axis=1).argmin()) == person
        for person, some in enumerate(probes)
        for descriptor in some
    ]
    return float(np.mean(hits))


def together(frames: list[Any]) -> list[Any]:
    """A clip's one descriptor: the mean over its frames with a face; None where there is none."""
    found = [d for d in frames if d is not None]
    return [np.mean(found, axis=0) if found else None]


def measure(kind: str, vae: Any, identities: int) -> dict[str, Any]:
    """The figures of one autoencoder over the first held-out people."""
    from stillmotion.evaluate.dlib_faces import Recogniser
    from training.world import HELD_OUT, Renderer, actions_of, identity_of, scene_of
    from training.world.jobs import clip_scene

    renderer, recogniser = Renderer(256), Recogniser()
    gallery, plain, coded, ratios, by_frame = [], [], [], [], []
    for index in HELD_OUT[:identities]:
        person = identity_of(index)
        gallery.append(recogniser(renderer.still(person, scene_of(70_000 + index)).frames[0]))
        scene, actions = scene_of(80_000 + index), actions_of(index)
        if kind == "still":
            frames, shown = renderer.still(person, scene).frames, [0]
        else:
            frames, shown = (
                renderer.clip(person, clip_scene(80_000 + index, actions), actions).frames,
                [0, 4, 8, 12, 16],
            )
        made = reconstruct(kind, vae, frames)
        ratios.append(psnr(made, frames))
        by_frame.append([psnr(made[t], frames[t]) for t in shown])
        plain.append([recogniser(np.ascontiguousarray(frames[t])) for t in shown])
        coded.append([recogniser(np.ascontiguousarray(made[t])) for t in shown])
    figures = {
        "identities": identities,
        "psnr": round(float(np.mean(ratios)), 2),
        "top1": round(top1(gallery, [together(some) for some in coded]), 4),
        "top1_untouched": round(top1(gallery, [together(some) for some in plain]), 4),
    }
    if kind == "video":
        figures |= {
            "psnr_of_frames": [round(float(x), 2) for x in np.mean(by_frame, axis=0)],
            "top1_frames": round(top1(gallery, coded), 4),
            "top1_frames_untouched": round(top1(gallery, plain), 4),
        }
    return figures | {"passed": figures["psnr"] >= LEAST_PSNR and figures["top1"] >= LEAST_TOP1}


def main() -> int:
    """Measure, print, and exit 0 only where the gate is passed."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("kind", choices=["still", "video"])
    parser.add_argument("--models", type=Path, default=Path("checkpoints/mini"))
    parser.add_argument("--identities", type=int, default=40)
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    figures = measure(args.kind, load_vae(args.kind, args.models, torch.device("cpu")), args.identities)
    print(json.dumps(figures, indent=1))
    if args.json:
        write_json(figures, args.json)
    return 0 if figures["passed"] else 1


if __name__ == "__main__":
    raise SystemExit(main())
