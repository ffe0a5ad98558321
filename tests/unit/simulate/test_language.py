import numpy as np
import pytest

from recsys.simulate.language import TOPICS, draw_scene, write_abstract, write_title
from recsys.simulate.phrases import CATEGORIES, Category


def test_paper_has_a_dozen_categories_of_three_or_four_subcategories() -> None:
    assert len(CATEGORIES) == 12
    assert {len(category.subcategories) for category in CATEGORIES} == {3, 4}
    assert len({words.name for _, words in TOPICS}) == len(TOPICS)


@pytest.mark.parametrize("category", CATEGORIES, ids=lambda category: category.name)
def test_phrases_are_many_and_tidy(category: Category) -> None:
    for words in category.subcategories:
        for phrases in (words.subjects, words.verbs, words.objects):
            assert len(set(phrases)) == len(phrases) >= 5
            assert all(phrase == phrase.strip() and phrase for phrase in phrases)


def test_objects_belong_to_one_subcategory_only() -> None:
    objects = [phrase for _, words in TOPICS for phrase in words.objects]
    assert len(objects) == len(set(objects))


@pytest.mark.parametrize("topic", range(len(TOPICS)))
def test_title_and_abstract_speak_of_their_topic(topic: int) -> None:
    rng = np.random.default_rng(topic)
    scene = draw_scene(topic, rng)
    for clickbait, story in ((False, False), (True, False), (False, True)):
        title = write_title(scene, clickbait, story, rng)
        assert scene.object.lower() in title.lower()
        assert title[0] == title[0].upper()
        assert "{" not in title
    abstract = write_abstract(scene, rng)
    assert scene.object.lower() in abstract.lower()
    assert abstract.endswith((".", "?"))


def test_scene_never_sets_an_object_against_itself() -> None:
    rng = np.random.default_rng(0)
    assert all(scene.object != scene.other for scene in (draw_scene(0, rng) for _ in range(100)))
