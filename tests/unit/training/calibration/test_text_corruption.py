"""Every kind of damage, and its record of the injected words."""

from collections import Counter
from itertools import groupby

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recsys.training.calibration.damaged_text import INJECTING, NOT_INJECTING, ROTATIONS, Damaged, NoiseKind
from recsys.training.calibration.text_corruption import TRAINED, Injector, undamaged

STRANGE = ("zebra", "quartz", "violin", "harbour")
OTHERS = ("five words of another text", "too short", "the second foreign text has quite a few more words")
INJECTOR = Injector(STRANGE, OTHERS)
TITLE = "Prime minister resigns after a close vote"
KINDS = pytest.mark.parametrize("kind", INJECTING, ids=lambda kind: kind.name)
CHANGING = {NoiseKind.REPLACED, NoiseKind.MOJIBAKE}
ADDING = [kind for kind in INJECTING if kind not in CHANGING]

lines = st.lists(st.text("abcdeé!", min_size=1, max_size=7), max_size=15).map(" ".join)
texts = st.text(max_size=60) | lines
seeds = st.integers(0, 2**32 - 1)


def damage(text: str, kind: NoiseKind, seed: int) -> Damaged:
    return INJECTOR.damage(text, kind, np.random.default_rng(seed))


def own(damaged: Damaged) -> list[str]:
    return [word for word, new in zip(damaged.words, damaged.injected, strict=True) if not new]


def new(damaged: Damaged) -> list[str]:
    return [word for word, is_new in zip(damaged.words, damaged.injected, strict=True) if is_new]


@settings(deadline=None)
@given(texts, st.sampled_from(ADDING), seeds)
def test_words_that_are_not_injected_are_the_title_in_its_order(text: str, kind: NoiseKind, seed: int) -> None:
    damaged = damage(text, kind, seed)
    assert own(damaged) == (text.split() or [""])
    assert any(damaged.injected)
    assert " ".join(damaged.words) == damaged.text


@settings(deadline=None)
@given(texts, seeds)
def test_replaced_words_stand_in_the_place_of_the_titles(text: str, seed: int) -> None:
    words, damaged = text.split() or [""], damage(text, NoiseKind.REPLACED, seed)
    assert len(damaged.words) == len(words)
    for before, after, injected in zip(words, damaged.words, damaged.injected, strict=True):
        assert after in STRANGE if injected else after == before
    assert len(new(damaged)) == max(1, round(0.4 * len(words)))


@settings(deadline=None)
@given(texts, st.sampled_from(list(NoiseKind)), seeds)
def test_the_same_seed_does_the_same_damage(text: str, kind: NoiseKind, seed: int) -> None:
    assert damage(text, kind, seed) == damage(text, kind, seed)


@KINDS
def test_another_seed_does_other_damage(kind: NoiseKind) -> None:
    assert len({damage(TITLE, kind, seed).text for seed in range(30)}) > 5


@KINDS
@pytest.mark.parametrize("text", ["", "   ", "Budget", "a"])
def test_empty_and_short_titles_are_damaged_too(kind: NoiseKind, text: str) -> None:
    for seed in range(20):
        assert any(damage(text, kind, seed).injected)


@KINDS
def test_nothing_to_draw_from_is_no_error(kind: NoiseKind) -> None:
    bare = Injector((), ())
    for seed in range(20):
        assert any(bare.damage(TITLE, kind, np.random.default_rng(seed)).injected)


@pytest.mark.parametrize("seed", range(20))
def test_stuffing_repeats_a_word_of_the_title(seed: int) -> None:
    damaged = damage(TITLE, NoiseKind.STUFFING, seed)
    (word,), count = set(new(damaged)), Counter(damaged.words)
    assert word in TITLE.split()
    assert len(word) > 3
    assert 5 <= count[word] <= 9


@pytest.mark.parametrize("seed", range(20))
def test_punctuation_spam_has_no_letters(seed: int) -> None:
    marks = new(damage(TITLE, NoiseKind.PUNCTUATION, seed))
    assert len(marks) >= 3
    assert not any(sign.isalnum() for sign in "".join(marks))


@pytest.mark.parametrize("seed", range(20))
def test_random_words_are_of_the_vocabulary(seed: int) -> None:
    words = new(damage(TITLE, NoiseKind.RANDOM, seed))
    assert len(words) == round(0.6 * len(TITLE.split()))
    assert set(words) <= set(STRANGE)


@pytest.mark.parametrize("seed", range(20))
def test_a_foreign_phrase_is_a_run_of_another_text(seed: int) -> None:
    damaged = damage(TITLE, NoiseKind.PHRASE, seed)
    phrase = new(damaged)
    assert 4 <= len(phrase) <= 7
    assert any(" ".join(phrase) in other for other in OTHERS)


@pytest.mark.parametrize("kind", [NoiseKind.STUFFING, NoiseKind.PHRASE, NoiseKind.CLICKBAIT])
def test_phrases_stand_before_or_behind_the_title(kind: NoiseKind) -> None:
    runs = {tuple(flag for flag, _ in groupby(damage(TITLE, kind, seed).injected)) for seed in range(30)}
    assert runs == {(True, False), (False, True)}


def test_an_undamaged_text_is_marked_nowhere() -> None:
    assert undamaged(TITLE).text == TITLE
    assert not any(undamaged(TITLE).injected)
    assert undamaged("").words == ("",)


def test_clickbait_is_held_out_of_training() -> None:
    assert set(TRAINED) == set(INJECTING) - {NoiseKind.CLICKBAIT}


def test_the_rotations_hold_every_injecting_kind_once() -> None:
    one, two = map(set, ROTATIONS)
    assert one | two == set(INJECTING)
    assert not one & two


@pytest.mark.parametrize("kind", [*NOT_INJECTING, NoiseKind.ABSTRACT])
def test_kinds_that_inject_nothing_mark_nothing(kind: NoiseKind) -> None:
    assert not any(damage(TITLE, kind, 3).injected)


def test_truncation_keeps_the_first_half_with_an_ellipsis() -> None:
    assert damage(TITLE, NoiseKind.TRUNCATION, 1).text == "Prime minister resigns…"


def test_capitals_change_nothing_but_the_case() -> None:
    assert damage(TITLE, NoiseKind.CAPITALS, 1).text == TITLE.upper()


@pytest.mark.parametrize("seed", range(20))
def test_mojibake_keeps_the_words_that_it_does_not_mark(seed: int) -> None:
    damaged = damage(TITLE, NoiseKind.MOJIBAKE, seed)
    assert any(damaged.injected)
    for word, old, changed in zip(damaged.words, TITLE.split(), damaged.injected, strict=True):
        assert changed == (word != old)
        assert changed != word.isascii()
