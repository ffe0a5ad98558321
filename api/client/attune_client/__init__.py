"""Client of the API of Attune, with and without asyncio: feeds, rankings, events, articles and readers."""

from .client_error import AttuneClientError
from .client_retry import Retry
from .clients import AsyncAttuneClient, AttuneClient

__all__ = ["AsyncAttuneClient", "AttuneClient", "AttuneClientError", "Retry"]
