"""The report as a page."""

import numpy as np

from recsys.evaluation.html_report import report
from recsys.evaluation.report import comparisons, figures, slices
from tests.unit.evaluation.answers import answers
from tests.unit.evaluation.pages import Page


def page(**names: list[list[float]]) -> str:
    stated = answers([[1, 0], [0, 1]], attune=[[2, 1], [2, 1]], popular=[[1, 2], [1, 2]], **names)
    result = {
        "data": {"from": "2024", "to": "2025", "impressions": 2, "readers": 2, "slice": "later"},
        "bundle": "<b>ad</b>",
        "seconds": 1.0,
        "systems": figures(stated, {}, np.eye(4, dtype=np.float32), np.ones(4)),
        "comparisons": comparisons(stated),
        "slices": slices(stated),
    }
    return report(result)


def test_a_page_has_its_four_tables_and_closes_them() -> None:
    read = Page(page())
    assert len(read.tables) == 4
    assert read.open == []


def test_figures_without_a_judgement_are_dashes_and_names_are_escaped() -> None:
    text = page(**{"a<b": [[1, 2], [1, 2]]})
    assert "–" in text
    assert "a&lt;b" in text
    assert "&lt;b&gt;ad" in text
    assert "None" not in text
    assert "nan" not in text


def test_it_shows_the_figures() -> None:
    assert "<td>0.5000 [0.0000, 1.0000]</td>" in page()
