"""What was shown, as the log holds it."""

from recsys.domain import FeedRequest, Ranking, Slate


def slate_of(request: FeedRequest, ranking: Ranking, known_at: int) -> Slate:
    """The slate that `ranking` is, shown in answer to `request` and known at a time (microseconds)."""
    return Slate(
        id=request.request_id,
        reader=request.reader,
        at=request.as_of,
        known_at=known_at,
        candidates=tuple(item.id for item in ranking.items),
        ordered=True,
        scores=tuple(item.score for item in ranking.items),
        propensities=tuple(item.propensity for item in ranking.items),
        model=ranking.model,
        session=request.session,
        device=request.device,
        page=request.page,
    )
