"""Which judges there are. Adding one: a small class with `stillmotion.evaluate.types.Judge`'s two members in
a file of its own, one line in `JUDGES`, and what its metrics mean in `PROTOCOLS`.

Nothing heavy is imported here; a judge's file is imported when it is loaded.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module

from stillmotion.errors import InputError
from stillmotion.evaluate.types import Judge


@dataclass(frozen=True)
class JudgeSpec:
    """A judge before it is loaded: its ``metrics``; ``load(device)`` ("cpu" or "cuda"), which raises
    NotComputed where weights or packages are absent; ``needs``: the names of its weights, as `judge_file` or
    the presets know them; ``memory``: GiB on its device while it works, about.
    """

    metrics: tuple[str, ...]
    load: Callable[[str], Judge]
    needs: tuple[str, ...] = ()
    memory: float = 1.0


def _lazy(module: str, name: str) -> Callable[[str], Judge]:
    """``stillmotion.evaluate.<module>.<name>(device)``, imported when it is called."""

    def load(device: str) -> Judge:
        judge: Judge = getattr(import_module(f"stillmotion.evaluate.{module}"), name)(device)
        return judge

    return load


JUDGES: dict[str, JudgeSpec] = {
    "faces_insight": JudgeSpec(("facesim_arc",), _lazy("faces", "ArcJudge"), ("buffalo_l",)),
    "facesim_cur": JudgeSpec(
        ("facesim_cur",), _lazy("curricular", "CurricularJudge"), ("buffalo_l", "curricularface")
    ),
    "fid_consisid": JudgeSpec(
        ("fid_consisid",), _lazy("inception", "FidJudge"), ("buffalo_l", "inception-v3")
    ),
    "dlib": JudgeSpec(("facesim_dlib", "face_frame_ratio"), _lazy("dlib_faces", "DlibJudge"), memory=0.5),
    "clipscore": JudgeSpec(
        ("clipscore", "clipscore_consisid"), _lazy("clip", "load"), ("clip-vit-base-patch32",)
    ),
    "dino": JudgeSpec(("subject_consistency",), _lazy("dino", "load"), ("dino-vitb16",)),
    "amt": JudgeSpec(("motion_smoothness",), _lazy("smoothness", "load_amt")),
    "smoothness": JudgeSpec(("motion_smoothness_linear",), _lazy("smoothness", "load"), memory=0.1),
    "flow": JudgeSpec(("dynamic_degree",), _lazy("flow", "load"), ("raft-large",), memory=2.0),
    "aesthetic": JudgeSpec(
        ("aesthetic_quality",),
        _lazy("quality", "load_aesthetic"),
        ("clip-vit-large-patch14", "aesthetic-head"),
        memory=2.0,
    ),
    "musiq": JudgeSpec(("imaging_quality",), _lazy("quality", "load_imaging"), ("musiq-spaq",)),
}

PROTOCOLS: dict[str, str] = {
    "facesim_arc": "ConsisID: 16 frames, buffalo_l, largest face, max(0, cosine), mean over frames with a "
    "face",
    "facesim_cur": "ConsisID: frames and faces of facesim_arc, CurricularFace IR-101 instead of ArcFace",
    "fid_consisid": "ConsisID: squared distance of Inception-v3 features of aligned faces; no dataset FID",
    "facesim_dlib": "stillmotion: 16 frames, dlib's detector and descriptor, max(0, 1 - distance), mean over "
    "frames with a face",
    "face_frame_ratio": "stillmotion: share of 16 frames in which dlib's detector finds a face",
    "clipscore": "ConsisID but RGB: 16 frames, CLIP ViT-B/32, prompt cut at 77 tokens, 100 * cosine",
    "clipscore_consisid": "ConsisID: 16 frames, fed blue first (BGR), CLIP ViT-B/32, 100 * cosine",
    "subject_consistency": "VBench: DINO ViT-B/16, all frames, mean cosine to the previous and the first",
    "motion_smoothness": "VBench: odd frames interpolated by AMT-S, 1 - MAE / 255",
    "motion_smoothness_linear": "stillmotion: odd frames as the mean of their neighbours, 1 - MAE / 255",
    "dynamic_degree": "VBench: RAFT, 8 frames/s, longest 5 % of flow > 6 px at 256 in a quarter of them",
    "aesthetic_quality": "VBench: CLIP ViT-L/14 and LAION's linear head, all frames, / 10",
    "imaging_quality": "VBench: MUSIQ on SPAQ, longer side at most 512, all frames, / 100",
}
"""How each metric is computed, in a line; figures are comparable where this line is the same."""


def known_metrics() -> tuple[str, ...]:
    """All metrics, in the order of the judges."""
    return tuple(metric for spec in JUDGES.values() for metric in spec.metrics)


def chosen(metrics: Sequence[str] | None) -> tuple[str, ...]:
    """The metrics asked for, in the judges' order; all where None. InputError naming an unknown one."""
    known = known_metrics()
    if metrics is None:
        return known
    for name in metrics:
        if name not in known:
            raise InputError(f"metrics: '{name}' is unknown; there are {', '.join(known)}")
    if not metrics:
        raise InputError(f"metrics: none is named; there are {', '.join(known)}")
    return tuple(name for name in known if name in metrics)
