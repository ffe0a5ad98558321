"""Articles of the simulated newsroom: time, topic and quality."""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import polars as pl
from numpy.typing import NDArray

from recsys.domain import DAY, HOUR
from recsys.frames import ARTICLES, conform
from recsys.simulate.language import TOPICS, Scene, draw_scene, write_abstract, write_title
from recsys.simulate.phrases import SOURCES

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

CLICKBAIT_SHARE = 0.08
SUBSCRIBER_SHARE = 0.25
STORIES_A_DAY = 2
STORY_HOURS = 10
STORY_SHARE = 0.12  # of the articles that appear while a story runs
STORY_APPEAL = 1.2

# Newspapers publish from early morning, with a second wave in the afternoon. Relative weight per hour, UTC.
_HOURS = np.array([1, 1, 1, 1, 3, 6, 8, 8, 7, 6, 6, 6, 6, 5, 6, 7, 7, 6, 5, 4, 4, 3, 2, 1], dtype=np.float64)


@dataclass(frozen=True, eq=False)
class Newsroom:
    """Articles [A], in order of publication. Hidden properties (`appeal`, `clickbait`) drive clicks.

    Attributes:
        ids: object [A].
        topic: int64 [A], an index of `language.TOPICS`.
        published_at: int64 [A], microseconds, ascending.
        half_life: float64 [A], hours.
        appeal: float64 [A], about standard normal: attraction of the headline for all readers.
        clickbait: bool [A].
        word_count: int64 [A].
        frame: the same articles with the columns of `frames.ARTICLES`.
    """

    ids: NDArray[np.object_]
    topic: Ints
    published_at: Ints
    half_life: Floats
    appeal: Floats
    clickbait: Bools
    word_count: Ints
    frame: pl.DataFrame

    @cached_property
    def places(self) -> dict[str, int]:
        """Return id → index of the arrays."""
        return {id_: place for place, id_ in enumerate(self.ids.tolist())}


@dataclass(frozen=True, eq=False)
class _Plan:
    """Properties of articles before their text is written; `story` is −1 or the number of a breaking story."""

    topic: Ints
    published_at: Ints
    appeal: Floats
    clickbait: Bools
    story: Ints


def publish(articles: int, days: int, start: int, rng: np.random.Generator) -> Newsroom:
    """Write `articles` for `days` + 1 days, from a day before `start`, so that the first reader finds articles."""
    plan = _with_stories(_plan(articles, days, start, rng), days, start, rng)
    words = np.array([category.words for category, _ in TOPICS])[plan.topic]
    half_life = np.array([category.half_life for category, _ in TOPICS], dtype=np.float64)[plan.topic]
    word_count = np.maximum(60, words * rng.lognormal(0, 0.45, size=articles)).astype(np.int64)
    frame = _frame(plan, word_count, rng)
    return Newsroom(
        ids=frame["id"].to_numpy(),
        topic=plan.topic,
        published_at=plan.published_at,
        half_life=half_life,
        appeal=plan.appeal,
        clickbait=plan.clickbait,
        word_count=word_count,
        frame=frame,
    )


def _plan(articles: int, days: int, start: int, rng: np.random.Generator) -> _Plan:
    day = rng.integers(-1, days, size=articles) * DAY
    hour = rng.choice(24, size=articles, p=_HOURS / _HOURS.sum()) * HOUR
    published_at = np.sort(start + day + hour + rng.integers(0, HOUR, size=articles))
    shares = np.array([category.share / len(category.subcategories) for category, _ in TOPICS])
    return _Plan(
        topic=rng.choice(len(TOPICS), size=articles, p=shares / shares.sum()),
        published_at=published_at,
        appeal=rng.normal(size=articles),
        clickbait=rng.random(articles) < CLICKBAIT_SHARE,
        story=np.full(articles, -1, dtype=np.int64),
    )


def _with_stories(plan: _Plan, days: int, start: int, rng: np.random.Generator) -> _Plan:
    """Turn some articles into breaking stories: many articles on one scene within hours, with high appeal."""
    story, topic, appeal = plan.story.copy(), plan.topic.copy(), plan.appeal.copy()
    breaks = start + rng.integers(-DAY, days * DAY, size=STORIES_A_DAY * (days + 1))
    for number, at in enumerate(breaks):
        running = (plan.published_at >= at) & (plan.published_at < at + STORY_HOURS * HOUR)
        selected = running & (story < 0) & (rng.random(len(story)) < STORY_SHARE)
        story[selected] = number
        topic[selected] = rng.integers(len(TOPICS))
        appeal[selected] += STORY_APPEAL
    return replace(plan, story=story, topic=topic, appeal=appeal, clickbait=plan.clickbait & (story < 0))


def _frame(plan: _Plan, word_count: Ints, rng: np.random.Generator) -> pl.DataFrame:
    count = len(plan.topic)
    scenes = _scenes(plan, rng)
    titles = [
        write_title(scene, bool(bait), story >= 0, rng)
        for scene, bait, story in zip(scenes, plan.clickbait, plan.story, strict=True)
    ]
    ids = [f"a{number:06d}" for number in range(count)]
    columns = {
        "id": ids,
        "title": titles,
        "abstract": [write_abstract(scene, rng) for scene in scenes],
        "category": [TOPICS[topic][0].name for topic in plan.topic],
        "subcategory": [TOPICS[topic][1].name for topic in plan.topic],
        "entities": [scene.entities for scene in scenes],
        "source": [SOURCES[number] for number in rng.integers(len(SOURCES), size=count)],
        "language": ["en"] * count,
        "published_at": plan.published_at,
        "url": [f"https://news.example/{id_}" for id_ in ids],
        "word_count": word_count,
        "access": np.where(rng.random(count) < SUBSCRIBER_SHARE, "subscriber", "free").tolist(),
    }
    return conform(pl.DataFrame(columns, schema_overrides={"entities": pl.List(pl.String)}), ARTICLES)


def _scenes(plan: _Plan, rng: np.random.Generator) -> list[Scene]:
    """Return one scene per article; the articles of one story share theirs."""
    scene_of_story: dict[int, Scene] = {}
    scenes = []
    for topic, story in zip(plan.topic.tolist(), plan.story.tolist(), strict=True):
        scene = scene_of_story.get(story) or draw_scene(topic, rng)
        if story >= 0:
            scene_of_story[story] = scene
        scenes.append(scene)
    return scenes
