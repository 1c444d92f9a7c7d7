"""Pictures and data sets for people to look at and for evaluation: samples, data sets, contact sheets."""

from __future__ import annotations

import contextlib
import dataclasses
import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from training.world import captions, layouts
from training.world.actions import ACTIONS, Action, actions_of
from training.world.asked import asked
from training.world.draw import Renderer
from training.world.jobs import clip_scene
from training.world.people import HAIR_STYLES, HELD_OUT, Person, identity_of
from training.world.scenes import CLOTHES, LIGHTS, PLACES, Scene, reference_scene, scene_of
from training.world.truth import labels

Picture = NDArray[np.uint8]


def save_picture(path: Path, picture: Picture) -> None:
    """Write a picture (H, W, 3) uint8 as PNG or whatever the suffix says."""
    from PIL import Image

    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(picture).save(path)


def save_clip(path: Path, frames: Picture) -> None:
    """Write frames (T, H, W, 3) uint8 as H.264 at 16 frames a second; ImportError without PyAV."""
    import av

    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=16, options={"crf": "14"})
        stream.width, stream.height, stream.pix_fmt = frames.shape[2], frames.shape[1], "yuv420p"
        for frame in frames:
            container.mux(
                stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), format="rgb24"))
            )
        container.mux(stream.encode(None))


def reference_picture(renderer: Renderer, person: Person, seed: int = 0) -> Picture:
    """The person in a plain studio, from the front, with a neutral face (H, W, 3)."""
    picture: Picture = renderer.still(person, reference_scene(seed)).frames[0]
    return picture


def write_sample(seed: int, out: Path, size: int, bust: Path) -> None:
    """Write reference.png, view.png, clip.png (a strip), clip.mp4 (where PyAV is there) and truth.json."""
    renderer = Renderer(size, bust)
    person = identity_of(HELD_OUT[seed % len(HELD_OUT)])
    actions = actions_of(seed)
    scene = clip_scene(seed, actions)
    footage = renderer.clip(person, scene, actions)
    save_picture(out / "reference.png", reference_picture(renderer, person, seed))
    save_picture(out / "view.png", renderer.still(person, scene_of(seed + 1)).frames[0])
    save_picture(out / "clip.png", np.concatenate(list(footage.frames[::2]), axis=1))
    with contextlib.suppress(ImportError):  # without PyAV the strip shows the same
        save_clip(out / "clip.mp4", footage.frames)
    rng = np.random.default_rng([72_606, seed])
    truth = {
        "person": dataclasses.asdict(person),
        "scene": dataclasses.asdict(scene),
        "actions": [dataclasses.asdict(a) for a in actions],
        "labels": labels(person, scene, actions),
        "spatial": captions.spatial(person, scene, rng),
        "temporal": captions.temporal(person, scene, actions, rng),
        "prompt": captions.prompt(person, scene, actions, rng),
        "landmarks": footage.landmarks.round(2).tolist(),
        "five": footage.five.round(2).tolist(),
        "box": footage.box.round(2).tolist(),
    }
    (out / "truth.json").write_text(json.dumps(truth, indent=1) + "\n", encoding="utf-8")


def write_dataset(
    out: Path, persons: range, prompts: int, *, size: int, seed: int, bust: Path, layout: str = "vip200k"
) -> None:
    """Write reference pictures and prompts 1..K of held-out persons in a layout, and truth.jsonl beside them.

    The people, pictures and prompts are the same in every layout of `layouts.LAYOUTS`. The prompts are in
    wordings that training never sees. A line of truth.jsonl holds a prompt's labels, its actions with their
    times, and what the words ask for (`asked`), for whoever judges a video of it.
    Raises ValueError for persons of training and for unknown layouts.
    """
    if persons.start < HELD_OUT.start or persons.stop > HELD_OUT.stop:
        raise ValueError(
            f"persons {persons.start} to {persons.stop - 1} are not all held out (0 to {HELD_OUT.stop - 1})"
        )
    write = layouts.writer_of(layout)
    renderer = Renderer(size, bust)
    shoots = []
    for index in persons:
        person = identity_of(index)
        name = f"id{index:03d}"
        picture = layouts.photo_of(layout, name)
        save_picture(out / picture, reference_picture(renderer, person, index))
        for number in range(1, prompts + 1):
            rng = np.random.default_rng([72_707, seed, index, number])
            actions = actions_of(int(rng.integers(2**31)))
            scene_seed = int(rng.integers(2**31))
            scene = clip_scene(scene_seed, actions)
            text = captions.prompt(person, scene, actions, rng, held_out=True)
            shoots.append(layouts.Shoot(name, number, picture, text, person, scene, actions, scene_seed, rng))
    write(out, shoots, lambda shoot: renderer.still(shoot.person, shoot.scene).frames[0])
    truth = [
        {
            "id": shoot.id,
            "prompt": shoot.number,
            "text": shoot.text,
            "scene_seed": shoot.scene_seed,
            "labels": labels(shoot.person, shoot.scene, shoot.actions),
            "actions": [dataclasses.asdict(action) for action in shoot.actions],
            "asked": asked(shoot.text, shoot.person, shoot.scene, shoot.actions),
        }
        for shoot in shoots
    ]
    (out / "truth.jsonl").write_text("".join(json.dumps(x) + "\n" for x in truth), encoding="utf-8")


def _strip(
    renderer: Renderer, person: Person, scene: Scene, actions: tuple[Action, ...], count: int
) -> Picture:
    return np.concatenate(list(renderer.clip(person, scene, actions, frames=count).frames), axis=1)


def _with_hair(style: str) -> Person:
    """A person of the world who has this hair."""
    return next(p for p in map(identity_of, range(100, 1000)) if p.hair_style == style)


def sheet_rows(renderer: Renderer, what: str, columns: int = 8) -> list[Picture]:
    """Rows (H, columns * W, 3) of pictures that show one side of the world."""
    if what == "actions":
        rows = []
        for i, name in enumerate(ACTIONS):
            actions = (Action(name),)
            scene = clip_scene(300 + i, actions).replace(light=LIGHTS[i % 4], camera_yaw=0.0)
            if scene.expression != "neutral" and ACTIONS[name].group in ("face", "mouth"):
                scene = scene.replace(expression="neutral")
            rows.append(_strip(renderer, identity_of(40 + i), scene, actions, columns))
        return rows
    cells: list[Picture] = []
    plain = reference_scene(3)
    if what == "people":
        cells = [renderer.still(identity_of(i), scene_of(500 + i)).frames[0] for i in range(8 * columns)]
    elif what == "faces":
        people = [identity_of(i) for i in range(3 * columns)] + [_with_hair(h) for h in HAIR_STYLES]
        cells = [renderer.still(p, plain).frames[0] for p in people]
    elif what == "places":
        for i, place in enumerate(PLACES):
            for k in range(4):
                scene = scene_of(900 + 4 * i + k).replace(
                    place=place, framing=["portrait", "half body"][k % 2]
                )
                cells.append(renderer.still(identity_of(60 + i), scene.replace(light=LIGHTS[k])).frames[0])
    else:
        for i, clothing in enumerate(CLOTHES):
            for k in range(4):
                scene = scene_of(700 + 4 * i + k).replace(
                    clothing=clothing, framing=["portrait", "half body"][k % 2]
                )
                if scene.pattern != "plain" and clothing not in ("t-shirt", "sweater", "shirt", "dress"):
                    scene = scene.replace(pattern="plain")
                cells.append(
                    renderer.still(identity_of(80 + 3 * i + k), scene.replace(light="soft light")).frames[0]
                )
    whole = len(cells) // columns * columns
    return [np.concatenate(cells[i : i + columns], axis=1) for i in range(0, whole, columns)]


def write_sheet(out: Path, what: str, size: int, bust: Path) -> None:
    """Write a contact sheet: 'people', 'faces', 'places', 'clothes', 'actions', or 'all' of them."""
    renderer = Renderer(size, bust)
    kinds = ["faces", "people", "places", "clothes", "actions"] if what == "all" else [what]
    rows = [row for kind in kinds for row in sheet_rows(renderer, kind)]
    save_picture(out, np.concatenate(rows))
