"""Application of one worker process; all its settings are in the environment."""

import logging
import os

from fastapi import FastAPI

from api.http import lightgbm_import, logging_setup
from recsys.settings import Settings, load_settings, unknown_settings

logger = logging.getLogger(__name__)


def export_settings_to_env(settings: Settings) -> None:
    """Pass the database and home of `settings`, which options may have set, on to worker processes."""
    os.environ["ATTUNE_DATABASE_URL"] = settings.database_url
    os.environ["ATTUNE_HOME"] = str(settings.home)


def make() -> FastAPI:
    """Return the application; uvicorn calls this in every worker."""
    lightgbm_import.import_lightgbm()
    from api.app import create_app

    settings = load_settings()
    logging_setup.configure(settings.log_format)
    for name in unknown_settings():
        logger.warning("%s is set, but there is no such setting: check the spelling with `attune config`", name)
    return create_app(settings)
