"""Texts that an encoder cannot tell apart."""

import numpy as np
import polars as pl

from recsys.domain import Article
from recsys.encoder.article_text import article_texts
from recsys.encoder.bert import TextEncoder
from recsys.encoder.field_concat import article_vectors
from recsys.encoder.text_coverage import TextCoverage, shared_vectors, text_coverage
from recsys.frames import articles_frame

THAI = ["ประเทศไทยประกาศ", "รัฐบาลอนุมัติงบประมาณ", "กรุงเทพฝนตกหนัก"]
ENGLISH = [
    "Council approves tram line",
    "Late goal decides the final",
    "Night buses return",
    "COUNCIL  approves tram line",
]


def articles(titles: list[str]) -> pl.DataFrame:
    return articles_frame(Article(id=str(i), title=title) for i, title in enumerate(titles))


def coverage(encoder: TextEncoder, titles: list[str]) -> TextCoverage:
    frame = articles(titles)
    return text_coverage(encoder, frame, article_vectors(encoder, article_texts(frame)))


def test_titles_of_an_unknown_script_have_one_vector(encoder: TextEncoder) -> None:
    found = coverage(encoder, THAI)
    assert found == TextCoverage(tokens=3, unknown=3, headlines=3, shared=3)
    assert "does not know 100% of the tokens" in found.warnings()[0]
    assert found.warnings()[1].startswith("3 of 3 different headlines")


def test_only_what_cannot_be_read_is_counted(encoder: TextEncoder) -> None:
    found = coverage(encoder, ENGLISH + THAI)
    assert (found.unknown, found.headlines, found.shared) == (3, 6, 3)
    assert 0 < found.unknown_share < 1


def test_titles_that_are_read_give_no_warning(encoder: TextEncoder) -> None:
    found = coverage(encoder, ENGLISH)
    assert (found.unknown, found.shared, found.headlines) == (0, 0, 3)
    assert found.tokens > 12
    assert found.warnings() == coverage(encoder, []).warnings() == []


def test_counting_leaves_out_special_tokens_and_what_is_cut(encoder: TextEncoder) -> None:
    assert encoder.count_unknown(["news", "ประเทศไทย news"]) == (3, 1)
    assert encoder.count_unknown(["news " * 500]) == (encoder.max_tokens, 0)
    assert encoder.count_unknown([]) == (0, 0)


def test_limits_are_shares() -> None:
    assert TextCoverage(tokens=100, unknown=5, headlines=100, shared=2).warnings() == []
    assert len(TextCoverage(tokens=100, unknown=6, headlines=100, shared=3).warnings()) == 2


def test_only_the_part_of_the_headline_is_compared() -> None:
    vectors = np.random.default_rng(1).normal(size=(4, 12)).astype(np.float32)
    vectors[1, :4] = vectors[0, :4] + 1e-7
    assert shared_vectors(["a", "b", "c", "d"], vectors) == (4, 2)
    assert shared_vectors(["a", "A ", "c", "d"], vectors) == (3, 0)
    assert shared_vectors([], np.zeros((0, 0), np.float32)) == (0, 0)
