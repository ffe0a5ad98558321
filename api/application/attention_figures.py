"""Use-cases of operators about calibrated attention: its monitor, and its figures by source and language."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import polars as pl

from api.application.context import Application
from recsys.insight.article_calibration import calibrated_articles
from recsys.models.model_loader import active_system
from recsys.store import attention_stats
from recsys.store.attention_stats import MonitorRow

if TYPE_CHECKING:
    from recsys.calibration.monitoring_stats import MonitoringStats


def live_calibration(app: Application) -> "MonitoringStats | None":
    """Return the statistics of the calibration in this process; None if the active bundle has none."""
    return app.feed.calibration_stats()


def monitor_rows(app: Application, most: int) -> Sequence[MonitorRow]:
    """Return the newest rows of the monitor of all processes, newest first.

    Raises:
        StoreError: the database is unavailable.
    """
    with app.database.read() as connection:
        return attention_stats.newest(connection, most)


def newest_calibrated(app: Application, most: int) -> pl.DataFrame | None:
    """Return the newest `most` articles that the active calibration has read; None without a calibration.

    Columns: see `insight.article_calibration`.

    Raises:
        BundleError: the active bundle cannot be used.
        StoreError: the database is unavailable.
    """
    system = active_system(app.settings.home, app.encoder.name)
    if system is None or system.calibrator is None:
        return None
    return calibrated_articles(app.database, app.encoder.name, system.calibrator.digest, most)
