import json

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.markup import cleaned, plain_text
from recsys.frames import ARTICLES


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("Tram &amp; bus", "Tram & bus"),
        ("<b>Tram</b> opens", "Tram opens"),
        ("a&nbsp;b", "a b"),
        ("zero\u200bwidth", "zerowidth"),
        ("\u200b", ""),
        ("<p>One</p><p>Two<br>three</p>", "One\nTwo\nthree"),
        ("x<script>alert(1)</script>y", "xy"),
        ("5 < 6 & 7 > 3", "5 < 6 & 7 > 3"),
        ("AT&T <3", "AT&T <3"),
        ("می\u200cخواهم", "می\u200cخواهم"),
    ],
)
def test_markup_goes_and_text_stays(text: str, plain: str) -> None:
    assert plain_text(text) == plain


@given(st.text())
def test_any_text_can_be_cleaned(text: str) -> None:
    assert "\u200b" not in plain_text(text)


def test_the_original_is_kept_beside_what_changed() -> None:
    rows = pl.DataFrame(
        [{"id": "a", "title": "<b>T</b>", "abstract": "plain"}, {"id": "b", "title": "T"}], schema=ARTICLES
    )
    changed, same = cleaned(rows).to_dicts()
    assert (changed["title"], changed["abstract"]) == ("T", "plain")
    assert json.loads(changed["markup"]) == {"title": "<b>T</b>"}
    assert (same["title"], same["markup"]) == ("T", None)
