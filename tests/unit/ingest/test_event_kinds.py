"""Names of social networks at the doors: one kind in the log."""

import polars as pl
import pytest

from ingest.event_kinds import KIND_ALIASES
from ingest.event_rows import check_events
from ingest.generic_schema import from_rows
from recsys.domain import DAY, PREFERENCE_KINDS

PLACES = pl.DataFrame({"file": ["f"], "row": [1], "raw": ["r"]})


@pytest.mark.parametrize("alias", KIND_ALIASES)
def test_an_alias_is_stored_as_its_kind_by_every_door(alias: str) -> None:
    kind = KIND_ALIASES[alias]
    about = "subject" if kind in PREFERENCE_KINDS else "article"
    rows = [{"reader": "r", "kind": name, about: "x", "at": 20_000 * DAY} for name in (alias.upper(), kind.value)]
    one, same = check_events(rows, 20_000 * DAY).events
    assert one == same
    filed = [from_rows([row], PLACES, "events").rows for row in rows]
    assert filed[0]["kind"].to_list() == [kind.value]
    assert filed[0]["id"].to_list() == filed[1]["id"].to_list()
