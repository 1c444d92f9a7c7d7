"""Judges' weights in the released formats, small and random or with known answers, and videos without loss.

The detector has SCRFD's nine outputs and finds a face in every cell of 8x8 pixels that is nearly white; the
recogniser is a fixed projection. None is a real network: what is tested is everything around them.
"""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file

POOL = 16
PROJECTION = np.random.default_rng(0).normal(0, 1, (3 * 7 * 7, 512)).astype(np.float32)
FIVE = np.array([[-2, -2], [2, -2], [0, 0.4], [-1.6, 2], [1.6, 2]], np.float32)
"""The five points of every face, in cells of 8 pixels around it."""
HALF_BOX = 4.0
GENDER = np.array([1.0, 0.0, 0.3], np.float32)


def home_with(
    folder: Path, *, pack: bool = True, curricular: bool = True, inception: bool = True, seed: int = 0
) -> Path:
    """A weights home with these judges' parts."""
    if pack:
        write_pack(folder / "models" / "buffalo_l")
    if curricular:
        write_curricular(folder / "models" / "curricularface" / "curricularface.safetensors", seed=seed)
    if inception:
        write_inception(folder / "models" / "inception-v3" / "inception-v3.safetensors", seed=seed)
    return folder


def write_curricular(path: Path, width: int = 4, seed: int = 0) -> dict[str, torch.Tensor]:
    from stillmotion.evaluate.curricular import CurricularFace

    return _write(CurricularFace(width), path, seed)


def write_inception(path: Path, narrow: int = 16, seed: int = 0) -> dict[str, torch.Tensor]:
    """With the two heads that the released file has and nobody reads."""
    from stillmotion.evaluate.inception import Inception

    heads = {"fc.weight": torch.zeros(5, 4), "AuxLogits.conv0.bn.bias": torch.zeros(3)}
    return _write(Inception(narrow), path, seed, heads)


def _write(network, path: Path, seed: int, more=None) -> dict[str, torch.Tensor]:
    """Random weights that keep the signal's size through all layers."""
    random = torch.Generator().manual_seed(seed)
    state = {}
    for name, tensor in network.state_dict().items():
        if name.endswith("num_batches_tracked"):
            continue
        if name.endswith("running_var"):
            state[name] = 0.5 + torch.rand(tensor.shape, generator=random)
        elif tensor.ndim > 1:
            spread = (2 / tensor[0].numel()) ** 0.5
            state[name] = torch.randn(tensor.shape, generator=random) * spread
        elif name.endswith(("running_mean", "bias")):
            state[name] = torch.randn(tensor.shape, generator=random) * 0.02
        else:
            state[name] = 0.9 + 0.3 * torch.rand(tensor.shape, generator=random)
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file(state | (more or {}), path)
    return state


def write_pack(folder: Path) -> None:
    """buffalo_l's four models by their released names."""
    folder.mkdir(parents=True)
    _detector(folder / "det_10g.onnx")
    _recogniser(folder / "w600k_r50.onnx")
    _constant(folder / "2d106det.onnx", 192, np.zeros(212, np.float32))
    _constant(folder / "genderage.onnx", 96, GENDER)


def _save(path: Path, nodes, inputs, outputs, weights) -> None:
    import onnx
    from onnx import helper, numpy_helper

    tensors = [numpy_helper.from_array(np.asarray(value), name) for name, value in weights.items()]
    graph = helper.make_graph(nodes, path.stem, inputs, outputs, tensors)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.checker.check_model(model)
    onnx.save(model, path)


def _float(name: str, shape):
    from onnx import TensorProto, helper

    return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)


def _detector(path: Path) -> None:
    """Scores, boxes and points of strides 8, 16, 32, two anchors a cell; only stride 8 ever answers."""
    from onnx import helper

    node = helper.make_node
    weights = {
        "column": np.array([1, -1, 1], np.int64),
        "one": np.array([-1, 1], np.int64),
        "four": np.array([1, 4], np.int64),
        "ten": np.array([1, 10], np.int64),
        "zero": np.zeros(1, np.float32),
        "box": np.full((1, 4), HALF_BOX, np.float32),
        "five": FIVE.reshape(1, 10),
    }
    nodes = []
    for stride in (8, 16, 32):
        s = str(stride)
        weights["gain" + s] = np.array([1.0 if stride == 8 else 0.0], np.float32)
        nodes += [
            node("AveragePool", ["input.1"], ["pool" + s], kernel_shape=[stride] * 2, strides=[stride] * 2),
            node("ReduceMean", ["pool" + s], ["mean" + s], axes=[1], keepdims=1),
            node("Mul", ["mean" + s, "gain" + s], ["gained" + s]),
            node("Reshape", ["gained" + s, "column"], ["cells" + s]),
            node("Concat", ["cells" + s, "cells" + s], ["anchors" + s], axis=2),
            node("Reshape", ["anchors" + s, "one"], ["score" + s]),
            node("Mul", ["score" + s, "zero"], ["blank" + s]),
            node("Tile", ["blank" + s, "four"], ["boxes" + s]),
            node("Add", ["boxes" + s, "box"], ["bbox" + s]),
            node("Tile", ["blank" + s, "ten"], ["points" + s]),
            node("Add", ["points" + s, "five"], ["kps" + s]),
        ]
    outputs = [
        _float(kind + str(stride), ["n" + kind + str(stride), width])
        for kind, width in (("score", 1), ("bbox", 4), ("kps", 10))
        for stride in (8, 16, 32)
    ]
    _save(path, nodes, [_float("input.1", [1, 3, "h", "w"])], outputs, weights)


def _recogniser(path: Path) -> None:
    from onnx import helper

    nodes = [
        helper.make_node("AveragePool", ["input.1"], ["pool"], kernel_shape=[POOL] * 2, strides=[POOL] * 2),
        helper.make_node("Flatten", ["pool"], ["flat"]),
        helper.make_node("MatMul", ["flat", "projection"], ["683"]),
    ]
    inputs, outputs = [_float("input.1", ["n", 3, 112, 112])], [_float("683", ["n", 512])]
    _save(path, nodes, inputs, outputs, {"projection": PROJECTION})


def _constant(path: Path, side: int, answer: np.ndarray) -> None:
    from onnx import helper

    nodes = [
        helper.make_node("ReduceMean", ["data"], ["mean"], axes=[1, 2, 3], keepdims=0),
        helper.make_node("Reshape", ["mean", "column"], ["level"]),
        helper.make_node("Mul", ["level", "zero"], ["blank"]),
        helper.make_node("Add", ["blank", "answer"], ["fc1"]),
    ]
    weights = {
        "column": np.array([-1, 1], np.int64),
        "zero": np.zeros(1, np.float32),
        "answer": answer[None],
    }
    outputs = [_float("fc1", ["n", len(answer)])]
    _save(path, nodes, [_float("data", ["n", 3, side, side])], outputs, weights)


def picture(cell=(19, 17), seed: int = 0, side: int = 320) -> np.ndarray:
    """A soft coloured picture (side, side, 3) with one white cell of 8x8 pixels, which is its face."""
    rows, columns = np.mgrid[:side, :side] / side
    phase = np.random.default_rng(seed).uniform(0, 6, (3, 2))
    waves = [np.sin(23 * rows + a) * np.cos(19 * columns + b) for a, b in phase]
    pixels = (90 + 70 * np.stack(waves, axis=-1)).astype(np.uint8)
    if cell is not None:
        x, y = 8 * cell[0], 8 * cell[1]
        pixels[y : y + 8, x : x + 8] = 255
    return pixels


def write_video(path: Path, frames: np.ndarray, fps: int = 8) -> Path:
    """An MP4 whose decoded frames are exactly these (RGB, no loss)."""
    import av

    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w", format="mp4", options={"movflags": "+faststart"}) as container:
        stream = container.add_stream("libx264rgb", rate=Fraction(fps))
        stream.width, stream.height, stream.pix_fmt = frames.shape[2], frames.shape[1], "rgb24"
        stream.options = {"crf": "0", "preset": "ultrafast"}
        for pixels in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(stream.encode())
    return path
