"""A made evaluation for the pages' tests: drawn people, small real mp4 files, figures that hang together."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from PIL import Image, ImageDraw

from stillmotion.evaluate.intervals import interval
from stillmotion.evaluate.types import Counts, Evaluation, VideoResult

PROMPTS = (
    "She waves on a beach while the wind moves her hair and the sun goes down behind the pier.",
    "A person in a dark coat reads a letter by the window, looks up, and smiles.",
    "The video features an individual who stands in a kitchen. Throughout the video they chop vegetables,"
    " taste the soup, and turn towards the camera with a short laugh; light comes from a window on the left.",
    "He turns his head from left to right in front of a bookshelf.",
    "She dances in the rain & <laughs>",
)
FLAT = ("subject_consistency", "motion_smoothness", "imaging_quality")


def person(seed: int, size: int = 128, shift: float = 0.0, blur: float = 0.0) -> Image.Image:
    """A drawn head and shoulders of person ``seed``; ``shift`` moves it, ``blur`` of 1 hides the face."""
    random = np.random.default_rng(seed)
    skin = tuple(int(v) for v in np.array([224, 172, 138]) * random.uniform(0.55, 1.05))
    hair, wall, coat = (tuple(int(v) for v in random.integers(20, 200, 3)) for _ in range(3))
    picture = Image.new("RGB", (size, size), wall)
    draw = ImageDraw.Draw(picture)
    unit, x = size / 100, (50 + 10 * shift) * size / 100
    draw.ellipse((x - 40 * unit, 70 * unit, x + 40 * unit, 140 * unit), fill=coat)
    draw.ellipse((x - 26 * unit, 12 * unit, x + 26 * unit, 72 * unit), fill=hair)
    if blur < 1:
        draw.ellipse((x - 21 * unit, 22 * unit, x + 21 * unit, 80 * unit), fill=skin)
        for side in (-1, 1):
            eye = x + side * 8.5 * unit
            draw.ellipse((eye - 3 * unit, 44 * unit, eye + 3 * unit, 49 * unit), fill=(25, 25, 30))
        draw.arc((x - 9 * unit, 54 * unit, x + 9 * unit, 69 * unit), 20, 160, fill=(140, 50, 50), width=3)
    return picture


def widened(picture: Image.Image, width: int) -> Image.Image:
    """``picture`` in the middle of a wider one of its wall's colour."""
    canvas = Image.new("RGB", (width, picture.height), picture.getpixel((0, 0)))
    canvas.paste(picture, ((width - picture.width) // 2, 0))
    return canvas


def write_video(path: Path, frames: list[Image.Image], fps: int = 8) -> None:
    """An H.264 mp4 that browsers play."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w", options={"movflags": "+faststart"}) as container:
        stream = container.add_stream("libx264", rate=Fraction(fps), options={"crf": "24"})
        stream.width, stream.height, stream.pix_fmt = *frames[0].size, "yuv420p"
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_image(frame)))
        container.mux(stream.encode(None))


def evaluation(
    folder: Path, people: int = 4, prompts: int = 5, gain: float = 0.0, seed: int = 1, width: int = 128
) -> Evaluation:
    """Draw ``people`` x ``prompts`` videos into ``folder`` and make their evaluation; ``gain`` lifts FaceSim.

    Videos are ``width`` wide and 128 high, 17 frames.

    The first person's second video is missing, the second person's first has no face.
    """
    random = np.random.default_rng(seed)
    videos = []
    for one in range(people):
        name = f"id{one + 1:03}"
        reference = folder / "dataset" / name / "image.png"
        reference.parent.mkdir(parents=True, exist_ok=True)
        person(one).save(reference)
        for number in range(prompts):
            result = _video(folder, name, number, one, random, gain, width)
            videos.append(result.model_copy(update={"reference": str(reference)}))
    metrics = sorted({metric for video in videos for metric in video.metrics})
    return Evaluation(
        version="0.1.0",
        videos_folder=str(folder / "videos"),
        references=str(folder / "dataset"),
        videos=tuple(videos),
        summary={m: interval([v.metrics[m] for v in videos if m in v.metrics]) for m in metrics},
        not_computed={"facesim_cur": "weights absent; stillmotion download evaluate fetches them"},
        protocol={m: f"{m}: 16 frames, mean over the frames with a face" for m in metrics},
        counts=Counts(
            videos=len(videos),
            failed=sum(v.error is not None for v in videos),
            without_face=sum(v.face_frames == 0 for v in videos),
        ),
    )


def _video(
    folder: Path, name: str, number: int, one: int, random: np.random.Generator, gain: float, width: int
) -> VideoResult:
    prompt_id = f"prompt{number + 1}"
    file, prompt = f"{name}/{prompt_id}.mp4", PROMPTS[number % len(PROMPTS)]
    if (one, number) == (0, 1):
        return VideoResult(
            id=name, prompt_id=prompt_id, file=file, prompt=prompt, error=f"{file}: there is no such video"
        )
    bare = (one, number) == (1, 0)
    level = 0.0 if bare else float(np.clip(random.normal(0.55, 0.13) + gain, 0.05, 0.95))
    steps = np.clip(level + np.cumsum(random.normal(0, 0.025, 16)), 0, 1)
    hidden = set(range(16)) if bare else set(range(6, 9)) if number == 3 else set()
    arc = tuple(None if i in hidden else round(float(v), 4) for i, v in enumerate(steps))
    dlib = tuple(None if i in hidden else round(float(v) * 0.6 + 0.25, 4) for i, v in enumerate(steps))
    drawn = [widened(person(one, 128, np.sin(i / 4 + number), float(bare)), width) for i in range(17)]
    write_video(folder / "videos" / file, drawn)
    found = [v for v in arc if v is not None]
    metrics = {
        "facesim_arc": float(np.mean(found)) if found else 0.0,
        "facesim_dlib": float(np.mean(found)) * 0.6 + 0.25 if found else 0.0,
        "face_frame_ratio": len(found) / 16,
        "fid_consisid": 0.0 if bare else 320 - 250 * level,
        "clipscore": float(random.normal(28, 2)),
        "clipscore_consisid": float(random.normal(27.5, 2)),
        "dynamic_degree": float(random.integers(0, 2)),
    } | {metric: float(random.uniform(0.85, 0.99)) for metric in FLAT}
    return VideoResult(
        id=name,
        prompt_id=prompt_id,
        file=file,
        frames=17,
        face_frames=len(found),
        judged_frames=16,
        metrics=metrics,
        curves={"facesim_arc": arc, "facesim_dlib": dlib},
        flags=("no face",) if bare else (),
        prompt=prompt,
    )


def write_json(result: Evaluation, path: Path) -> Path:
    """The evaluation as the command writes it."""
    path.write_text(json.dumps(result.model_dump(mode="json")), encoding="utf-8")
    return path
