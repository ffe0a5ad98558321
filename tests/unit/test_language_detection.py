"""Languages of articles that come without one. The sentences are written for these tests."""

import polars as pl
import pytest

from recsys.domain import Article
from recsys.frames import articles_frame
from recsys.language_detection import detect_languages

SENTENCES = {
    "da": "Kommunen vil bygge en ny cykelsti gennem den gamle bydel, men naboerne er bekymrede for støjen",
    "en": "The council wants to build a new cycle path through the old town, but neighbours fear the noise",
    "de": "Der Stadtrat will einen neuen Radweg durch die Altstadt bauen, aber die Nachbarn fürchten den Lärm",
    "fr": "La mairie veut construire une nouvelle piste cyclable dans la vieille ville malgré les voisins",
    "es": "El ayuntamiento quiere construir un carril bici por el casco antiguo, pero los vecinos temen el ruido",
    "sv": "Kommunen vill bygga en ny cykelväg genom den gamla staden, men grannarna är oroliga för bullret",
    "fi": "Kaupunki haluaa rakentaa uuden pyörätien vanhankaupungin läpi, mutta naapurit pelkäävät melua",
    "ru": "Город хочет построить новую велодорожку через старый город, но соседи боятся шума",
    "ja": "市は旧市街を通る新しい自転車道を建設したいと考えている",
    "zh": "市议会希望在老城区修建一条新的自行车道",
    "ar": "تريد البلدية بناء مسار جديد للدراجات عبر المدينة القديمة لكن الجيران يخشون الضوضاء",
}


def detected(*articles: Article) -> list[str | None]:
    return detect_languages(articles_frame(articles)).to_list()


@pytest.mark.parametrize("language", SENTENCES)
def test_a_sentence_is_enough(language: str) -> None:
    title, _, abstract = SENTENCES[language].partition(" ")
    assert (
        detected(
            Article(id="title", title=SENTENCES[language]),
            Article(id="abstract", title=title, abstract=abstract or SENTENCES[language]),
            Article(id="body", title=title, abstract=" ", body=SENTENCES[language]),
        )
        == [language] * 3
    )


@pytest.mark.parametrize(
    "title",
    ["", "OK", "Live", "Valg 2026", "Mette Frederiksen", "Arsenal – Chelsea 2:1", "2026 – 14:30 – 99%", "😀" * 30],
)
def test_a_title_too_short_to_tell_gets_none(title: str) -> None:
    assert detected(Article(id="a", title=title)) == [None]


def test_no_articles_have_no_languages() -> None:
    assert detect_languages(articles_frame([])).dtype == pl.String


def test_text_that_is_no_language_costs_nothing_else() -> None:
    odd = [
        Article(id=str(i), title=text) for i, text in enumerate(["\ud7ff" * 40, "qwrtpsdfg " * 20, "\u200b" * 50])
    ]
    assert detected(*odd, Article(id="en", title=SENTENCES["en"]))[-1] == "en"
