"""The application of one of several worker processes: all it knows is in the environment."""

import os

from fastapi import FastAPI

from api import logs
from api.app import create_app
from recsys.settings import Settings, load_settings


def hand_on(settings: Settings) -> None:
    """Let worker processes find the database and home of `settings`, which flags may have named."""
    os.environ["ATTUNE_DATABASE_URL"] = settings.database_url
    os.environ["ATTUNE_HOME"] = str(settings.home)


def make() -> FastAPI:
    """What uvicorn calls in every worker."""
    settings = load_settings()
    logs.configure(settings.log_format)
    return create_app(settings)
