import numpy as np
import pytest
from numpy.typing import NDArray

from recsys.domain import HOUR, SECOND
from recsys.simulate.behaviour import Clicks, draw_clicks, draw_reactions, expected_reading
from recsys.simulate.newsroom import Newsroom, publish
from recsys.simulate.readers import Readers, recruit
from recsys.simulate.truth import click_logit, examination, interest

COUNT = 6_000
NOW = 200 * HOUR


@pytest.fixture(scope="module")
def newsroom() -> Newsroom:
    return publish(400, 2, start=0, rng=np.random.default_rng(1))


@pytest.fixture(scope="module")
def readers() -> Readers:
    return recruit(300, np.random.default_rng(2))


@pytest.fixture(scope="module")
def clicks(readers: Readers, newsroom: Newsroom) -> Clicks:
    rng = np.random.default_rng(3)
    shown = np.stack([rng.permutation(400)[:12] for _ in range(COUNT)])
    return draw_clicks(readers, newsroom, rng.integers(0, 300, COUNT), np.full(COUNT, NOW), shown, rng)


def affinity(clicks: Clicks, readers: Readers, newsroom: Newsroom) -> NDArray[np.float64]:
    return interest(readers, newsroom, clicks.reader, clicks.article)


def test_the_expected_value_of_a_reading_is_the_mean_of_draws(
    clicks: Clicks, readers: Readers, newsroom: Newsroom
) -> None:
    share, minutes = expected_reading(readers, newsroom, clicks.reader, clicks.article)
    finished = np.where(clicks.bounced, 0.0, np.minimum(clicks.scroll, 100) / 100)
    assert share.mean() == pytest.approx(finished.mean(), rel=0.05)
    assert minutes.mean() == pytest.approx(clicks.seconds.mean() / 60, rel=0.05)
    assert np.corrcoef(minutes, clicks.seconds)[0, 1] > 0.5


def test_logit_rises_with_taste_and_appeal_and_falls_with_age(readers: Readers, newsroom: Newsroom) -> None:
    plain = int(np.flatnonzero(~readers.noisy)[0])
    favourite, least = np.argmax(readers.affinity[plain]), np.argmin(readers.affinity[plain])
    liked, disliked = (np.flatnonzero(newsroom.topic == topic)[:1] for topic in (favourite, least))
    at = newsroom.published_at[liked]
    young = click_logit(readers, newsroom, np.array(plain), liked, at)
    old = click_logit(readers, newsroom, np.array(plain), liked, at + 12 * HOUR)
    assert young > old
    difference = newsroom.appeal[liked] - newsroom.appeal[disliked]
    same_age = click_logit(readers, newsroom, np.array(plain), disliked, newsroom.published_at[disliked])
    assert young - 0.7 * difference > same_age


def test_age_stops_to_matter_after_some_half_lives(readers: Readers, newsroom: Newsroom) -> None:
    article = np.array([0])
    old, older = (
        click_logit(readers, newsroom, np.array(0), article, np.array(days * 24 * HOUR)) for days in (90, 99)
    )
    assert old == older


def test_noisy_clickers_fall_for_clickbait(readers: Readers, newsroom: Newsroom) -> None:
    noisy, plain = np.flatnonzero(readers.noisy)[:, None], np.flatnonzero(~readers.noisy)[:, None]
    bait, honest = np.flatnonzero(newsroom.clickbait), np.flatnonzero(~newsroom.clickbait)

    def pull(who: NDArray[np.int64]) -> float:
        of = [click_logit(readers, newsroom, who, what, np.array(NOW)).mean() for what in (bait, honest)]
        return float(of[0] - of[1])

    assert pull(noisy) > pull(plain) + 1


def test_top_of_the_page_is_seen_for_sure_and_the_end_less() -> None:
    seen = examination(np.arange(20))
    assert seen[0] == 1
    assert np.all(np.diff(seen) < 0)
    assert seen[19] == pytest.approx(20**-0.35)


def test_higher_places_are_clicked_more(clicks: Clicks) -> None:
    at_place = np.bincount(clicks.position, minlength=12)
    assert at_place[:3].mean() > 1.3 * at_place[-3:].mean()


def test_readers_who_like_the_topic_bounce_less_and_read_longer(
    clicks: Clicks, readers: Readers, newsroom: Newsroom
) -> None:
    keen = affinity(clicks, readers, newsroom) > 1
    cold = affinity(clicks, readers, newsroom) < -1
    assert clicks.bounced[keen].mean() < 0.5 * clicks.bounced[cold].mean()
    assert clicks.seconds[keen].mean() > 1.5 * clicks.seconds[cold].mean()


def test_noisy_clickers_bounce(clicks: Clicks, readers: Readers) -> None:
    noisy = readers.noisy[clicks.reader]
    assert clicks.bounced[noisy].mean() > clicks.bounced[~noisy].mean() + 0.2


def test_bounce_is_short_and_barely_scrolled(clicks: Clicks) -> None:
    assert clicks.seconds[clicks.bounced].max() <= 9
    assert clicks.scroll[clicks.bounced].max() <= 12


def test_longer_articles_take_longer(clicks: Clicks, newsroom: Newsroom) -> None:
    stayed = ~clicks.bounced
    words = newsroom.word_count[clicks.article][stayed]
    assert np.corrcoef(words, clicks.seconds[stayed])[0, 1] > 0.4


def test_next_click_waits_for_the_end_of_the_reading(clicks: Clicks) -> None:
    same = clicks.slate[1:] == clicks.slate[:-1]
    assert same.sum() > 100
    assert np.all((clicks.at[1:] - clicks.read_at[:-1])[same] > SECOND)


def test_likes_and_saves_follow_deep_reads_and_hides_follow_bounces(
    clicks: Clicks, readers: Readers, newsroom: Newsroom
) -> None:
    reactions = draw_reactions(clicks, readers, newsroom, np.random.default_rng(4))
    for kind in ("like", "save"):
        assert reactions[kind].any()
        assert clicks.scroll[reactions[kind]].min() > 75
    assert reactions["hide"].any()
    assert clicks.bounced[reactions["hide"]].all()


def test_empty_slates_are_never_clicked(readers: Readers, newsroom: Newsroom) -> None:
    nothing = np.full((50, 5), -1)
    done = draw_clicks(
        readers,
        newsroom,
        np.zeros(50, dtype=np.int64),
        np.zeros(50, dtype=np.int64),
        nothing,
        np.random.default_rng(0),
    )
    assert len(done.at) == 0
