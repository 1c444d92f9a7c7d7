"""How well mini keeps a person it never saw, by a stranger's eye: dlib's (pip install '.[evaluate]').

    python -m benchmarks.held_out --dataset DIR -o DIR [--identities 20] [--mode decoupled] [--preset mini]

``--dataset`` is what ``python -m training.world dataset --identities 20 --prompts 1 --layout vip200k -o DIR``
writes: people of the synthetic world's held-out range. For each a video is made; dlib looks for a face in
every frame and names the nearest of the references by its mean descriptor. Writes figures (JSON), the videos
and a contact sheet. Videos that are there already are not made again.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from stillmotion import Pipeline, Request
from stillmotion.evaluate.dlib_faces import Recogniser


def frames_of(path: Path) -> list[NDArray[np.uint8]]:
    """All frames of a video, (H, W, 3) RGB uint8 each."""
    import av

    with av.open(str(path)) as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]


def described(video: Path, dlib: Recogniser) -> list[NDArray[np.float64] | None]:
    """What dlib makes of each frame, 128 numbers; None for a frame without a face."""
    return [dlib(frame) for frame in frames_of(video)]


def judge(references: list[Path], videos: list[Path], dlib: Recogniser) -> dict[str, Any]:
    """Share of frames with a face and share of videos whose nearest reference is their own."""
    known = [dlib(np.asarray(Image.open(p).convert("RGB"))) for p in references]
    return named(known, {video.name: described(video, dlib) for video in videos})


def named(
    known: Sequence[NDArray[np.float64] | None], videos: Mapping[str, Sequence[NDArray[np.float64] | None]]
) -> dict[str, Any]:
    """The figures of `judge` from descriptors: each reference's, and those of its video's frames by name."""
    gallery = np.array([np.full(128, np.inf) if k is None else k for k in known])
    rows = []
    for index, (name, frames) in enumerate(videos.items()):
        found = [d for d in frames if d is not None]
        row: dict[str, Any] = {"video": name, "frames": len(frames), "face_frames": len(found)}
        if found:
            distance = np.linalg.norm(gallery - np.mean(found, axis=0), axis=1)
            row |= {"named": int(distance.argmin()), "own_distance": round(float(distance[index]), 3)}
            row["rank"] = int((distance < distance[index]).sum()) + 1
        rows.append(row | {"right": row.get("rank") == 1})
    total = sum(r["frames"] for r in rows)
    return {
        "identities": len(known),
        "references_with_face": sum(k is not None for k in known),
        "face_frame_ratio": round(sum(r["face_frames"] for r in rows) / total, 4),
        "top1": round(sum(r["right"] for r in rows) / len(rows), 4),
        "mean_own_distance": round(
            float(np.mean([r["own_distance"] for r in rows if "own_distance" in r])), 4
        ),
        "videos": rows,
    }


def strip(row: Sequence[Path], side: int = 128) -> NDArray[np.uint8]:
    """A row of files as squares beside each other: a picture as it is, a video as five of its frames, the
    first and the last among them.
    """
    return np.concatenate([part for file in row for part in _shown(file, side)], axis=1)


def sheet(rows: Sequence[Sequence[Path]], path: Path, side: int = 128) -> None:
    """A contact sheet of rows of files, all alike, each as `strip` shows it."""
    strips = [strip(row, side) for row in rows]
    half = (len(strips) + 1) // 2
    blank = np.zeros_like(strips[0])
    columns = [
        np.concatenate(strips[:half]),
        np.concatenate([*strips[half:], *[blank] * (2 * half - len(strips))]),
    ]
    Image.fromarray(np.concatenate(columns, axis=1)).save(path)


def _shown(file: Path, side: int) -> list[NDArray[np.uint8]]:
    """A picture, or five frames of a video, as squares."""
    if file.suffix == ".mp4":
        frames = frames_of(file)
        pictures = [Image.fromarray(frames[round(i * (len(frames) - 1) / 4)]) for i in range(5)]
    else:
        pictures = [Image.open(file).convert("RGB")]
    return [np.asarray(picture.resize((side, side))) for picture in pictures]


def main() -> None:
    """Make what is missing, judge it and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--dataset", type=Path, required=True)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--identities", type=int, default=20)
    parser.add_argument("--preset", default="mini")
    parser.add_argument("--mode", choices=["decoupled", "r2v"], default="decoupled")
    parser.add_argument("--quality", default="standard")
    args = parser.parse_args()
    args.output.mkdir(parents=True, exist_ok=True)
    folders = sorted((args.dataset / "raw").iterdir())[: args.identities]
    references = [f / "image.png" for f in folders]
    videos = [args.output / f"{f.name}.mp4" for f in folders]
    pipeline = Pipeline(preset=args.preset)
    for folder, reference, video in zip(folders, references, videos, strict=True):
        if video.exists():
            continue
        prompt = (folder / "prompt1.txt").read_text(encoding="utf-8").strip()
        request = Request(
            faces=(reference,),
            prompt=prompt,
            preset=args.preset,
            mode=args.mode,
            quality=args.quality,
            seed=1,
        )
        pipeline.generate(request, video)
        print(video, flush=True)
    figures = judge(references, videos, Recogniser())
    (args.output / "figures.json").write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    sheet(list(zip(references, videos, strict=True)), args.output / "sheet.png")
    print(json.dumps({k: v for k, v in figures.items() if k != "videos"}, indent=1))


if __name__ == "__main__":
    main()
