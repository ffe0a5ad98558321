"""Manifest of a bundle: versions, data, validation and libraries."""

import importlib.metadata
import subprocess
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from recsys.evaluation.data_text import data_text
from recsys.evaluation.platt import Platt
from recsys.models.model_loader import schema
from recsys.settings import Settings
from recsys.training.dataset import Corpus

_LIBRARIES = ("attune-feed", "torch", "transformers", "lightgbm", "numpy")


def new_version() -> str:
    """Return a new version. Versions sort by creation time."""
    return datetime.now(UTC).strftime("%Y%m%dT%H%M%S%fZ")


def manifest(
    settings: Settings,
    encoder: str,
    corpus: Corpus,
    preference: Mapping[str, Any],
    calibration: Mapping[str, Platt],
    metrics: Mapping[str, Any],
) -> dict[str, Any]:
    """Return the manifest of a bundle."""
    return {
        "schema": schema(encoder),
        "user_model": dict(preference),
        "score_calibration": {name: asdict(platt) for name, platt in calibration.items()},
        "data": {
            "from": corpus.when.start,
            "validate_from": corpus.when.validate_from,
            "until": corpus.when.until,
            "impressions": corpus.labelled_requests.height,
            "articles": corpus.articles.height,
            "clicks": corpus.contents.clicks,
            "learnable": corpus.learnable,
            "unseen": corpus.unseen,
            "sampled_negatives": None if corpus.sampled is None else asdict(corpus.sampled),
            "validated": corpus.validation.height,
            "text": data_text(corpus.contents),
        },
        "validation": dict(metrics),
        "seed": settings.seed,
        "commit": _commit(),
        "libraries": {name: importlib.metadata.version(name) for name in _LIBRARIES},
    }


def _commit() -> str | None:
    """Return the commit of this code, None outside a checkout."""
    here = Path(__file__).parent
    result = subprocess.run(
        ["git", "rev-parse", "--short=12", "HEAD"],  # noqa: S607 - the operator's own git
        cwd=here,
        capture_output=True,
        text=True,
        check=False,
    )
    return result.stdout.strip() or None
