"""The pages: whole without the network, safe with any text, bounded in size, and right in a real browser."""

from __future__ import annotations

import base64
import hashlib
import html
import io
import json
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import av
import numpy as np
import pytest
from PIL import Image

from stillmotion.cli import run
from stillmotion.errors import InputError
from stillmotion.evaluate import page as page_module
from stillmotion.evaluate.comparison import compare
from stillmotion.evaluate.comparison_page import write_comparison
from stillmotion.evaluate.page import worst_first, write_page
from stillmotion.evaluate.page_parts import Media, curve, shape, video_file
from stillmotion.evaluate.page_style import STYLE
from stillmotion.evaluate.types import Counts, Evaluation, VideoResult

from . import drawn

BROWSER = next(
    (p for name in ("chromium", "chromium-browser", "google-chrome") if (p := shutil.which(name))), None
)
NEEDS_BROWSER = pytest.mark.skipif(
    BROWSER is None, reason="no Chromium is installed (Debian: apt install chromium)"
)
VOID = {"meta", "img", "input", "br", "link"}


class Elements(HTMLParser):
    """Every element with its attributes; ``open`` holds what was opened and not closed."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open and self.open[-1] == tag, (tag, self.open[-5:])
        self.open.pop()

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def of(self, tag: str, **having: str) -> list[dict[str, str | None]]:
        return [a for name, a in self.elements if name == tag and having.items() <= a.items()]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Evaluation]:
    """20 videos of 4 people; one is missing, one has no face."""
    folder = tmp_path_factory.mktemp("made")
    return folder, drawn.evaluation(folder)


@pytest.fixture(scope="module")
def page(made: tuple[Path, Evaluation]) -> Path:
    file = made[0] / "page.html"
    write_page(made[1], file)
    return file


def test_the_page_is_well_formed_and_names_nothing_outside(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    parsed = Elements(text)
    assert parsed.open == []
    for tag, attributes in parsed.elements:
        for name in ("src", "href", "poster", "srcset", "action", "data"):
            assert (attributes.get(name) or "data:").startswith("data:"), (tag, attributes)
        assert not any(name.startswith("on") or name == "style" for name in attributes)
    assert not re.search(r"https?://", text)


def test_only_the_pages_own_style_and_script_may_run(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    (policy,) = Elements(text).of("meta", **{"http-equiv": "Content-Security-Policy"})
    rules = dict(rule.strip().split(" ", 1) for rule in (policy["content"] or "").split(";"))
    assert rules["default-src"] == "'none'" and rules["img-src"] == "data:"
    for kind in ("style", "script"):
        (inside,) = re.findall(rf"<{kind}>(.*?)</{kind}>", text, re.DOTALL)
        hashed = base64.b64encode(hashlib.sha256(inside.encode()).digest()).decode()
        assert rules[f"{kind}-src"] == f"'sha256-{hashed}'"


def test_worst_comes_first_and_failures_before_all(made: tuple[Path, Evaluation], page: Path) -> None:
    order = worst_first(made[1])
    assert order[0].error and order[1].flags == ("no face",)
    scores = [video.metrics["facesim_arc"] for video in order[1:]]
    assert scores == sorted(scores) and len(scores) == 19
    shown = re.findall(r"<h3>(\w+) <span>(\w+)</span></h3>", page.read_text(encoding="utf-8"))
    assert shown == [(video.id, video.prompt_id) for video in order]


def test_the_figures_are_the_evaluations(made: tuple[Path, Evaluation], page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    found = made[1].summary["facesim_arc"]
    assert f"<b>{found.mean:.3f}</b>" in text and f"{found.low:.3f} to {found.high:.3f}" in text
    assert re.findall(r"<dt>(.*?)</dt><dd>(\d+)</dd>", text)[:4] == [
        ("videos asked for", "20"),
        ("judged without a fault", "19"),
        ("failed", "1"),
        ("without any face", "1"),
    ]
    assert "<b>FaceSim-Cur</b>: weights absent; stillmotion download evaluate fetches them" in text
    assert "id001/prompt2.mp4: there is no such video" in text and "0.0 (no face)" in text


def test_a_card_shows_the_reference_the_first_frame_and_the_video_itself(
    made: tuple[Path, Evaluation], page: Path
) -> None:
    folder, evaluation = made
    video = worst_first(evaluation)[2]
    card = page.read_text(encoding="utf-8").split('<article class="card"')[3]
    pictures = re.findall(r'src="data:image/jpeg;base64,([^"]+)" alt="([^"]+)"', card)
    assert [label for _, label in pictures] == [
        "reference picture",
        f"first frame of {video.id} {video.prompt_id}",
    ]
    reference, first = (
        np.asarray(Image.open(io.BytesIO(base64.b64decode(data))).convert("RGB"), float)
        for data, _ in pictures
    )
    assert np.abs(reference - np.asarray(Image.open(video.reference))).mean() < 8
    with av.open(str(folder / "videos" / video.file)) as container:
        frame = next(container.decode(video=0)).to_ndarray(format="rgb24")
    assert np.abs(first - frame).mean() < 8 < np.abs(reference - frame).mean() + 8
    (inside,) = re.findall(r'src="data:video/mp4;base64,([^"]+)"', card)
    assert base64.b64decode(inside) == (folder / "videos" / video.file).read_bytes()
    assert html.escape(video.prompt) in card


@pytest.mark.parametrize(("width", "height", "name"), [
    (832, 480, "wide"), (256, 256, "square"), (320, 288, "square"), (480, 832, "tall"),
])  # fmt: skip
def test_every_shape_of_video_has_its_layout(width: int, height: int, name: str) -> None:
    assert shape(width, height) == f"{name}-video"
    assert f".{name}-video" in STYLE or name == "square"


def test_videos_beyond_the_room_are_links_that_lead_there(made: tuple[Path, Evaluation]) -> None:
    folder, evaluation = made
    size = (folder / "videos" / worst_first(evaluation)[1].file).stat().st_size
    (folder / "sub #1").mkdir(exist_ok=True)
    file = folder / "sub #1" / "page.html"
    write_page(evaluation, file, room=size * 4 // 3)
    videos = Elements(file.read_text(encoding="utf-8")).of("video")
    assert len(videos) == 19 and all((v["poster"] or "").startswith("data:image/jpeg") for v in videos)
    links = [v["src"] or "" for v in videos if not (v["src"] or "").startswith("data:")]
    assert len(links) == 18 and all((file.parent / unquote(link)).is_file() for link in links)
    assert links[0].startswith("../videos/id")


def test_the_curve_has_gaps_where_no_face_was_found() -> None:
    drawing = curve({"a": (0.5, 0.6, None, None, 0.4, None, 1.0, 1.0)}, ["A"])
    lines = [line.split() for line in re.findall(r'class="line s0" points="([^"]+)"', drawing)]
    assert [len(line) for line in lines] == [2, 2] and len(re.findall("<circle", drawing)) == 1
    shades = [
        tuple(map(float, s))
        for s in re.findall(r'class="gap" x="([\d.]+)" y="\d+" width="([\d.]+)"', drawing)
    ]
    step = (474 - 28) / 7
    assert shades == [
        pytest.approx((28 + 1.5 * step, 2 * step), abs=0.1),
        pytest.approx((28 + 4.5 * step, step), abs=0.1),
    ]
    (x, y), (_, top) = (map(float, point.split(",")) for point in (lines[0][0], lines[1][0]))
    assert (x, y, top) == (28, pytest.approx(48), pytest.approx(8))  # 0.5 half-way up, 1.0 at the top


def test_a_curve_below_zero_and_one_without_any_face() -> None:
    low = curve({"a": (-0.5, 1.0)}, ["A"])
    assert 'points="28.0,88.0 474.0,8.0"' in low
    assert "polyline" not in curve({"a": (None, None)}, ["A"]) and "nan" not in curve({"a": (0.3,)}, ["A"])


def test_no_text_from_outside_becomes_markup(tmp_path: Path) -> None:
    evil = "</script><img src=x onerror=alert(1)>\"'&{{"
    video = VideoResult(
        id=evil, prompt_id=evil, file=evil, prompt=evil, flags=(evil,), error=evil, metrics={evil: 1.0}
    )
    evaluation = Evaluation(
        videos=(video,),
        summary={},
        videos_folder=evil,
        references=evil,
        not_computed={evil: evil},
        counts=Counts(videos=1, failed=1, without_face=0),
    )
    write_page(evaluation, tmp_path / "page.html")
    text = (tmp_path / "page.html").read_text(encoding="utf-8")
    parsed = Elements(text)
    assert parsed.open == [] and parsed.of("img") == [] and len(parsed.of("script")) == 1
    (card,) = parsed.of("article")
    assert json.loads(card["data-figures"] or "") == {evil: 1.0} and evil in (card["data-words"] or "")


def test_no_file_outside_the_videos_folder_and_no_other_kind_comes_in(tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("the key")
    (tmp_path / "videos").mkdir()
    (tmp_path / "videos" / "a.mp4").write_text("the key")
    evaluation = Evaluation(
        videos=(),
        summary={},
        videos_folder=str(tmp_path / "videos"),
        counts=Counts(videos=0, failed=0, without_face=0),
    )
    outside = VideoResult(id="1", prompt_id="1", file="../secret.txt")
    assert video_file(evaluation, outside) is None
    inside = video_file(evaluation, VideoResult(id="1", prompt_id="1", file="a.mp4"))
    media = Media(tmp_path / "page.html")
    assert inside and "cannot be read" in media.video(inside, "1")[1]
    assert "no reference picture" in media.reference(str(secret), "")


def test_two_hundred_videos_stay_small_and_lazy(tmp_path: Path) -> None:
    evaluation = drawn.evaluation(tmp_path, people=1, prompts=5)
    many = tuple(video.model_copy(update={"id": f"{n:03}"}) for n in range(40) for video in evaluation.videos)
    write_page(evaluation.model_copy(update={"videos": many}), tmp_path / "page.html")
    parsed = Elements((tmp_path / "page.html").read_text(encoding="utf-8"))
    assert len(parsed.of("article")) == 200 and (tmp_path / "page.html").stat().st_size < 8 << 20
    assert all(picture["loading"] == "lazy" for picture in parsed.of("img"))
    assert all(video["preload"] == "none" for video in parsed.of("video"))


def test_beyond_the_bound_only_the_worst_have_cards(
    made: tuple[Path, Evaluation], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page_module, "CARDS", 3)
    write_page(made[1], tmp_path / "page.html")
    text = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert text.count("<article") == 3 and "The worst 3 of 20 have a card" in text


def test_a_file_of_others_is_not_replaced(made: tuple[Path, Evaluation], tmp_path: Path) -> None:
    mine = tmp_path / "thesis.html"
    mine.write_text("<html>my thesis")
    with pytest.raises(InputError, match="no page of stillmotion"):
        write_page(made[1], mine)
    with pytest.raises(InputError, match="there is no folder"):
        write_page(made[1], tmp_path / "none" / "page.html")
    assert mine.read_text() == "<html>my thesis" and [p.name for p in tmp_path.iterdir()] == ["thesis.html"]


@pytest.fixture(scope="module")
def two(made: tuple[Path, Evaluation], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of a comparison, made by the command."""
    folder = tmp_path_factory.mktemp("two")
    drawn.write_json(made[1], folder / "a.json")
    drawn.write_json(drawn.evaluation(folder / "b", gain=0.1, seed=2), folder / "b.json")
    names = ["--names", "R2V,<b>ours</b>", "--html", str(folder / "page.html")]
    assert run(["compare", str(folder / "a.json"), str(folder / "b.json"), *names]) == 0
    return folder / "page.html"


def test_the_comparison_shows_both_videos_of_an_item(two: Path) -> None:
    text = two.read_text(encoding="utf-8")
    parsed = Elements(text)
    assert parsed.open == [] and "&lt;b&gt;ours&lt;/b&gt;" in text and "<b>ours" not in text
    cards = text.split('<article class="card"')[1:]
    assert len(cards) == 20 and cards[0].count("<video") == 2 and cards[0].count('class="line s') >= 2
    figures = [json.loads(card["data-figures"] or "")["facesim_arc"] for card in parsed.of("article")[:18]]
    assert figures == sorted(figures) and figures[0] < figures[-1]
    assert "failed in R2V: id001/prompt2.mp4: there is no such video" in text


def test_a_comparison_without_a_single_figure_is_a_page(tmp_path: Path) -> None:
    video = VideoResult(id="1", prompt_id="1", file="1.mp4", error="missing")
    bare = Evaluation(videos=(video,), summary={}, counts=Counts(videos=1, failed=1, without_face=0))
    write_comparison(compare(bare, bare), bare, bare, tmp_path / "page.html")
    assert Elements((tmp_path / "page.html").read_text(encoding="utf-8")).open == []


def browse(address: str, folder: Path, *options: str) -> str:
    """Open an address in a headless browser that reaches no network; its standard output."""
    assert BROWSER is not None
    switches = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]
    switches += ["--disable-background-networking", "--disable-component-update", "--disable-sync"]
    switches += ["--virtual-time-budget=3000", f"--user-data-dir={folder / 'profile'}"]
    done = subprocess.run(
        [BROWSER, *switches, *options, address], capture_output=True, text=True, timeout=60, check=True
    )
    return done.stdout


@NEEDS_BROWSER
@pytest.mark.parametrize(("width", "height"), [(1280, 900), (500, 900)])
def test_a_real_browser_shows_it_from_disk(page: Path, tmp_path: Path, width: int, height: int) -> None:
    """The screenshot has the page's paper, its ink, the cards' white and the colours of the drawings."""
    shot = tmp_path / "shot.png"
    browse(page.as_uri(), tmp_path, f"--screenshot={shot}", f"--window-size={width},{height}")
    pixels = np.asarray(Image.open(shot).convert("RGB")).reshape(-1, 3)
    assert len(pixels) == width * height

    def share(*colour: int) -> float:
        return float((np.abs(pixels.astype(int) - colour).max(axis=1) <= 3).mean())

    assert share(0xF6, 0xF5, 0xF2) > 0.08 and share(255, 255, 255) > 0.2  # paper, cards
    assert share(0x1D, 0x1C, 0x1A) > 0.001 and share(0x24, 0x57, 0xC5) > 0.0001  # ink, the means' lines


@NEEDS_BROWSER
def test_sorting_and_filtering_work_in_a_real_browser(
    made: tuple[Path, Evaluation], page: Path, tmp_path: Path
) -> None:
    address = f"{page.as_uri()}#sort=clipscore&order=best&find=beach&low=20"
    shown = [
        card
        for card in Elements(browse(address, tmp_path, "--dump-dom")).of("article")
        if "hidden" not in card
    ]
    scores = [json.loads(card["data-figures"] or "")["clipscore"] for card in shown]
    wanted = [v.metrics["clipscore"] for v in made[1].videos if "beach" in v.prompt]
    assert scores == sorted(wanted, reverse=True) and len(scores) == 4


@NEEDS_BROWSER
def test_without_a_figure_the_script_still_runs(tmp_path: Path) -> None:
    video = VideoResult(id="1", prompt_id="1", file="1.mp4", error="missing")
    bare = Evaluation(videos=(video,), summary={}, counts=Counts(videos=1, failed=1, without_face=0))
    write_page(bare, tmp_path / "page.html")
    assert "1 of 1 shown" in browse((tmp_path / "page.html").as_uri(), tmp_path, "--dump-dom")
