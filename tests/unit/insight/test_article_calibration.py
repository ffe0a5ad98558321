"""Figures of the calibration of stored articles."""

import polars as pl

from recsys.insight.article_calibration import figures_by_group, most_flagged

ARTICLES = pl.DataFrame(
    {
        "id": ["a", "b", "c", "d"],
        "title": ["A", "B", "C", "D"],
        "source": ["post", "post", None, "mail"],
        "language": ["da", "da", "da", "en"],
        "score": [0.1, 0.3, 0.2, 0.9],
        "flagged_share": [0.0, 0.5, 0.25, 0.5],
        "gated": [False, True, False, True],
    }
)


def test_figures_are_means_of_each_source_and_language() -> None:
    rows = {(row["group"], row["value"]): row for row in figures_by_group(ARTICLES).to_dicts()}
    assert set(rows) == {
        ("source", "post"), ("source", "unknown"), ("source", "mail"), ("language", "da"), ("language", "en")
    }  # fmt: skip
    post = rows["source", "post"]
    assert (post["articles"], post["gated"], post["flagged"]) == (2, 0.5, 0.25)


def test_most_flagged_headlines_come_first_and_unflagged_ones_never() -> None:
    assert most_flagged(ARTICLES, 9)["id"].to_list() == ["d", "b", "c"]
    assert most_flagged(ARTICLES, 1)["id"].to_list() == ["d"]
