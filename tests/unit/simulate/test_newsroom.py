import numpy as np
import polars as pl
import pytest

from recsys.domain import DAY, HOUR
from recsys.simulate.language import TOPICS
from recsys.simulate.newsroom import Newsroom, publish


@pytest.fixture(scope="module")
def newsroom() -> Newsroom:
    return publish(3_000, 6, start=0, rng=np.random.default_rng(5))


def test_articles_appear_from_a_day_before_the_start_to_the_end(newsroom: Newsroom) -> None:
    assert -DAY <= newsroom.published_at[0] < 0
    assert 5 * DAY < newsroom.published_at[-1] < 6 * DAY
    assert np.all(np.diff(newsroom.published_at) >= 0)


def test_more_is_published_by_day_than_by_night(newsroom: Newsroom) -> None:
    hour = newsroom.published_at // HOUR % 24
    assert np.mean((hour >= 6) & (hour < 18)) > 0.65


def test_the_frame_equals_the_arrays(newsroom: Newsroom) -> None:
    assert newsroom.frame["published_at"].to_list() == newsroom.published_at.tolist()
    assert newsroom.frame["word_count"].to_list() == newsroom.word_count.tolist()
    assert newsroom.frame["subcategory"].to_list() == [TOPICS[topic][1].name for topic in newsroom.topic]
    assert newsroom.places["a000007"] == 7


def test_titles_rarely_repeat(newsroom: Newsroom) -> None:
    assert newsroom.frame["title"].n_unique() > 0.85 * len(newsroom.ids)


def test_breaking_stories_have_several_articles_of_strong_appeal(newsroom: Newsroom) -> None:
    named = newsroom.frame.with_columns(appeal=pl.Series(newsroom.appeal)).group_by("entities", "subcategory")
    stories = named.agg(pl.len(), pl.col("appeal").mean()).filter(pl.col("len") >= 4)
    assert stories.height >= 5
    assert stories["appeal"].mean() > 0.8  # type: ignore[operator]


def test_sport_fades_faster_than_travel(newsroom: Newsroom) -> None:
    category = newsroom.frame["category"].to_numpy()
    assert newsroom.half_life[category == "sport"].max() < newsroom.half_life[category == "travel"].min()


def test_some_headlines_are_clickbait_and_say_so(newsroom: Newsroom) -> None:
    assert 0.04 < newsroom.clickbait.mean() < 0.12
    titles = newsroom.frame["title"].to_numpy()
    shouting = np.array(["believe" in title or "shock" in title for title in titles])
    assert not shouting[~newsroom.clickbait].any()
