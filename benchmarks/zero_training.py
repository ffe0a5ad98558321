"""Quality of the untrained models on English MIND impressions, over HTTP, without stored readers.

    python -m benchmarks.zero_training [--data ../shared/data/mind-sample]

Stores the articles by POST /v1/articles, then ranks every impression by POST /v1/rank with its history in the
request.
"""

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
import polars as pl
from fastapi.testclient import TestClient

from api.app import create_app
from benchmarks import mind
from recsys.evaluation.bootstrap import intervals
from recsys.evaluation.metrics import auc, mrr
from recsys.evaluation.scored_slates import ScoredSlates
from recsys.serving.feed_service import FeedService
from recsys.settings import load_settings

_PER_REQUEST = 500


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=mind.SAMPLE)
    folder = parser.parse_args().data
    shown = mind.impressions(folder)
    if shown is None:
        print(f"{folder} has no MIND sample: nothing measured")
        return
    with tempfile.TemporaryDirectory() as home:
        settings = load_settings(database_url=f"sqlite:///{home}/attune.db", home=Path(home))
        app, ids = create_app(settings), shown.articles["id"].to_list()
        with TestClient(app) as client:
            _store(client, app.state.application.feed, shown.articles)
            scores = [
                _rank(client, [ids[row] for row in history], [ids[row] for row in candidates])
                for history, candidates in zip(shown.history, shown.candidates, strict=True)
            ]
    slates = ScoredSlates.of(scores, shown.clicked)
    found = intervals({"AUC": auc(slates), "MRR": mrr(slates)}, np.arange(len(scores)))
    for name, interval in found.items():
        print(f"{name} {mind.interval_text(interval)} on {len(scores)} impressions")


def _store(client: TestClient, service: FeedService, articles: pl.DataFrame) -> None:
    rows = articles.select("id", "title", "abstract", "category", "subcategory").to_dicts()
    for start in range(0, len(rows), _PER_REQUEST):
        client.post("/v1/articles", json={"articles": rows[start : start + _PER_REQUEST]}).raise_for_status()
    while len(service.engine.index or ()) < len(rows):
        time.sleep(0.1)


def _rank(client: TestClient, history: list[str], candidates: list[str]) -> list[float]:
    """Return the scores in the order of `candidates`."""
    answer = client.post("/v1/rank", json={"history": history, "candidates": candidates})
    answer.raise_for_status()
    scores = {item["id"]: item["score"] for item in answer.json()["items"]}
    return [scores[id_] for id_ in candidates]


if __name__ == "__main__":
    main()
