"""insightface's loader on small packs in the released layout, with answers known beforehand.

The detector has SCRFD's nine outputs and finds a face in every bright cell; the landmark network answers with
fixed places; the recogniser is a fixed projection; the gender follows the brightness. None of them is a real
network: what is tested is that the pack is found, read, and its answers brought back to the picture.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from stillmotion.errors import CheckpointError, InputError, MissingWeightsError
from stillmotion.identity import analyzer, read
from stillmotion.identity.insight import InsightAnalyzer
from stillmotion.identity.segment import expected, grabcut

onnx = pytest.importorskip("onnx")
# ImportError, not only "no such module": OpenCV's wheel wants libGL, which a bare machine has not.
pytest.importorskip("insightface.model_zoo", exc_type=ImportError)
helper, numpy_helper, TensorProto = onnx.helper, onnx.numpy_helper, onnx.TensorProto

HALF = {8: 3.0, 16: 0.0, 32: 0.0}
"""Half side of the detected boxes, in strides; only stride 8 ever answers."""
LANDMARKS = np.linspace(-0.5, 0.5, 212, dtype=np.float32)


def write(path: Path, nodes, inputs, outputs, weights=()) -> None:
    graph = helper.make_graph(
        nodes, path.stem, inputs, outputs, [numpy_helper.from_array(v, n) for n, v in weights]
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.checker.check_model(model)
    onnx.save(model, path)


def value(name: str, shape) -> object:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)


def detector(path: Path) -> None:
    """scores, boxes and points of strides 8, 16, 32, two anchors a cell; input (1, 3, ?, ?)."""
    nodes, outputs, weights = [], [], []
    five = np.array([[-1, -1], [1, -1], [0, 0.2], [-0.8, 1], [0.8, 1]], np.float32).reshape(1, 1, 10)
    weights += [("to_column", np.array([1, -1, 1], np.int64)), ("flat", np.array([-1, 1], np.int64))]
    weights += [("single", np.array([1, -1, 1], np.int64))]
    weights += [("five", five), ("zero", np.zeros(1, np.float32))]
    names: dict[str, list[str]] = {"score": [], "bbox": [], "kps": []}
    for stride in (8, 16, 32):
        s = str(stride)
        gain = np.array([1.0 if stride == 8 else 0.0], np.float32)
        weights += [("gain" + s, gain), ("half" + s, np.full((1, 1, 4), HALF[stride], np.float32))]
        nodes += [
            helper.make_node(
                "AveragePool", ["input.1"], ["pool" + s], kernel_shape=[stride] * 2, strides=[stride] * 2
            ),
            helper.make_node("ReduceMean", ["pool" + s], ["mean" + s], axes=[1], keepdims=1),
            helper.make_node("Mul", ["mean" + s, "gain" + s], ["gained" + s]),
            helper.make_node("Reshape", ["gained" + s, "to_column"], ["cells" + s]),
            helper.make_node("Concat", ["cells" + s, "cells" + s], ["pairs" + s], axis=2),
            helper.make_node("Reshape", ["pairs" + s, "single"], ["anchors" + s]),
            helper.make_node("Reshape", ["anchors" + s, "flat"], ["score" + s]),
            helper.make_node("Mul", ["anchors" + s, "zero"], ["blank" + s]),
            helper.make_node("Add", ["blank" + s, "half" + s], ["boxes" + s]),
            helper.make_node("Reshape", ["boxes" + s, "four"], ["bbox" + s]),
            helper.make_node("Add", ["blank" + s, "five"], ["points" + s]),
            helper.make_node("Reshape", ["points" + s, "ten"], ["kps" + s]),
        ]
        for name, stems in names.items():
            stems.append(name + s)
    weights += [("four", np.array([-1, 4], np.int64)), ("ten", np.array([-1, 10], np.int64))]
    for name, width in (("score", 1), ("bbox", 4), ("kps", 10)):
        outputs += [value(n, ["n" + n, width]) for n in names[name]]
    write(path, nodes, [value("input.1", [1, 3, "h", "w"])], outputs, weights)


def constant(path: Path, side: int, answer: np.ndarray) -> None:
    """A network that answers the same for every picture."""
    nodes = [
        helper.make_node("ReduceMean", ["data"], ["mean"], axes=[1, 2, 3], keepdims=0),
        helper.make_node("Reshape", ["mean", "column"], ["level"]),
        helper.make_node("Mul", ["level", "zero"], ["blank"]),
        helper.make_node("Add", ["blank", "answer"], ["fc1"]),
    ]
    weights = [
        ("column", np.array([-1, 1], np.int64)),
        ("zero", np.zeros(1, np.float32)),
        ("answer", answer[None]),
    ]
    write(path, nodes, [value("data", ["n", 3, side, side])], [value("fc1", ["n", len(answer)])], weights)


def gender(path: Path) -> None:
    """A man where the left half is brighter than the right one, a woman otherwise; 42 years old."""
    left = np.concatenate([np.ones((1, 3, 96, 48)), -np.ones((1, 3, 96, 48))], 3).astype(np.float32)
    nodes = [
        helper.make_node("Conv", ["data", "left"], ["slope"]),
        helper.make_node("Reshape", ["slope", "column"], ["level"]),
        helper.make_node("Mul", ["level", "signs"], ["both"]),
        helper.make_node("Add", ["both", "age"], ["fc1"]),
    ]
    weights = [("left", left), ("column", np.array([-1, 1], np.int64))]
    weights += [
        ("signs", np.array([[-1, 1, 0]], np.float32)),
        ("age", np.array([[0, 1e-3, 0.42]], np.float32)),
    ]
    write(path, nodes, [value("data", ["n", 3, 96, 96])], [value("fc1", ["n", 3])], weights)


def recogniser(path: Path) -> None:
    """A fixed projection of the shrunken picture."""
    projection = np.random.default_rng(0).normal(0, 1, (3 * 7 * 7, 512)).astype(np.float32)
    nodes = [
        helper.make_node("AveragePool", ["input.1"], ["pool"], kernel_shape=[16, 16], strides=[16, 16]),
        helper.make_node("Flatten", ["pool"], ["flat"]),
        helper.make_node("MatMul", ["flat", "projection"], ["683"]),
    ]
    write(
        path,
        nodes,
        [value("input.1", ["n", 3, 112, 112])],
        [value("683", ["n", 512])],
        [("projection", projection)],
    )


@pytest.fixture(scope="module")
def pack(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("home") / "models" / "antelopev2"
    folder.mkdir(parents=True)
    detector(folder / "scrfd_10g_bnkps.onnx")
    constant(folder / "2d106det.onnx", 192, LANDMARKS)
    recogniser(folder / "glintr100.onnx")
    gender(folder / "genderage.onnx")
    (folder / "1k3d68.onnx").write_bytes(b"never opened")
    return folder


def picture(at=(200, 120), half: int = 12, side: int = 320) -> np.ndarray:
    image = np.zeros((side, side, 3), np.uint8)
    image[at[1] - half : at[1] + half, at[0] - half : at[0] + half] = 255
    return image


def test_boxes_and_points_come_back_to_the_pictures_pixels(pack: Path) -> None:
    faces = InsightAnalyzer("antelopev2", folder=pack).faces(picture())
    assert len(faces) >= 1
    face = faces[0]
    # 640 pixels are looked at, twice the picture's side: a stride of 8 is 4 of its pixels.
    np.testing.assert_allclose((face.box[:2] + face.box[2:]) / 2, [200, 120], atol=13)
    np.testing.assert_allclose(face.box[2:] - face.box[:2], 2 * HALF[8] * 4, atol=0.5)
    middle = (face.box[:2] + face.box[2:]) / 2
    np.testing.assert_allclose(face.five[0], middle - 4, atol=0.1)
    np.testing.assert_allclose(face.five[2], middle + np.array([0, 0.8]), atol=0.1)
    assert face.score > 0.5


def test_landmarks_are_undone_from_the_crop(pack: Path) -> None:
    face = InsightAnalyzer("antelopev2", folder=pack).faces(picture())[0]
    middle, side = (face.box[:2] + face.box[2:]) / 2, float(face.box[2] - face.box[0])
    # The crop is 1.5 boxes wide; -1..1 is its whole width.
    expected_points = middle + LANDMARKS.reshape(106, 2) * 0.75 * side
    np.testing.assert_allclose(face.landmarks, expected_points, atol=0.2)


def test_embeddings_have_unit_length_and_see_the_face(pack: Path) -> None:
    insight = InsightAnalyzer("antelopev2", folder=pack)
    one = insight.faces(picture())[0].embedding
    again = insight.faces(picture())[0].embedding
    coloured = picture()
    coloured[..., 0] //= 2
    other = insight.faces(coloured)[0].embedding
    assert np.linalg.norm(one) == pytest.approx(1, abs=1e-5)
    np.testing.assert_array_equal(one, again)
    assert one @ other < 0.999


def test_gender_needs_the_mirror_image_to_agree(pack: Path) -> None:
    insight = InsightAnalyzer("antelopev2", folder=pack)
    even = insight.faces(picture())[0]
    assert even.age == 42
    found = type("Found", (), {"bbox": np.array([180, 100, 220, 140], np.float32), "gender": 1})()
    lit = np.zeros((320, 320, 3), np.uint8)
    lit[:, 200:] = 255
    # Mirrored, the light comes from the left: "man" again. Lit from the other side it disagrees.
    assert insight._gender(lit, found) == "man"
    assert insight._gender(255 - lit, found) is None


def test_smaller_sizes_are_tried_until_a_face_is_found(pack: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    insight = InsightAnalyzer("antelopev2", folder=pack)
    tried = []
    model = insight._models["detection"]
    real = model.detect

    def detect(image, input_size):
        tried.append(input_size[0])
        found, points = real(image, input_size=input_size)
        return (found, points) if input_size[0] <= 384 else (found[:0], points[:0])

    monkeypatch.setattr(model, "detect", detect)
    assert insight.faces(picture())
    assert tried == [640, 512, 384]
    tried.clear()
    assert insight.faces(np.zeros((64, 64, 3), np.uint8)) == []
    assert tried == [640, 512, 384, 256]


def test_a_pack_is_found_in_the_home_or_asked_for(
    pack: Path, monkeypatch: pytest.MonkeyPatch, tmp_path
) -> None:
    monkeypatch.setenv("STILLMOTION_HOME", str(pack.parent.parent))
    assert analyzer("insightface:antelopev2").name == "insightface:antelopev2"
    monkeypatch.setenv("STILLMOTION_HOME", str(tmp_path))
    with pytest.raises(MissingWeightsError, match="stillmotion download"):
        analyzer("insightface:antelopev2")
    with pytest.raises(MissingWeightsError, match="own_pack"):
        analyzer("insightface:own_pack")
    with pytest.raises(InputError):
        analyzer("insightface:../antelopev2")


def test_incomplete_and_damaged_packs_are_refused(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="detection, landmark_2d_106, recognition, genderage"):
        InsightAnalyzer("pack", folder=tmp_path)
    (tmp_path / "det.onnx").write_bytes(b"not a network")
    with pytest.raises(CheckpointError, match=r"det\.onnx") as caught:
        InsightAnalyzer("pack", folder=tmp_path)
    assert "\n" not in str(caught.value)


def test_nested_packs_are_read_as_the_released_zip_holds_them(pack: Path, tmp_path: Path) -> None:
    (tmp_path / "antelopev2").symlink_to(pack, target_is_directory=True)
    assert InsightAnalyzer("antelopev2", folder=tmp_path).faces(picture())


def test_grabcut_cuts_the_person_from_the_wall() -> None:
    from known_faces import make_face

    rng = np.random.default_rng(0)
    face = make_face(at=(100, 70), height=60)
    image = np.full((200, 200, 3), (40, 90, 160), np.uint8)
    rows, columns = np.mgrid[:200, :200]
    person = ((columns - 100) / 34) ** 2 + ((rows - 65) / 44) ** 2 < 1
    person |= (rows > 105) & (abs(columns - 100) < np.clip(25 + (rows - 105) * 2, 0, 80))
    image[person] = (210, 150, 120)
    image = np.clip(image + rng.normal(0, 6, image.shape), 0, 255).astype(np.uint8)
    matte = grabcut(image, face) > 127
    assert (matte & person).sum() / (matte | person).sum() > 0.9


def test_a_person_cut_out_without_sam_is_said(
    pack: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STILLMOTION_HOME", str(tmp_path / "empty"))
    photo = tmp_path / "a.png"
    Image.fromarray(picture()).save(photo)
    reader = InsightAnalyzer("pack", folder=pack)
    assert reader.notes == ()
    notes = read([photo], reader).notes
    assert sum("sam2.1-hiera-tiny" in note for note in notes) == 1


def test_what_is_expected_around_a_face() -> None:
    likely = expected(np.array([40, 30, 60, 55], np.float32), 120, 100)
    assert likely.shape == (120, 100)
    assert likely[42, 50] == 1
    assert likely[110, 50] > 0.5
    assert likely[5, 5] < 0.05
