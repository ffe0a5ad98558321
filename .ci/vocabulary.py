"""Vocabulary check of `make check`: retired words and names, and openings of docstrings.

CONTRIBUTING.md has the glossary. Words are looked for in names, docstrings, comments and other text of the code.
Names and texts that keep an old word for a reason are listed in `ALLOWED`.
"""

import ast
import io
import re
import sys
import tokenize
from collections.abc import Collection, Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGES = ("recsys", "ingest", "api", "benchmarks", "migrations", "tests")

OPENINGS = ("What", "How", "Who", "Whoever", "Whether", "Which")
"""A docstring and the name of a test begin with their subject or their action."""

WORDS = (
    "asked", "told", "said", "tells", "hears", "whoever", "lately", "rival", "rivals", "shelf", "shelves",
    "upkeep",
)  # fmt: skip
"""Retired words: the glossary has their replacements."""

NAMES = (
    "Asked", "Attended", "AttentionWatch", "BoundedBodies", "Card", "Cards", "ClickChance", "Composed",
    "Encounters", "Gauges", "PatientConnection", "Promise", "Reach", "ReadingTrees", "Refusal",
    "RememberingIndex", "Rest", "Rivals", "Said", "SlateRanker", "StartingRanker", "StoreAwayError", "Stretch",
    "Taken", "Traced", "Unvalued", "Upkeep", "Valued", "ValueRanker", "Watched", "admit", "apart_from",
    "choose_stretch", "connect_patiently", "diversified", "each_alone", "equipped", "hand_on",
    "load_questions", "net_worth", "replay_stretch", "secret_of_pseudonyms", "setwise", "strange_variables",
    "until_it_stops_helping", "within_budget", "without_each",
)  # fmt: skip
"""Retired names of classes and functions."""

ALLOWED = {
    "recsys/simulate/phrases.py": ("rival", "hears", "tells"),  # headlines of the simulated newsroom
    "recsys/digest/terms.py": ("said",),  # words of questions
    "recsys/digest/topic_segments.py": ("said",),  # words of speech
    "api/cli/evaluate.py": ("rival",),  # the option --rival keeps its name
    "tests/e2e/test_cli.py": ("rival",),  # the same option
    "tests/unit/digest/test_article_brief.py": ("said",),  # words of an article
}
"""Retired words that a file keeps for a reason."""


def main() -> int:
    """Print every finding; return 1 if there is one."""
    findings = [
        f"{path.relative_to(ROOT)}:{line}: {finding}"
        for package in PACKAGES
        for path in sorted((ROOT / package).rglob("*.py"))
        for line, finding in check(path.read_text(), ALLOWED.get(str(path.relative_to(ROOT)), ()))
    ]
    print("\n".join(findings) or "vocabulary: no retired word or name")
    return int(bool(findings))


def check(source: str, allowed: Collection[str] = ()) -> Iterator[tuple[int, str]]:
    """Yield the line and the text of each finding in the source of a module, except the words in `allowed`."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            opening = (ast.get_docstring(node) or " ").split(maxsplit=1)[:1]
            if opening and opening[0] in OPENINGS:
                yield getattr(node, "lineno", 1), f"a docstring begins with {opening[0]!r}"
            name = getattr(node, "name", "")
            if name.startswith(tuple(f"test_{word.lower()}_" for word in OPENINGS)):
                yield getattr(node, "lineno", 1), f"the name of a test begins with a question: {name}"
    words = re.compile(rf"\b({'|'.join(WORDS)})\b", re.IGNORECASE)
    names = re.compile(rf"\b({'|'.join(NAMES)})\b")
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type not in (tokenize.NAME, tokenize.STRING, tokenize.COMMENT):
            continue
        # parts of a name count as words: `asked_at` holds `asked`
        text = token.string.replace("_", " ") if token.type == tokenize.NAME else token.string
        for pattern, kind, where in ((words, "word", text), (names, "name", token.string)):
            for found in pattern.finditer(where):
                if found[0].lower() not in allowed:
                    line = token.start[0] + where[: found.start()].count("\n")
                    yield line, f"retired {kind} {found[0]!r}"


if __name__ == "__main__":
    sys.exit(main())
