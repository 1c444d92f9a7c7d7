"""SAM 2.1's folder in the released format with random weights: prompts, shapes, the choice of an answer."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from known_faces import make_face

from stillmotion.errors import CheckpointError
from stillmotion.identity.segment import SAM, Sam, cutter, grabcut, prompts, whole


@pytest.fixture(scope="module")
def sam_folder(tmp_path_factory) -> Path:
    from transformers import Sam2Config, Sam2Model

    backbone = {
        "model_type": "sam2_hiera_det_model",
        "hidden_size": 8,
        "num_attention_heads": 1,
        "image_size": [128, 128],
        "blocks_per_stage": [1, 1, 2, 1],
        "embed_dim_per_stage": [8, 16, 32, 64],
        "num_attention_heads_per_stage": [1, 2, 4, 8],
        "global_attention_blocks": [3],
        "window_positional_embedding_background_size": [4, 4],
    }
    vision = {
        "model_type": "sam2_vision_model",
        "backbone_config": backbone,
        "backbone_channel_list": [64, 32, 16, 8],
        "backbone_feature_sizes": [[32, 32], [16, 16], [8, 8]],
        "fpn_hidden_size": 32,
    }
    prompt = {"hidden_size": 32, "image_size": 128, "mask_input_channels": 4}
    mask = {"hidden_size": 32, "mlp_dim": 32, "num_attention_heads": 2, "iou_head_hidden_dim": 16}
    config = Sam2Config(vision_config=vision, prompt_encoder_config=prompt, mask_decoder_config=mask)
    folder = tmp_path_factory.mktemp("sam") / SAM.name
    Sam2Model(config).save_pretrained(folder)
    return folder


def test_a_released_folder_is_read_and_its_matte_fits_the_picture(sam_folder: Path) -> None:
    image = np.random.default_rng(0).integers(0, 255, (90, 140, 3), dtype=np.uint8)
    matte = Sam(sam_folder)(image, make_face())
    assert matte.shape == (90, 140)
    assert matte.dtype == np.uint8


def test_sam_is_used_where_it_lies(sam_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(cutter(folder=sam_folder), Sam)
    monkeypatch.setenv("STILLMOTION_HOME", str(tmp_path))
    assert cutter() is grabcut


def test_damaged_weights_are_refused(sam_folder: Path, tmp_path: Path) -> None:
    folder = tmp_path / SAM.name
    folder.mkdir()
    for file in sam_folder.iterdir():
        data = file.read_bytes()
        (folder / file.name).write_bytes(data[:200] if file.suffix == ".safetensors" else data)
    with pytest.raises(CheckpointError, match="safetensors"):
        Sam(folder)


def test_prompts_lie_on_the_face_and_the_chest() -> None:
    face = make_face(at=(60, 60), height=40)
    points = prompts(face, 200)
    assert len(points) == 4
    np.testing.assert_allclose(points[:, 0], 60, atol=1)
    assert (np.diff(points[:, 1]) > 0).all()
    assert points[3, 1] > face.box[3]
    assert len(prompts(face, 90)) == 3


def test_of_sams_answers_the_largest_believed_one_is_taken() -> None:
    masks = np.zeros((3, 10, 10), np.float32)
    masks[0, :2], masks[1, :6], masks[2] = 1, 1, 1
    assert whole(masks, np.array([0.9, 0.85, 0.9]))[5, 0] == 1
    assert whole(masks, np.array([0.9, 0.85, 0.9]))[9, 0] == 0
    assert whole(masks, np.array([0.9, 0.2, 0.3]))[5, 0] == 0
