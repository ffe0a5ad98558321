import json
from pathlib import Path

import numpy as np

from benchmarks import mind


def test_impressions_are_rows_of_the_texts(tmp_path: Path) -> None:
    news = [
        {"id": "a", "title": "Rain", "category": "weather", "subvert": "local"},
        {"id": "b", "title": "Goal", "category": "sport", "subvert": "football"},
    ]
    shown = [
        {"history": ["b", "gone"], "candidates": ["a", "b"], "clicked": ["b"]},
        {"history": ["gone"], "candidates": ["a", "b"], "clicked": ["a"]},
    ]
    (tmp_path / "news.jsonl").write_text("\n".join(map(json.dumps, news)))
    (tmp_path / "impressions.jsonl").write_text("\n".join(map(json.dumps, shown)))
    found = mind.impressions(tmp_path)
    assert found is not None
    assert [text.headline for text in found.texts] == ["weather local: Rain", "sport football: Goal"]
    assert (found.history, found.candidates, found.clicked) == ([[1]], [[0, 1]], [[0, 1]])
    ((_, candidates),) = found.matched(np.eye(2, dtype=np.float32))
    np.testing.assert_array_equal(candidates, np.eye(2))
    assert mind.auc([[0.1, 0.9]], found.clicked).tolist() == [1.0]


def test_a_folder_without_the_sample_has_none(tmp_path: Path) -> None:
    assert mind.impressions(tmp_path) is None
