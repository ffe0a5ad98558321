import pytest
from hypothesis import given
from hypothesis import strategies as st

from recsys.digest.article_brief import BRIEF_SECONDS, article_brief
from recsys.digest.article_sentences import MOST_READ, article_sentences, content_terms, word_equivalents

TITLE = "Council approves new tram line to the harbour"
BODY = """Council approves new tram line to the harbour
What a night it was in the town hall!
The city council approved a tram line from the station to the harbour on Monday, after ten years of debate. \
Mr. Smith of the U.S. firm that builds it expects 40,000 passengers a day.
"I never believed it," said a baker nearby.
The tram to the harbour costs 300 million and opens in 2031, the council said. It rained all night."""


def test_sentences_keep_their_characters_in_the_text() -> None:
    found = article_sentences(BODY)
    assert [BODY[each.start : each.end] for each in found] == [each.text for each in found]
    assert "Mr. Smith of the U.S. firm that builds it expects 40,000 passengers a day." in [x.text for x in found]


def test_chinese_sentences_are_cut_and_counted_without_spaces() -> None:
    found = article_sentences("中美合作共赢。各国都支持合作！")
    assert [each.text for each in found] == ["中美合作共赢。", "各国都支持合作！"]
    assert word_equivalents("中美合作共赢。") == 3
    assert content_terms("合作共", "zh") == ["合作", "作共"]


def test_danish_words_lose_their_endings_and_function_words() -> None:
    assert content_terms("Bilerne er på vejene", "da") == ["bil", "vej"]


def test_the_brief_has_the_news_without_headline_question_or_quotation() -> None:
    brief = article_brief(TITLE, BODY, language="en")
    texts = [each.text for each in brief.sentences]
    assert texts[0].startswith("The city council approved a tram line")
    assert TITLE not in texts
    assert all(text[0] != '"' and "What a night" not in text for text in texts)
    assert all(0 < each.weight <= 1 and BODY[each.start : each.end] == each.text for each in brief.sentences)
    assert brief.of == "body"


def test_without_a_body_the_brief_is_of_the_abstract() -> None:
    brief = article_brief(
        TITLE, " ", "The line opens in the year 2031. Its stations cost 300 million euros.", "en"
    )
    assert (brief.of, brief.text) == (
        "abstract",
        "The line opens in the year 2031. Its stations cost 300 million euros.",
    )


def test_an_article_without_text_has_an_empty_brief() -> None:
    assert article_brief(TITLE, None).sentences == ()


def test_a_repeated_sentence_is_chosen_once() -> None:
    sentence = "The new tram line to the harbour opens in May of next year."
    assert len(article_brief("Tram", f"{sentence}\n{sentence}\n{sentence}").sentences) == 1


@given(st.text(max_size=300), st.text(max_size=40), st.floats(0, 30))
def test_any_text_gives_sentences_of_it_within_the_seconds(body: str, title: str, seconds: float) -> None:
    brief = article_brief(title, body, None, "da", seconds)
    assert brief.seconds <= seconds + 0.01
    assert all(body[each.start : each.end] == each.text for each in brief.sentences)
    assert sorted(each.start for each in brief.sentences) == [each.start for each in brief.sentences]


@pytest.mark.parametrize("hostile", [".", "a. ", '."', "!x", "a-", "。", "\n", "x\n"])
def test_of_a_text_of_marks_a_bounded_number_of_sentences_is_read(hostile: str) -> None:
    assert len(article_sentences(hostile * 60_000)) <= MOST_READ
    article_brief("Tram", hostile * 60_000)  # without the bound it would take minutes and gigabytes


def test_a_long_article_is_read_to_its_bound_only() -> None:
    brief = article_brief("Tram", "The tram comes to the harbour soon. " * 20_000)
    assert brief.sentences and brief.seconds <= BRIEF_SECONDS
