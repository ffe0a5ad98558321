"""Damage that outlets and their systems add to titles: names, tags, markup, hashtags, broken encodings."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from recsys.training.calibration.damaged_text import Damaged, NoiseKind, after, appended, before, mixed_in

_OUTLETS = (
    "The Daily Courier", "Metro Post", "Morning Herald", "City Tribune", "Evening Standard Online",
    "Channel 7 News", "Nordic Times", "The Coast Observer", "Capital Radio", "Weekend Journal",
    "State Gazette", "Harbour Chronicle",
)  # fmt: skip
_SECTIONS = ("World", "Politics", "Sport", "Opinion", "Business", "Culture", "Local News", "Home", "Premium")
_PLACES = (
    "LONDON",
    "WASHINGTON",
    "NEW YORK",
    "PARIS",
    "BERLIN",
    "COPENHAGEN",
    "TOKYO",
    "CAIRO",
    "DELHI",
    "SYDNEY",
)
_AGENCIES = ("Reuters", "AP", "AFP", "dpa", "Ritzau", "Xinhua", "UPI", "Bloomberg")
_FIRST = ("Anna", "John", "Maria", "Peter", "Lars", "Wei", "Fatima", "Carlos", "Emma", "David", "Sofie", "Ahmed")
_LAST = ("Smith", "Jensen", "Garcia", "Chen", "Mueller", "Rossi", "Khan", "Dubois", "Olsen", "Brown", "Novak")
_ROLES = ("Staff Writer", "Senior Reporter", "Political Editor", "Correspondent", "Contributor")
_ALERTS = (
    "LIVE:", "BREAKING:", "BREAKING NEWS:", "[VIDEO]", "WATCH:", "UPDATED", "EXCLUSIVE |", "[PHOTOS]", "JUST IN:",
    "LIVE BLOG -", "[GALLERY]", "DEVELOPING:", "*ALERT*", "(VIDEO)", "LIVE UPDATES:",
)  # fmt: skip
_MARKUP = (
    "<b>", "</b>", "<p>", "</p>", "<br/>", "&nbsp;", "&amp;", "&quot;", "&#39;", "<span>", "</span>",
    "<strong>", "</strong>", "&lt;", "&gt;", "<div>", "</div>", "{{title}}", "<h1>", "&mdash;",
)  # fmt: skip
_HASHTAGS = (
    "#news", "#breaking", "#viral", "#trending", "#today", "#world", "#live", "#politics", "#sports", "#fyp",
    "#mustread", "#video", "#update", "#follow", "#story",
)  # fmt: skip
_EMOJI = tuple("🔥😱😂👀🚨❗💥😍👉🤯🎉💔😡⚡🏆")
_SENTENCES = (
    "her er alt hvad du skal vide om sagen lige nu", "det siger politiet til pressen i dag",
    "das sagen die Experten zu den neuen Zahlen", "alle Informationen finden Sie hier im Überblick",
    "voici tout ce qu'il faut savoir aujourd'hui", "les experts donnent leur avis sur la situation",
    "esto es lo que debes saber sobre el tema", "así reaccionaron los vecinos de la ciudad",
    "ecco tutto quello che c'è da sapere oggi", "isso é tudo o que você precisa saber",
    "dit is alles wat je moet weten vandaag", "kaikki mitä sinun tarvitsee tietää tänään",
    "the police say that the case is still open", "here is all that you need to know today",
)  # fmt: skip
_WORDS_CUT = 0.5
"""Share of the words that truncation keeps."""


def outlet(words: list[str], rng: np.random.Generator) -> Damaged:
    """Add an outlet's name or section, with a separator, before or after."""
    name = _any(rng, _OUTLETS if rng.random() < 0.6 else _SECTIONS).split()
    if rng.random() < 0.3:
        name += [_any(rng, ("/", ">", "-")), *_any(rng, _SECTIONS).split()]
    mark = _any(rng, ("|", "-", "–", ":", "»"))
    return before(words, [*name, mark]) if rng.random() < 0.5 else after(words, [mark, *name])


def dateline(words: list[str], rng: np.random.Generator) -> Damaged:
    """Add a place and agency before, or a byline before or after."""
    if rng.random() < 0.5:
        place, agency = _any(rng, _PLACES).split(), _any(rng, _AGENCIES)
        month = _any(rng, ("Jan.", "March", "May", "Sept.", "Nov."))
        date = [f"{month}", f"{int(rng.integers(1, 29))}"] if rng.random() < 0.5 else []
        return before(words, [*place, *date, f"({agency})", "-"])
    byline = ["By", _any(rng, _FIRST), _any(rng, _LAST) + ",", *_any(rng, _ROLES).split()]
    return before(words, [*byline, "-"]) if rng.random() < 0.5 else after(words, ["-", *byline])


def alert(words: list[str], rng: np.random.Generator) -> Damaged:
    """Add one or two alert tags before, or one after."""
    tags = [part for _ in range(int(rng.integers(1, 3))) for part in _any(rng, _ALERTS).split()]
    return before(words, tags) if rng.random() < 0.8 else after(words, tags)


def markup(words: list[str], rng: np.random.Generator) -> Damaged:
    """Insert left-over tags and entities."""
    return mixed_in(words, _some(rng, _MARKUP, max(2, round(0.5 * len(words)))), rng)


def hashtags(words: list[str], rng: np.random.Generator) -> Damaged:
    """Add a run of hashtags, some of them made of the title's words."""
    tags = _some(rng, _HASHTAGS, int(rng.integers(3, 7)))
    own = [f"#{word.lower()}" for word in words if word.isalpha() and len(word) > 3]
    tags += _some(rng, own, int(rng.integers(0, 3))) if own else []
    return after(words, tags) if rng.random() < 0.8 else before(words, tags)


def emoji(words: list[str], rng: np.random.Generator) -> Damaged:
    """Add a row of emoji, before or after, as separate symbols or in one run."""
    row = _some(rng, _EMOJI, int(rng.integers(3, 9)))
    return appended(words, row if rng.random() < 0.5 else ["".join(row)], rng)


def mojibake(words: list[str], rng: np.random.Generator) -> Damaged:
    """Set typographic marks and accents, and read the result as Latin-1; words that change count as injected."""
    chosen = rng.random(len(words)) < 0.4
    chosen[int(rng.integers(len(words)))] = True
    read = [_misread(_typographic(word, rng)) if hit else word for word, hit in zip(words, chosen, strict=True)]
    return Damaged(tuple(read), tuple(new != old for new, old in zip(read, words, strict=True)))


def other_language(words: list[str], rng: np.random.Generator) -> Damaged:
    """Add a sentence of another language, before or after."""
    return appended(words, _any(rng, _SENTENCES).split(), rng)


def capitals(words: list[str], _: np.random.Generator) -> Damaged:
    """Set all letters in capitals."""
    return Damaged(tuple(word.upper() for word in words), (False,) * len(words))


def truncation(words: list[str], _: np.random.Generator) -> Damaged:
    """Cut the second half off, with an ellipsis."""
    kept = words[: max(1, int(len(words) * _WORDS_CUT))]
    return Damaged((*kept[:-1], kept[-1] + "…"), (False,) * len(kept))


def untouched(words: list[str], _: np.random.Generator) -> Damaged:
    """Leave the title: the damage is elsewhere in the article."""
    return Damaged(tuple(words), (False,) * len(words))


BY_KIND: Mapping[NoiseKind, Callable[[list[str], np.random.Generator], Damaged]] = {
    NoiseKind.OUTLET: outlet,
    NoiseKind.DATELINE: dateline,
    NoiseKind.ALERT: alert,
    NoiseKind.MARKUP: markup,
    NoiseKind.HASHTAGS: hashtags,
    NoiseKind.EMOJI: emoji,
    NoiseKind.MOJIBAKE: mojibake,
    NoiseKind.LANGUAGE: other_language,
    NoiseKind.CAPITALS: capitals,
    NoiseKind.TRUNCATION: truncation,
    NoiseKind.ABSTRACT: untouched,
}
"""Damage of a title, given as words, by kind."""


def _any(rng: np.random.Generator, choices: Sequence[str]) -> str:
    return choices[int(rng.integers(len(choices)))]


def _some(rng: np.random.Generator, choices: Sequence[str], count: int) -> list[str]:
    return [choices[position] for position in rng.integers(len(choices), size=count)]


def _typographic(word: str, rng: np.random.Generator) -> str:
    """Return the word with a typographic mark, or with an accent on its first vowel."""
    if rng.random() < 0.6:
        return _any(rng, ("“{}”", "{}…", "{}’s", "–{}", "‘{}’", "{}—")).format(word)
    vowel = next((letter for letter in word if letter in "aeou"), None)
    return f"{word}’" if vowel is None else word.replace(vowel, {"a": "á", "e": "é", "o": "ø", "u": "ü"}[vowel], 1)


def _misread(word: str) -> str:
    return word.encode().decode("cp1252", errors="replace")
