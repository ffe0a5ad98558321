"""Application of one worker process; all its settings are in the environment."""

import logging
import os
from functools import partial
from typing import TYPE_CHECKING

from recsys.settings import Settings, load_settings, unknown_settings

if TYPE_CHECKING:  # the parent of the workers imports this module, and must stay small
    from fastapi import FastAPI

logger = logging.getLogger(__name__)


def export_settings_to_env(settings: Settings) -> None:
    """Pass the settings that options may have set on to worker processes."""
    os.environ["ATTUNE_DATABASE_URL"] = settings.database_url
    os.environ["ATTUNE_HOME"] = str(settings.home)
    os.environ["ATTUNE_SHARD"] = settings.shard


def make() -> "FastAPI":
    """Return the application; uvicorn calls this in every worker."""
    from api.app import create_app
    from api.http import logging_setup
    from recsys.serving.encoding_process import encoding_apart

    settings = load_settings()
    prepare = partial(logging_setup.configure, settings.log_format)
    prepare()
    for name in unknown_settings():
        logger.warning("%s is set, but there is no such setting: check the spelling with `attune config`", name)
    return create_app(settings, partial(encoding_apart, prepare=prepare))
