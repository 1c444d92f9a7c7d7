"""docs/prompts.md: its example is what the program says."""

from __future__ import annotations

import json
import re
from pathlib import Path

from stillmotion.prompts import decouple
from stillmotion.prompts.rules import segments_of
from stillmotion.prompts.vocabulary import translate

PAGE = (Path(__file__).parents[2] / "docs" / "prompts.md").read_text(encoding="utf-8")


def test_the_example_plan_is_real() -> None:
    prompt = re.search(r'plan --prompt "([^"]+)" --json', PAGE)
    plan = re.search(r"^    \{\n.*?^    \}$", PAGE, re.MULTILINE | re.DOTALL)
    assert prompt and plan
    written = decouple(prompt[1], trigger="fcsks fxhks fhyks, ")
    assert json.loads(written.to_json()) == json.loads(plan[0])


def test_every_way_to_write_times_is_read() -> None:
    block = PAGE.split("becomes a segment of its own:")[1].split("What stands before")[0]
    lines = [line.strip() for line in block.splitlines() if line.strip()]
    assert len(lines) == 5
    for line in lines:
        assert [(part.start, part.end) for part in segments_of(line)] == [(0, 2), (2, 5)], line


def test_the_vocabulary_reads_the_page_s_example_so() -> None:
    block = PAGE.split("raw prompts too.")[1].split("- The plan")[0]
    said, read = (line.strip() for line in block.splitlines() if line.strip())
    assert translate(said, "mini").text == read
