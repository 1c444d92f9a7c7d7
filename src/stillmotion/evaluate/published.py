"""Figures that others published, as data, each with the place where it can be read.

A figure belongs to its protocol: the pictures, prompts and code that it was measured with. Figures of two
protocols never share a table, and ours share one only when the user says that our videos were made for that
protocol's test set. Only figures that were looked up stand here.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Protocol:
    """Results that may stand in one table.

    ``source`` is the address where they are published, ``data`` what was generated and by whom it was
    measured, ``note`` what a reader must know before comparing. ``metrics`` are our names of the columns,
    ``rows`` a system's figures in their order, with the digits that were published.
    """

    title: str
    source: str
    data: str
    note: str
    metrics: tuple[str, ...]
    rows: dict[str, tuple[str, ...]]


PUBLISHED: dict[str, Protocol] = {
    "challenge2025": Protocol(
        title="ACM MM 2025 Identity-Preserving Video Generation challenge, phase 1",
        source="https://hidream-ai.github.io/ipvg-challenge.github.io/",
        data="the challenge's test set, 200 people with 5 prompts each, by the organisers",
        note=(
            "The page names its metrics, not their code. FID and ClipScore are read as ConsisID's:"
            " a distance per video, and a score of BGR pictures."
        ),
        metrics=("facesim_arc", "facesim_cur", "fid_consisid", "clipscore_consisid"),
        rows={
            "ghl (PKUVideo), first": ("0.473", "0.492", "170", "27.8"),
            "XuanYuan (the method of stillmotion), second": ("0.441", "0.467", "214", "28.0"),
            "Wislab, third": ("0.269", "0.285", "208", "28.6"),
        },
    ),
    "consisid": Protocol(
        title="ConsisID, table 1",
        source="https://arxiv.org/abs/2411.17440",
        data="the evaluation set of that paper, by its authors",
        note="Its authors' code is where the recipes of these four metrics come from.",
        metrics=("facesim_arc", "facesim_cur", "fid_consisid", "clipscore_consisid"),
        rows={
            "ID-Animator": ("0.32", "0.33", "117.46", "24.97"),
            "ConsisID": ("0.58", "0.60", "151.82", "27.93"),
        },
    ),
}
"""Protocols by the name that a user gives for "our videos were made for this test set"."""
