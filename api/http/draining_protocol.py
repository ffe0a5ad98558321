"""HTTP connections of a service that stops: those without a request stay open for a moment.

uvicorn closes them at once. A proxy that has just sent a POST on one cannot know if it arrived, and answers 502.
"""

from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

_SECONDS = 0.5
"""Time in which a request may still arrive; its connection is closed after the answer."""


class DrainingProtocol(HttpToolsProtocol):
    """Protocol that answers requests which are on their way when the service stops."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._stopping = False

    def shutdown(self) -> None:
        """Close the connection after the request in progress, or soon if there is none."""
        self._stopping = True
        if self.cycle is None or self.cycle.response_complete:
            self.loop.call_later(_SECONDS, super().shutdown)
        else:
            super().shutdown()

    def on_headers_complete(self) -> None:
        """Begin a request; it is the last one of its connection if the service stops."""
        super().on_headers_complete()
        if self._stopping and self.cycle is not None:
            self.cycle.keep_alive = False
