"""The application of one of several worker processes: all it knows is in the environment."""

import logging
import os

from fastapi import FastAPI

from api.http import lightgbm_import, logging_setup
from recsys.settings import Settings, load_settings, unknown_settings

logger = logging.getLogger(__name__)


def export_settings_to_env(settings: Settings) -> None:
    """Let worker processes find the database and home of `settings`, which flags may have named."""
    os.environ["ATTUNE_DATABASE_URL"] = settings.database_url
    os.environ["ATTUNE_HOME"] = str(settings.home)


def make() -> FastAPI:
    """What uvicorn calls in every worker."""
    lightgbm_import.import_lightgbm()
    from api.app import create_app

    settings = load_settings()
    logging_setup.configure(settings.log_format)
    for name in unknown_settings():
        logger.warning("%s is set, but is no setting: nothing reads it; `attune config` shows what is", name)
    return create_app(settings)
