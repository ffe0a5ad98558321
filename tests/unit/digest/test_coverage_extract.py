import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recsys.digest.coverage_extract import FEWEST_WORDS, ExtractConfig, extract
from recsys.digest.meeting import Turn
from recsys.digest.sentence_features import EncodedText
from recsys.digest.sentences import split_sentences
from recsys.state.reading_time import seconds_to_read
from tests.unit.digest.meetings import untrained


def text_of(*sentences: str) -> EncodedText:
    return untrained().read(split_sentences([Turn(speaker="A", text=each) for each in sentences]))


@given(
    st.lists(
        st.lists(st.sampled_from(["price", "colour", "case"]), min_size=1, max_size=9), min_size=1, max_size=9
    ),
    st.floats(0.1, 30),
)
def test_the_budget_is_kept_and_the_order_is_that_of_the_text(words: list[list[str]], seconds: float) -> None:
    text = text_of(*(" ".join(each) + "." for each in words))
    ones = np.ones(len(text.terms.names))
    chosen = extract(text, np.full(len(text), 0.5), ones, seconds, ExtractConfig())
    assert chosen == sorted(set(chosen))
    assert seconds_to_read(text.words[chosen]).sum() <= seconds + 1e-6
    assert all(text.words[place] >= FEWEST_WORDS for place in chosen)


def test_a_repetition_is_not_chosen() -> None:
    text = text_of("The price is twelve euros.", "The price is twelve euros.", "Yellow buttons look friendly.")
    chosen = extract(text, np.ones(3), np.ones(len(text.terms.names)), 60, ExtractConfig())
    assert chosen == [0, 2]


@pytest.mark.parametrize("preferred", [0, 1])
def test_relevance_decides_between_equal_sentences(preferred: int) -> None:
    text = text_of("The price is twelve euros.", "Yellow buttons look friendly now.")
    relevance = np.where(np.arange(2) == preferred, 0.9, 0.1)
    assert extract(text, relevance, np.ones(len(text.terms.names)), 1.3, ExtractConfig()) == [preferred]
