"""The presets: settings against the published ones, pins that are real, and the page that shows them."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from stillmotion.errors import InputError
from stillmotion.parts import Source
from stillmotion.presets import PRESETS, QUALITIES, Preset, preset
from stillmotion.request import Request, settle
from stillmotion.weights.catalogue import tables

FULL = [chosen for chosen in PRESETS.values() if chosen.device == "cuda"]
SOURCES = list(dict.fromkeys(source for chosen in PRESETS.values() for source in chosen.sources()))


def test_the_six_presets_are_there_and_others_are_refused_with_their_names() -> None:
    assert list(PRESETS) == ["mini", "paper", "paper-small", "wan22-5b", "wan22-14b", "fast"]
    assert all(preset(name).name == name for name in PRESETS)
    with pytest.raises(InputError, match="'Paper' is unknown; there are mini, paper, paper-small, wan22-5b"):
        preset("Paper")


@pytest.mark.parametrize(
    ("name", "size", "expected"),
    [
        ("paper", (832, 480), (81, 16, 50, 5.0, 16.0)),
        ("paper-small", (832, 480), (81, 16, 50, 5.0, 16.0)),
        ("wan22-5b", (1280, 704), (121, 24, 50, 5.0, 5.0)),
        ("wan22-14b", (1280, 720), (81, 16, 40, 3.5, 5.0)),
        ("fast", (832, 480), (81, 16, 4, 1.0, 5.0)),
    ],
)
def test_motion_is_set_as_published(name: str, size: tuple[int, int], expected: tuple[float, ...]) -> None:
    motion = PRESETS[name].motion
    assert (motion.width, motion.height) == size
    steps = motion.steps["standard"]
    assert (motion.num_frames, motion.fps, steps, motion.guidance_scale, motion.flow_shift) == expected
    assert motion.negative_prompt.startswith("色调艳丽，过曝，静态") and motion.negative_prompt.endswith(
        "倒着走"
    )


def test_stage_one_is_set_as_in_the_reference() -> None:
    still = PRESETS["paper"].still
    standard = still.quality["standard"]
    assert (still.width, still.height, still.guidance_scale, still.clip_skip) == (832, 480, 5.0, 2)
    assert (standard.steps, standard.candidates, standard.detail) == (20, 3, True)
    assert (still.lora_weight, still.enough_similarity) == (0.85, 0.5)
    assert (still.detail_steps, still.detail_strength, still.detail_size) == (10, 0.5, 1024)
    assert still.trigger == "fcsks fxhks fhyks, " and still.scheduler == "dpm++2m-karras"


def test_the_two_experts_of_wan22_14b_have_their_boundary_and_scales() -> None:
    motion = PRESETS["wan22-14b"].motion
    assert (motion.boundary_ratio, motion.guidance_scale, motion.guidance_scale_2) == (0.9, 3.5, 3.5)


def test_the_fast_sigmas_become_those_of_the_distillation_under_the_shift() -> None:
    motion = PRESETS["fast"].motion
    assert motion.sigmas is not None
    shift = motion.flow_shift
    shifted = [shift * sigma / (1 + (shift - 1) * sigma) for sigma in motion.sigmas]
    assert shifted == pytest.approx([1.0, 0.9375, 0.8333333, 0.625])
    assert set(motion.steps.values()) == {len(motion.sigmas)}


@pytest.mark.parametrize("chosen", PRESETS.values(), ids=list(PRESETS))
def test_every_preset_can_be_made_by_its_models(chosen: Preset) -> None:
    motion, still = chosen.motion, chosen.still
    assert motion.num_frames % 4 == 1
    grid = 32 if motion.kind == "ti2v" else 16
    assert motion.width % grid == 0 and motion.height % grid == 0
    assert still.width % 16 == 0 and still.height % 16 == 0
    assert still.width / still.height == pytest.approx(motion.width / motion.height, rel=0.01)
    assert set(motion.steps) == set(still.quality) == set(QUALITIES)
    costs = [still.quality[quality].steps * still.quality[quality].candidates for quality in QUALITIES]
    assert costs == sorted(costs)
    assert list(motion.steps.values()) == sorted(motion.steps.values())


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_settles_a_request(name: str, tmp_path: Path) -> None:
    photo = tmp_path / "a.png"
    photo.write_bytes(b"")
    for quality in QUALITIES:
        settings = settle(Request(faces=(photo,), prompt="She waves", preset=name, quality=quality))
        assert settings.motion_steps == PRESETS[name].motion.steps[quality]
        assert (settings.width, settings.num_frames) == (
            PRESETS[name].motion.width,
            PRESETS[name].motion.num_frames,
        )


def test_full_presets_name_every_part_that_they_use() -> None:
    for chosen in FULL:
        names = {source.name for source in chosen.sources()}
        assert {chosen.analyzer.partition(":")[2], chosen.judge.partition(":")[2]} <= names
        assert chosen.writer.partition(":")[2] in {source.repo for source in chosen.sources()}
        assert chosen.extras == ("insightface",)


def test_pins_are_whole_hashes_and_what_has_none_says_so() -> None:
    for source in SOURCES:
        assert source.revision is None or re.fullmatch("[0-9a-f]{40}", source.revision)
        assert source.sha256 is None or re.fullmatch("[0-9a-f]{64}", source.sha256)
        assert len(source.files) == 1 or source.sha256 is None or source.url is not None
    unpinned = {source.repo for source in SOURCES if source.pin == "first download"}
    assert unpinned == {"bytedance-research/HyperLoRA", "facebook/sam2.1-hiera-tiny"}


def test_sources_are_embedded_or_have_one_secure_address() -> None:
    for source in SOURCES:
        assert [source.embedded, source.repo is not None, source.url is not None].count(True) == 1
        if source.url is not None:
            assert urlsplit(source.url).scheme == "https" and source.size is not None
        assert re.fullmatch("[a-z0-9][a-z0-9._-]*", source.name)
    downloaded = [source.name for source in SOURCES if not source.embedded]
    assert len(downloaded) == len(set(downloaded))


def test_licences_that_forbid_commerce_are_marked() -> None:
    forbidden = {source.name for source in SOURCES if not source.licence.commercial}
    assert forbidden == {"hyperlora", "antelopev2", "buffalo_l"}


def test_mini_needs_neither_download_nor_gpu() -> None:
    mini = PRESETS["mini"]
    assert all(source.embedded for source in mini.sources())
    assert mini.device == "cpu" and mini.memory <= 3.0 and mini.extras == ()


def test_memory_follows_from_the_parameters() -> None:
    need = PRESETS["paper"].need
    assert need.memory == pytest.approx(38.7, abs=0.05), "the peak that was measured for VACE-14B"
    assert replace(need, parameters=2 * need.parameters).memory > need.memory + 30


def test_memory_covers_the_largest_part_as_its_published_architecture_has_it() -> None:
    import torch
    from diffusers import WanTransformer3DModel, WanVACETransformer3DModel

    def billions(module: torch.nn.Module) -> float:
        return sum(parameter.numel() for parameter in module.parameters()) / 1e9

    wide = {"num_attention_heads": 40, "attention_head_dim": 128, "ffn_dim": 13824, "num_layers": 40}
    with torch.device("meta"):
        vace = WanVACETransformer3DModel(**wide, vace_layers=list(range(0, 40, 5)), vace_in_channels=96)
        expert = WanTransformer3DModel(**wide, in_channels=36)
    assert billions(vace) == pytest.approx(PRESETS["paper"].need.parameters, abs=0.01)
    assert billions(expert) == pytest.approx(PRESETS["wan22-14b"].need.parameters, abs=0.01)


def test_the_page_shows_what_the_presets_are() -> None:
    page = (Path(__file__).parents[1] / "docs" / "presets.md").read_text(encoding="utf-8")
    begin, end = "<!-- generated: python -m stillmotion.weights.catalogue -->\n", "<!-- end -->"
    generated = page.partition(begin)[2].partition(end)[0]
    assert generated.strip() == tables().strip()


def test_a_source_says_what_pins_it() -> None:
    source = Source("a", PRESETS["paper"].motion.checkpoint.licence, repo="a/b")
    assert source.pin == "first download"
    assert replace(source, sha256="0" * 64).pin == "content"
    assert replace(source, revision="0" * 40).pin == "commit"
    assert replace(source, embedded=True).pin == "package"
