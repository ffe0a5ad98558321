"""What routes ask for."""

from typing import Annotated

from fastapi import Depends, Request

from recsys.serving.feed_service import FeedService


async def _service(request: Request) -> FeedService:  # FastAPI would send a plain function to another thread
    service: FeedService = request.app.state.service
    return service


Service = Annotated[FeedService, Depends(_service)]
