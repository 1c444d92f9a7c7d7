"""facesim_dlib and face_frame_ratio with dlib's real networks, on the examples' synthetic people."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from stillmotion.errors import NoFaceError
from stillmotion.evaluate import dlib_faces
from stillmotion.evaluate.dlib_faces import DlibJudge
from stillmotion.evaluate.types import NotComputed, Sample

dlib = pytest.importorskip("dlib")
if importlib.util.find_spec("face_recognition_models") is None:
    pytest.skip("face_recognition_models is not installed", allow_module_level=True)

EXAMPLES = Path(__file__).parents[2] / "examples"
BLANK = np.full((200, 200, 3), 90, np.uint8)


def person(name: str, side: int = 200) -> np.ndarray:
    return np.asarray(Image.open(EXAMPLES / f"{name}.png").convert("RGB").resize((side, side)))


@pytest.fixture(scope="module")
def judge() -> DlibJudge:
    return DlibJudge("cpu")


def sample(frames: list[np.ndarray], reference: np.ndarray) -> Sample:
    return Sample("id001", "prompt1", Path("a.mp4"), np.stack(frames), 8.0, reference, "she waves")


def descriptor(picture: np.ndarray) -> np.ndarray:
    """What dlib's own classes say when called here once more, with the largest rectangle."""
    folder = Path(importlib.util.find_spec("face_recognition_models").origin).parent / "models"
    rectangles = list(dlib.get_frontal_face_detector()(picture, 1))
    rectangle = sorted(rectangles, key=lambda r: r.width() * r.height())[-1]
    shape = dlib.shape_predictor(str(folder / "shape_predictor_5_face_landmarks.dat"))(picture, rectangle)
    network = dlib.face_recognition_model_v1(str(folder / "dlib_face_recognition_resnet_model_v1.dat"))
    return np.array(network.compute_face_descriptor(picture, shape))


def test_similarity_is_1_minus_the_distance(judge: DlibJudge) -> None:
    maya, tom = person("maya"), person("tom")
    paler = (maya * 0.8 + 30).astype(np.uint8)
    measured = judge.measure(sample([maya, paler, BLANK, tom], maya))
    known = descriptor(maya)
    own = [max(0.0, 1 - np.sqrt(((descriptor(p) - known) ** 2).sum())) for p in (maya, paler, tom)]
    assert own[0] == 1.0 and own[1] > 0.8 and own[2] < 0.4
    # linspace(0, 3, 16) cut to whole numbers: frames 0, 1 and 2 five times each, frame 3 once.
    wanted = [own[0]] * 5 + [own[1]] * 5 + [None] * 5 + [own[2]]
    for found, value in zip(measured.curves["facesim_dlib"], wanted, strict=True):
        assert found == (None if value is None else pytest.approx(value, abs=1e-9))
    assert measured.values["facesim_dlib"] == pytest.approx(np.mean([w for w in wanted if w is not None]))
    assert measured.values["face_frame_ratio"] == 11 / 16
    assert (measured.face_frames, measured.judged_frames, measured.flags) == (11, 16, ())


def test_no_face_in_the_video_is_0_and_flagged(judge: DlibJudge) -> None:
    measured = judge.measure(sample([BLANK, BLANK], person("maya")))
    assert measured.values == {"facesim_dlib": 0.0, "face_frame_ratio": 0.0}
    assert (measured.face_frames, measured.flags) == (0, ("no face",))


def test_no_face_in_the_reference_is_refused(judge: DlibJudge) -> None:
    with pytest.raises(NoFaceError, match="reference"):
        judge.measure(sample([BLANK], BLANK))


def test_absent_networks_are_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(dlib_faces, "_models", lambda: tmp_path)
    with pytest.raises(NotComputed, match="pip install"):
        DlibJudge("cpu")
    monkeypatch.undo()
    monkeypatch.setattr(dlib_faces, "find_spec", lambda name: None)
    with pytest.raises(NotComputed, match=r"pip install 'stillmotion\[evaluate\]'"):
        DlibJudge("cpu")
