"""Answers again what a server answered: a program that replays the log up to each request.

It imports only what it needs: the training alone takes seconds to import.
"""

import json
import sys
from pathlib import Path
from typing import Any

from api.application.iso_time import from_iso
from api.http.serializers import rank_out
from recsys.cpu_threads import cpu_threads
from recsys.domain import FeedRequest, HistoryItem, Ranking, RankRequest
from recsys.encoder.lazy import LazyEncoder
from recsys.feed.engine import FeedEngine
from recsys.feed.point_in_time import engine_at
from recsys.settings import load_settings
from recsys.store.database import open_database

Requested = dict[str, Any]


def answer_again(requested: Requested, engine: FeedEngine, as_of: int) -> Ranking:
    request_id = requested["answer"]["request_id"]
    if "feed" in requested:
        given = {**requested["feed"], "exclude": frozenset(requested["feed"].get("exclude", ()))}
        return engine.recommend(FeedRequest(request_id=request_id, as_of=as_of, **given)).ranking
    given = requested["rank"]
    items = given.get("history")
    history = None if items is None else tuple(map(_item, items))
    return engine.rank(
        RankRequest(
            request_id=request_id,
            as_of=as_of,
            candidates=tuple(given["candidates"]),
            reader=given.get("reader"),
            history=history,
        ),
        explain=True,
    )


def _item(item: str | Requested) -> HistoryItem:
    return (
        HistoryItem(item)
        if isinstance(item, str)
        else HistoryItem(item["id"], item["seconds"], from_iso(item["at"]))
    )


def main(path: str) -> None:
    settings = load_settings()
    database, encoder = open_database(settings.database_url), LazyEncoder(settings)
    answers = []
    with cpu_threads(settings.threads):
        for requested in json.loads(Path(path).read_text()):
            as_of = from_iso(requested["answer"]["as_of"])
            ranking = answer_again(requested, engine_at(database, settings, encoder, as_of), as_of)
            answers.append(plain(ranking, "feed" in requested))
    print(json.dumps(answers))


def as_answered(answer: Requested) -> list[Requested]:
    """The items of an answer over HTTP, as `plain` has them: without what only HTTP adds."""
    added = ("article", "minutes", "tldr")
    items = [{name: value for name, value in item.items() if name not in added} for item in answer["items"]]
    for item in items:
        if "also_in" in item:
            item["also_in"] = [also["id"] for also in item["also_in"]]
    return items


def plain(ranking: Ranking, feed: bool) -> Requested:
    """The answer over HTTP, without what it says of its articles."""
    out = rank_out(ranking, [], "en").model_dump()
    if feed:
        for item, ranked in zip(out["items"], ranking.items, strict=True):
            item |= {"position": ranked.position, "source": ranked.source, "propensity": ranked.propensity}
            item |= {"story": ranked.story, "also_in": list(ranked.also_in)}
            item["rules"] = [
                {"id": rule.id, "kind": rule.kind, "log_odds": rule.log_odds or None, "place": rule.place}
                for rule in ranked.rules
            ]
    return out


if __name__ == "__main__":
    main(sys.argv[1])
