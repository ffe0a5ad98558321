"""English titles and abstracts from templates and word lists."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from recsys.simulate.phrases import (
    ABSTRACTS,
    CATEGORIES,
    CLICKBAIT_TITLES,
    FIRST_NAMES,
    LAST_NAMES,
    PLACES,
    STORY_TITLES,
    TITLES,
    Category,
    Subcategory,
)

TOPICS: tuple[tuple[Category, Subcategory], ...] = tuple(
    (category, subcategory) for category in CATEGORIES for subcategory in category.subcategories
)
"""Every subcategory with its category. A topic number in this package is an index of this tuple."""


@dataclass(frozen=True, slots=True)
class Scene:
    """Content of one article, or of all articles of a breaking story: persons, actions, place."""

    subject: str
    verb: str
    object: str
    other: str
    place: str
    person: str
    organisation: str

    @property
    def entities(self) -> list[str]:
        """Return the names that the article mentions."""
        return [self.person, self.organisation, self.place.removeprefix("the ")]


def draw_scene(topic: int, rng: np.random.Generator) -> Scene:
    """Draw a scene from the words of `topic`."""
    category, words = TOPICS[topic]
    thing, other = rng.choice(len(words.objects), size=2, replace=False)
    return Scene(
        subject=_pick(words.subjects, rng),
        verb=_pick(words.verbs, rng),
        object=words.objects[thing],
        other=words.objects[other],
        place=_pick(PLACES, rng),
        person=f"{_pick(FIRST_NAMES, rng)} {_pick(LAST_NAMES, rng)}",
        organisation=_pick(category.organisations, rng),
    )


def write_title(scene: Scene, clickbait: bool, story: bool, rng: np.random.Generator) -> str:
    """Write a headline. Clickbait shows in its wording."""
    templates = CLICKBAIT_TITLES if clickbait else STORY_TITLES if story else TITLES
    return _fill(_pick(templates, rng), scene)


def write_abstract(scene: Scene, rng: np.random.Generator) -> str:
    """Write one or two sentences on the scene."""
    return _fill(_pick(ABSTRACTS, rng), scene)


def _fill(template: str, scene: Scene) -> str:
    parts = {name: getattr(scene, name) for name in Scene.__dataclass_fields__}
    text = template.format(**parts, **{name.capitalize(): _upper_first(part) for name, part in parts.items()})
    return _upper_first(text)


def _upper_first(text: str) -> str:
    return text[:1].upper() + text[1:]


def _pick(options: Sequence[str], rng: np.random.Generator) -> str:
    return options[int(rng.integers(len(options)))]
