"""The report as a page."""

from html.parser import HTMLParser

import numpy as np

from recsys.evaluation.html import report
from recsys.evaluation.report import comparisons, figures, slices
from tests.unit.evaluation.answers import answers


class Cells(HTMLParser):
    """Counts tables and collects cells."""

    def __init__(self) -> None:
        super().__init__()
        self.tables, self.open = 0, list[str]()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tables += tag == "table"
        if tag in ("table", "tr", "td", "th", "h1", "p", "style", "title", "caption"):
            self.open.append(tag)
        assert tag not in ("script", "link", "img"), "the page needs no network"

    def handle_endtag(self, tag: str) -> None:
        if self.open and tag == self.open[-1]:
            self.open.pop()


def page(**names: list[list[float]]) -> str:
    said = answers([[1, 0], [0, 1]], attune=[[2, 1], [2, 1]], popular=[[1, 2], [1, 2]], **names)
    result = {
        "data": {"from": "2024", "to": "2025", "impressions": 2, "readers": 2},
        "bundle": "<b>ad</b>",
        "seconds": 1.0,
        "systems": figures(said, {}, np.eye(4, dtype=np.float32), np.ones(4)),
        "comparisons": comparisons(said),
        "slices": slices(said),
    }
    return report(result)


def test_a_page_has_its_four_tables_and_closes_them() -> None:
    cells = Cells()
    cells.feed(page())
    assert cells.tables == 4
    assert cells.open == []


def test_what_could_not_be_judged_is_a_dash_and_names_are_escaped() -> None:
    text = page(**{"a<b": [[1, 2], [1, 2]]})
    assert "–" in text
    assert "a&lt;b" in text
    assert "&lt;b&gt;ad" in text
    assert "None" not in text
    assert "nan" not in text


def test_it_shows_the_figures() -> None:
    assert "<td>0.5000 [0.0000, 1.0000]</td>" in page()
