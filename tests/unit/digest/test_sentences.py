from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from recsys.digest.meeting import Turn
from recsys.digest.sentences import LONGEST_SENTENCE, clean, count_words, split_sentences


def texts(*contents: str) -> list[str]:
    return [each.text for each in split_sentences([Turn(speaker="A", text=content) for content in contents])]


def test_fillers_repetitions_and_marks_of_the_transcriber_are_removed() -> None:
    assert (
        clean("Um , so the the {vocalsound} price is uh twelve euros , you know .") == "The price is twelve euros."
    )
    assert clean("It 's done , is n't it ?") == "It's done, isn't it?"


def test_a_turn_is_cut_into_sentences_and_wordless_ones_are_left_out() -> None:
    assert texts("{vocalsound}", "We agree . Who pays ? 3.5 euros .") == ["We agree.", "Who pays?", "3.5 euros."]


def test_a_short_answer_keeps_its_opening() -> None:
    assert texts("Yeah .") == ["Yeah."]


def test_speech_without_punctuation_is_cut() -> None:
    found = split_sentences([Turn(speaker="", text="word " * 1_000)])
    assert max(each.words for each in found) <= LONGEST_SENTENCE


@given(st.lists(st.text(max_size=200), max_size=8))
def test_spans_are_in_order_and_inside_their_turns(contents: list[str]) -> None:
    turns = [Turn(speaker="A", text=content) for content in contents]
    found = split_sentences(turns)
    spans = [(each.turn, each.start, each.end) for each in found]
    assert spans == sorted(spans)
    for each in found:
        assert 0 <= each.start < each.end <= len(turns[each.turn].text)
        assert each.words == count_words(each.text) > 0
        assert 0 <= each.disfluency < 1
    for before, after in pairwise(found):
        assert before.turn < after.turn or before.end <= after.start


@given(st.text(max_size=300))
def test_cleaning_adds_no_word(text: str) -> None:
    assert count_words(clean(text)) <= count_words(text) + text.count("'") + text.count("{") + text.count("<")
