"""FaceSim-Arc, FaceSim-Cur and fid_consisid: the recipes of specs re-derived with numpy on made pictures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from stillmotion.errors import NoFaceError
from stillmotion.evaluate import faces as faces_room
from stillmotion.evaluate.curricular import CurricularFace, CurricularJudge
from stillmotion.evaluate.curricular import prepare as for_curricular
from stillmotion.evaluate.faces import ArcJudge, FaceReader, cosine, face_reader, judged
from stillmotion.evaluate.inception import FidJudge, Inception
from stillmotion.evaluate.types import NotComputed, Sample

from .packs import FIVE, PROJECTION, home_with, picture

pytestmark = pytest.mark.usefixtures("at_home")

pytest.importorskip("onnx")
pytest.importorskip("insightface.model_zoo", exc_type=ImportError)

ARCFACE = np.array(
    [[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366], [41.5493, 92.3655], [70.7299, 92.2041]]
)
"""Where the published norm_crop puts the five points in a crop of 112 pixels."""


def sample(frames: list[np.ndarray], reference: np.ndarray) -> Sample:
    return Sample("id001", "prompt1", Path("a.mp4"), np.stack(frames), 8.0, reference, "she waves")


def points_of(cell: tuple[int, int]) -> np.ndarray:
    """The detector's five points of the face in a cell: anchors stand at a cell's upper left corner."""
    return 8 * (np.array(cell) + FIVE)


def crop(image: np.ndarray, five: np.ndarray, side: int) -> np.ndarray:
    """The aligned face: the best similarity transform by linear least squares, sampled bilinearly, black
    outside.
    """
    target = ARCFACE * side / 112
    rows = [[x, -y, 1, 0] for x, y in five] + [[y, x, 0, 1] for x, y in five]
    a, b, tx, ty = np.linalg.lstsq(np.array(rows), np.concatenate([target[:, 0], target[:, 1]]), rcond=None)[
        0
    ]
    back = np.linalg.inv(np.array([[a, -b, tx], [b, a, ty], [0, 0, 1]]))
    v, u = np.mgrid[:side, :side]
    x, y = np.einsum("ij,jhw->ihw", back[:2], np.stack([u, v, np.ones_like(u)]))
    padded = np.pad(image.astype(np.float64), ((2, 2), (2, 2), (0, 0)))
    x, y = np.clip(x, -1.5, image.shape[1] + 0.5) + 2, np.clip(y, -1.5, image.shape[0] + 0.5) + 2
    x0, y0 = np.floor(x).astype(int), np.floor(y).astype(int)
    fx, fy = (x - x0)[..., None], (y - y0)[..., None]
    top = padded[y0, x0] * (1 - fx) + padded[y0, x0 + 1] * fx
    return top * (1 - fy) + (padded[y0 + 1, x0] * (1 - fx) + padded[y0 + 1, x0 + 1] * fx) * fy


def arcface(image: np.ndarray, cell: tuple[int, int]) -> np.ndarray:
    """The pack's recogniser in numpy: (x - 127.5) / 127.5, pooled by 16, projected."""
    face = (crop(image, points_of(cell), 112) - 127.5) / 127.5
    pooled = face.reshape(7, 16, 7, 16, 3).mean((1, 3))
    return pooled.transpose(2, 0, 1).ravel() @ PROJECTION


def similarity(reference: np.ndarray, one: np.ndarray) -> float:
    return max(0.0, float(reference @ one / np.linalg.norm(reference) / np.linalg.norm(one)))


CELLS = [(19, 17), (20, 17), (20, 18), None, (12, 22)]


def moving() -> tuple[np.ndarray, list[np.ndarray]]:
    """A reference and a video of five frames whose fourth has no face."""
    return picture(seed=1), [picture(cell, seed=n + 2) for n, cell in enumerate(CELLS)]


def test_judged_frames_are_linspace_cut_to_whole_numbers() -> None:
    assert judged(16) == list(range(16))
    assert judged(81) == [int(80 * i / 15) for i in range(16)]
    assert judged(17)[:3] == [0, 1, 2] and judged(17)[-1] == 16 and len(judged(17)) == 16
    assert judged(1) == [0] * 16


def test_facesim_arc_agrees_with_numpy() -> None:
    reference, frames = moving()
    measured = ArcJudge("cpu").measure(sample(frames, reference))
    known = arcface(reference, (19, 17))
    per_frame = [
        None if c is None else similarity(known, arcface(f, c)) for f, c in zip(frames, CELLS, strict=True)
    ]
    wanted = [per_frame[int(4 * i / 15)] for i in range(16)]
    assert len({round(s, 3) for s in wanted if s is not None}) == 4
    for found, own in zip(measured.curves["facesim_arc"], wanted, strict=True):
        assert (found is None) == (own is None)
        assert found is None or found == pytest.approx(own, abs=2e-3)
    with_face = [s for s in wanted if s is not None]
    assert measured.values["facesim_arc"] == pytest.approx(np.mean(with_face), abs=2e-3)
    assert (measured.face_frames, measured.judged_frames) == (len(with_face), 16)
    assert measured.flags == ()


def convolve(x: np.ndarray, weight: np.ndarray, stride: int = 1, padding: int = 0) -> np.ndarray:
    x = np.pad(x, ((0, 0), (padding, padding), (padding, padding)))
    windows = np.lib.stride_tricks.sliding_window_view(x, weight.shape[2:], axis=(1, 2))
    return np.einsum("chwij,ocij->ohw", windows[:, ::stride, ::stride], weight, optimize=True)


def curricular(state: dict[str, np.ndarray], face: np.ndarray) -> np.ndarray:
    """The released IR-101 in numpy, one face (3, 112, 112): 3, 13, 30 and 3 blocks."""

    def norm(x: np.ndarray, name: str, affine: bool = True) -> np.ndarray:
        shape = (-1,) + (1,) * (x.ndim - 1)
        mean, var = (state[f"{name}.running_{k}"].reshape(shape) for k in ("mean", "var"))
        x = (x - mean) / np.sqrt(var + 1e-5)
        return (
            x * state[name + ".weight"].reshape(shape) + state[name + ".bias"].reshape(shape) if affine else x
        )

    def prelu(x: np.ndarray, name: str) -> np.ndarray:
        return np.where(x > 0, x, x * state[name + ".weight"][:, None, None])

    x = prelu(norm(convolve(face, state["input_layer.0.weight"], 1, 1), "input_layer.1"), "input_layer.2")
    block = 0
    for count in (3, 13, 30, 3):
        for position in range(count):
            stride = 2 if position == 0 else 1
            at = f"body.{block}."
            if at + "shortcut_layer.0.weight" in state:
                shortcut = norm(
                    convolve(x, state[at + "shortcut_layer.0.weight"], stride), at + "shortcut_layer.1"
                )
            else:
                shortcut = x[:, ::stride, ::stride]
            y = convolve(norm(x, at + "res_layer.0"), state[at + "res_layer.1.weight"], 1, 1)
            y = prelu(norm(y, at + "res_layer.2"), at + "res_layer.3")
            x = norm(convolve(y, state[at + "res_layer.4.weight"], stride, 1), at + "res_layer.5") + shortcut
            block += 1
    x = state["output_layer.3.weight"] @ norm(x, "output_layer.0").ravel() + state["output_layer.3.bias"]
    return norm(x, "output_layer.4", affine=False)


def test_facesim_cur_agrees_with_numpy(home: Path) -> None:
    file = home / "models" / "curricularface" / "curricularface.safetensors"
    state = {name: t.double().numpy() for name, t in load_file(file).items()}
    assert len({name.split(".")[1] for name in state if name.startswith("body.")}) == 49

    def embedding(image: np.ndarray, cell: tuple[int, int]) -> np.ndarray:
        face = np.rint(crop(image, points_of(cell), 224))
        halves = np.rint(face.reshape(112, 2, 112, 2, 3).mean((1, 3)))
        return curricular(state, ((halves / 255 - 0.5) / 0.5).transpose(2, 0, 1))

    reference, frames = moving()
    measured = CurricularJudge("cpu").measure(sample([frames[0], frames[4]], reference))
    known = embedding(reference, (19, 17))
    own = [similarity(known, embedding(frames[n], CELLS[n])) for n in (0, 4)]
    assert abs(own[0] - own[1]) > 0.1
    curve = measured.curves["facesim_cur"]
    # Of two frames linspace(0, 1, 16) cut to whole numbers looks at the first 15 times.
    assert curve[0] == pytest.approx(own[0], abs=0.02)
    assert curve[15] == pytest.approx(own[1], abs=0.02)
    assert measured.values["facesim_cur"] == pytest.approx((15 * own[0] + own[1]) / 16, abs=0.02)


def test_the_curricular_network_itself_is_exact(home: Path) -> None:
    file = home / "models" / "curricularface" / "curricularface.safetensors"
    state = load_file(file)
    network = CurricularFace(4)
    network.load_state_dict(state)
    face = torch.rand(1, 3, 112, 112, generator=torch.Generator().manual_seed(3)) * 2 - 1
    with torch.inference_mode():
        found = network.eval()(face)[0].numpy()
    own = curricular({name: t.double().numpy() for name, t in state.items()}, face[0].double().numpy())
    np.testing.assert_allclose(found, own, atol=1e-4 * np.abs(own).max())


def fid(real: np.ndarray, fake: np.ndarray) -> float:
    """The published calculation in full: each side's one feature twice, means and covariances."""
    one, two = np.repeat(real[None], 2, 0), np.repeat(fake[None], 2, 0)
    sigma1, sigma2 = np.cov(one.T), np.cov(two.T)
    values, vectors = np.linalg.eigh(sigma1 @ sigma2)
    root = (vectors * np.sqrt(np.clip(values, 0, None))) @ vectors.T
    return float(((one.mean(0) - two.mean(0)) ** 2).sum() + np.trace(sigma1 + sigma2 - 2 * root))


def enlarge(image: np.ndarray, side: int) -> np.ndarray:
    """Bilinear, pixel centres, edges repeated."""
    place = np.clip((np.arange(side) + 0.5) * image.shape[0] / side - 0.5, 0, image.shape[0] - 1)
    low = np.minimum(place.astype(int), image.shape[0] - 2)
    share = place - low
    rows = image[low] * (1 - share)[:, None, None] + image[low + 1] * share[:, None, None]
    return rows[:, low] * (1 - share)[:, None] + rows[:, low + 1] * share[:, None]


def test_fid_agrees_with_the_published_calculation(home: Path) -> None:
    state = load_file(home / "models" / "inception-v3" / "inception-v3.safetensors")
    network = Inception(16).eval()
    network.load_state_dict({k: v for k, v in state.items() if not k.startswith(("fc.", "AuxLogits."))})

    def features(image: np.ndarray, cell: tuple[int, int]) -> np.ndarray:
        large = enlarge(np.rint(crop(image, points_of(cell), 224)), 299) / 255
        with torch.inference_mode():
            return (
                network(torch.tensor(large.transpose(2, 0, 1)[None], dtype=torch.float32))[0].double().numpy()
            )

    reference, frames = moving()
    measured = FidJudge("cpu").measure(sample([frames[0], frames[4]], reference))
    known = features(reference, (19, 17))
    own = [fid(known, features(frames[n], CELLS[n])) for n in (0, 4)]
    assert min(own) > 1e-4
    assert measured.values["fid_consisid"] == pytest.approx((15 * own[0] + own[1]) / 16, rel=0.03)


@pytest.mark.parametrize("judge", [ArcJudge, CurricularJudge, FidJudge])
def test_a_reference_against_itself_is_perfect(judge: type) -> None:
    reference = picture(seed=7)
    measured = judge("cpu").measure(sample([reference.copy() for _ in range(3)], reference))
    (metric,) = judge.metrics
    assert measured.values[metric] == pytest.approx(0.0 if judge is FidJudge else 1.0, abs=1e-12)
    assert measured.face_frames == measured.judged_frames == 16


@pytest.mark.parametrize("judge", [ArcJudge, CurricularJudge, FidJudge])
def test_a_video_without_a_face_has_0_and_a_flag(judge: type) -> None:
    measured = judge("cpu").measure(sample([picture(None)] * 2, picture()))
    (metric,) = judge.metrics
    assert measured.values[metric] == 0.0
    assert set(measured.curves[metric]) == {None}
    assert (measured.face_frames, measured.judged_frames) == (0, 16)
    assert measured.flags[0] == "no face"
    assert (len(measured.flags) == 2) == (judge is FidJudge)


def test_a_reference_without_a_face_is_refused() -> None:
    with pytest.raises(NoFaceError, match="reference"):
        ArcJudge("cpu").measure(sample([picture()], picture(None)))


def test_no_face_is_looked_for_again_with_a_grey_border(monkeypatch: pytest.MonkeyPatch) -> None:
    reader = face_reader("cpu")
    detector, seen = reader._models["detection"], []
    real = detector.detect

    def detect(image, input_size):
        seen.append(image)
        assert input_size == (320, 320)
        found, points = real(image, input_size=input_size)
        return (found[:0], points[:0]) if len(seen) == 1 else (found, points)

    monkeypatch.setattr(detector, "detect", detect)
    # 240 pixels and 60 on either side are 360, of which the detector sees 320.
    image = picture(None, side=240)
    image[60:84, 96:120] = 255
    face = reader.largest(image)
    assert face is not None
    assert [i.shape for i in seen] == [(240, 240, 3), (360, 360, 3)]
    np.testing.assert_array_equal(seen[1][60:300, 60:300], image[..., ::-1])
    border = np.ones((360, 360), bool)
    border[60:300, 60:300] = False
    assert (seen[1][border] == 128).all()
    # The crop is of the picture itself: points without the border, black where it ends.
    five = real(seen[1], input_size=(320, 320))[1][0] - 60
    np.testing.assert_allclose(face.aligned.astype(float), crop(image, five, 224), atol=4)


def test_the_largest_face_is_taken_and_the_threshold_is_a_half(monkeypatch: pytest.MonkeyPatch) -> None:
    reader = face_reader("cpu")
    assert reader._models["detection"].det_thresh == 0.5
    boxes = np.array([[10, 10, 60, 60, 0.99], [100, 100, 220, 200, 0.6], [5, 5, 100, 100, 0.9]], np.float32)
    points = np.stack([points_of((5, 5)), points_of((19, 17)), points_of((8, 8))]).astype(np.float32)
    monkeypatch.setattr(reader._models["detection"], "detect", lambda image, input_size: (boxes, points))
    face = reader.largest(picture())
    assert face is not None
    assert cosine(face.embedding, arcface(picture(), (19, 17)).astype(np.float32)) > 0.999


def test_three_judges_look_for_faces_once(monkeypatch: pytest.MonkeyPatch) -> None:
    judges = [judge("cpu") for judge in (ArcJudge, CurricularJudge, FidJudge)]
    looked = []
    real = FaceReader.largest
    monkeypatch.setattr(FaceReader, "largest", lambda self, image: looked.append(1) or real(self, image))
    reference, frames = moving()
    first = sample(frames, reference)
    for judge in judges:
        judge.measure(first)
    assert len(looked) == 1 + 5
    # The next video of the same person: its frames only.
    judges[0].measure(sample(frames[:2], reference))
    assert len(looked) == 1 + 5 + 2


def test_absent_and_foreign_weights_are_told_with_the_way_out(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STILLMOTION_HOME", str(tmp_path))
    for judge in (ArcJudge, CurricularJudge, FidJudge):
        with pytest.raises(NotComputed, match="stillmotion download evaluate"):
            judge("cpu")
    home_with(tmp_path, curricular=False, inception=False)
    for judge, name in ((CurricularJudge, "curricularface"), (FidJudge, "inception-v3")):
        part = f"models/{name}/{name}.safetensors"
        state = load_file(home / part)
        (tmp_path / part).parent.mkdir(parents=True)
        for change in (
            {"one.more": torch.zeros(2)},
            dict.fromkeys([k for k in state if "running_var" in k][:1]),
        ):
            changed = {k: v for k, v in (state | change).items() if v is not None}
            save_file(changed, tmp_path / part)
            with pytest.raises(NotComputed, match=rf"{name}.*not this judge's network"):
                judge("cpu")
        (tmp_path / part).write_bytes((home / part).read_bytes()[:-9])
        with pytest.raises(NotComputed, match=f"{name}.safetensors"):
            judge("cpu")


def test_the_full_networks_have_the_released_tensors() -> None:
    """Names, shapes and numbers as published: torchvision counts 27,161,264 parameters with both heads."""
    with torch.device("meta"):
        ir, inception = CurricularFace().state_dict(), Inception()
    assert ir["input_layer.0.weight"].shape == (64, 3, 3, 3)
    assert ir["body.3.shortcut_layer.0.weight"].shape == (128, 64, 1, 1)
    assert ir["body.15.res_layer.4.weight"].shape == (128, 128, 3, 3)
    assert ir["body.16.res_layer.1.weight"].shape == (256, 128, 3, 3)
    assert ir["body.48.res_layer.5.running_var"].shape == (512,)
    assert ir["output_layer.3.weight"].shape == (512, 512 * 49)
    assert "body.0.shortcut_layer.0.weight" not in ir and "output_layer.4.weight" not in ir
    heads = (768 * 128 + 2 * 128) + (128 * 768 * 25 + 2 * 768) + (768 * 1000 + 1000) + (2048 * 1000 + 1000)
    assert sum(p.numel() for p in inception.parameters()) == 27_161_264 - heads
    assert inception.state_dict()["Mixed_7c.branch3x3dbl_3b.conv.weight"].shape == (384, 384, 3, 1)


def filled(name: str, shape: tuple[int, ...]) -> torch.Tensor:
    """Weights by a formula, the same everywhere."""
    wave = np.sin(np.arange(int(np.prod(shape))) * 0.37 + len(name)).reshape(shape)
    if name.endswith("running_var"):
        return torch.tensor(1 + 0.5 * wave**2, dtype=torch.float32)
    if name.endswith(("running_mean", "bias")):
        return torch.tensor(0.1 * wave, dtype=torch.float32)
    if len(shape) == 1:
        return torch.tensor(1 + 0.2 * wave, dtype=torch.float32)
    return torch.tensor(wave * 1.5 / np.sqrt(np.prod(shape[1:])), dtype=torch.float32)


def test_inception_answers_as_torchvisions() -> None:
    """Golden figures: torchvision 0.29.2's Inception3(transform_input=True), these weights, this picture."""
    network = Inception().eval()
    state = {k: filled(k, tuple(v.shape)) for k, v in network.state_dict().items() if v.is_floating_point()}
    network.load_state_dict(state, strict=False)
    y, x = np.mgrid[:299, :299] / 299
    waves = [0.5 + 0.5 * np.sin(9 * x + k) * np.cos(7 * y - k) for k in range(3)]
    with torch.inference_mode():
        found = network(torch.tensor(np.stack(waves)[None], dtype=torch.float32))[0].double().numpy()
    golden = [0.0, 0.09958888590335846, 0.0, 0.0010139023652300239, 0.41469812393188477]
    np.testing.assert_allclose(found[[0, 400, 1000, 1600, 2047]], golden, atol=2e-5)
    assert np.linalg.norm(found) == pytest.approx(8.680948753558155, rel=1e-5)


def test_curricular_reads_halves_of_the_crop_in_rgb() -> None:
    aligned = np.random.default_rng(0).integers(0, 255, (224, 224, 3), dtype=np.uint8)
    halves = aligned.reshape(112, 2, 112, 2, 3).mean((1, 3)).transpose(2, 0, 1)
    np.testing.assert_allclose(for_curricular(aligned), halves / 127.5 - 1, atol=0.51 / 127.5)


def test_cosines_of_nothing_are_0() -> None:
    assert cosine(np.zeros(3, np.float32), np.ones(3, np.float32)) == 0.0
    assert cosine(np.ones(3, np.float32), -np.ones(3, np.float32)) == pytest.approx(-1)
    curve = faces_room.face_similarity("m", np.ones(2, np.float32), [-np.ones(2, np.float32)]).curves["m"]
    assert curve == (0.0,)
