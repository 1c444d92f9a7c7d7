"""The embedded analyzer's plumbing: what its networks say is brought back to the picture's own pixels."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from stillmotion.errors import CheckpointError, InputError
from stillmotion.identity import analyzer
from stillmotion.identity.embedded import EmbeddedAnalyzer
from stillmotion.identity.networks import HEAT_STRIDE, POINT_UNIT


class BrightCells(torch.nn.Module):
    """A detector that finds a face in the middle of every bright spot, 20 view pixels wide and 24 high.

    The matte is what is not black.
    """

    def forward(self, x):
        light = torch.nn.functional.avg_pool2d(x.mean(1, keepdim=True), HEAT_STRIDE)
        angles = torch.linspace(0, 2 * torch.pi, 107)[:106]
        outline = torch.stack([10 * torch.cos(angles), 12 * torch.sin(angles)], 1)
        five = torch.tensor([[-5.0, -4], [5, -4], [0, 1], [-4, 6], [4, 6]])
        offsets = (torch.cat([outline, five]) / POINT_UNIT).reshape(1, -1, 1, 1)
        points = offsets.expand(len(x), -1, *light.shape[2:])
        matte = torch.nn.functional.avg_pool2d(x.mean(1, keepdim=True), 2)
        return {"heat": light * 20 - 8, "points": points, "matte": (matte + 0.4) * 20}


def spots(places, height: int = 160, width: int = 160, radius: int = 8) -> np.ndarray:
    image = np.zeros((height, width, 3), np.uint8)
    for x, y in places:
        image[y - radius : y + radius, x - radius : x + radius] = 255
    return image


@pytest.fixture
def known(analyzer_folder: Path) -> EmbeddedAnalyzer:
    one = EmbeddedAnalyzer(analyzer_folder)
    one._detector = BrightCells()
    return one


def test_a_face_is_found_where_it_is(known: EmbeddedAnalyzer) -> None:
    faces = known.faces(spots([(100, 60)]))
    assert len(faces) == 1
    face = faces[0]
    # This stand-in answers by whole cells of 8 pixels; a trained detector says where in the cell.
    np.testing.assert_allclose((face.landmarks.min(0) + face.landmarks.max(0)) / 2, [100, 60], atol=8)
    assert face.landmarks.shape == (106, 2)
    assert face.five.shape == (5, 2)
    assert face.five[0, 0] < face.five[1, 0]
    assert face.five[2, 1] > face.five[0, 1]
    assert face.box[1] < face.landmarks[:, 1].min()
    assert np.linalg.norm(face.embedding) == pytest.approx(1, abs=1e-5)
    assert 0.4 < face.score <= 1


def test_letterboxes_are_undone(known: EmbeddedAnalyzer) -> None:
    # Three times the detector's size and lying on its side: the view is shrunk and padded above and below.
    faces = known.faces(spots([(300, 90)], height=200, width=480, radius=24))
    assert len(faces) == 1
    np.testing.assert_allclose(
        (faces[0].landmarks.min(0) + faces[0].landmarks.max(0)) / 2, [300, 90], atol=12
    )


def test_the_second_look_measures_closer(known: EmbeddedAnalyzer) -> None:
    faces = known.faces(spots([(300, 90)], height=200, width=480, radius=24))
    # First look: 480 pixels in 160, so a face of 60 pixels. Its box is looked at again, enlarged.
    assert np.ptp(faces[0].landmarks[:, 0]) < 45


def test_several_faces_come_largest_first(known: EmbeddedAnalyzer) -> None:
    faces = known.faces(spots([(40, 60), (120, 110)]))
    assert len(faces) == 2
    areas = [np.prod(face.box[2:] - face.box[:2]) for face in faces]
    assert areas == sorted(areas, reverse=True)


def test_a_picture_of_nothing_has_no_face(known: EmbeddedAnalyzer) -> None:
    assert known.faces(np.zeros((90, 70, 3), np.uint8)) == []


def test_the_matte_is_as_large_as_the_picture_and_of_one_person(known: EmbeddedAnalyzer) -> None:
    image = spots([(60, 60), (180, 100)], height=160, width=240, radius=12)
    face = min(known.faces(image), key=lambda f: f.box[0])
    matte = known.matte(image, face)
    assert matte.shape == (160, 240)
    assert matte.dtype == np.uint8
    assert matte[60, 60] > 200
    assert matte[100, 180] == 0
    assert matte[20, 120] == 0


def test_gender_is_said_only_when_sure(known: EmbeddedAnalyzer) -> None:
    assert known._gender(0.9) == "man"
    assert known._gender(0.1) == "woman"
    assert known._gender(0.6) is None


def test_it_is_fast_on_a_laptop(analyzer_folder: Path) -> None:
    real = EmbeddedAnalyzer(analyzer_folder)
    assert real.same_person == 0.6
    parameters = [p for n in (real._detector, real._recogniser) for p in n.parameters()]
    assert sum(p.numel() for p in parameters) < 2_200_000
    assert all(p.dtype == torch.float32 for p in parameters)


@pytest.mark.parametrize("file", ["config.json", "detector.safetensors", "recogniser.safetensors"])
def test_damaged_files_are_named(analyzer_folder: Path, file: str) -> None:
    path = analyzer_folder / file
    path.write_bytes(path.read_bytes()[:50])
    with pytest.raises(CheckpointError, match=file) as caught:
        EmbeddedAnalyzer(analyzer_folder)
    assert "\n" not in str(caught.value)
    path.unlink()
    with pytest.raises(CheckpointError, match=file):
        EmbeddedAnalyzer(analyzer_folder)


def test_foreign_weights_are_refused(analyzer_folder: Path) -> None:
    from safetensors.torch import load_file, save_file

    path = analyzer_folder / "detector.safetensors"
    state = load_file(path)
    first = next(iter(state))
    save_file({**state, first: torch.full_like(state[first], float("nan"))}, path)
    with pytest.raises(CheckpointError, match="not numbers"):
        EmbeddedAnalyzer(analyzer_folder)
    save_file({"foreign": torch.zeros(3)}, path)
    with pytest.raises(CheckpointError, match="not the weights"):
        EmbeddedAnalyzer(analyzer_folder)
    config = json.loads((analyzer_folder / "config.json").read_text())
    (analyzer_folder / "config.json").write_text(json.dumps({**config, "version": 2}))
    with pytest.raises(CheckpointError, match="version"):
        EmbeddedAnalyzer(analyzer_folder)


def test_analyzers_are_made_by_name(analyzer_folder: Path) -> None:
    assert analyzer("embedded", folder=analyzer_folder).name == "embedded"
    for name in ("", "dlib", "embedded:x", "insightface", "insightface:", "insightface:../x"):
        with pytest.raises(InputError):
            analyzer(name)
