"""Newsletter of one reader from the feed of a service: a slate within a budget of minutes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from urllib.parse import quote

from api.application import article_briefs, feeds
from api.application.context import Application
from api.application.letters.letter_pages import Letter, LetterEntry, letter_subject
from api.application.letters.unsubscribe_tokens import UnsubscribeTokens
from api.application.reader_tokens import LONGEST_SECONDS, ReaderTokens
from recsys.domain import FeedRequest, RankedItem, Reason
from recsys.errors import StoreUnavailableError
from recsys.serving.article_cache import SUMMARY


@dataclass(frozen=True, slots=True, kw_only=True)
class LetterPlan:
    """Values that all letters of a run have in common.

    minutes: most minutes that the articles of a letter take; limit: most articles; period: see
    `recsys.store.letters`; day: in subjects; language: of `letter_texts`; base_url: address of the service, no
    slash at its end.
    """

    minutes: float
    limit: int
    period: str
    day: date
    language: str
    base_url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LetterMaker:
    """Maker of letters with the feed of a running service.

    reason_of: sentence of a reason in the language of the plan.
    """

    app: Application
    plan: LetterPlan
    reader_tokens: ReaderTokens
    unsubscribe_tokens: UnsubscribeTokens
    reason_of: Callable[[Reason], str]
    _briefs: dict[str, str] = field(default_factory=dict)

    def make(self, reader: str, named: str, request_id: str, *, only_preview: bool) -> Letter | None:
        """Return the letter of a reader, whose slate is logged as shown; None if nothing fits the budget.

        Args:
            reader: stored id.
            named: id that the publisher uses, for the reader token.
            request_id: id of the slate; the log keeps one slate of each id.
            only_preview: log nothing.

        Raises:
            StoreError: the database is unavailable.
        """
        plan = self.plan
        request = FeedRequest(request_id=request_id, reader=reader, limit=plan.limit, minutes=plan.minutes)
        ranking = feeds.recommend_or_preview(self.app, request, only_preview=only_preview).ranking
        if ranking.degraded:
            raise StoreUnavailableError(
                "the database is unavailable: run the command again, it goes on where it was"
            )
        if not ranking.items:
            return None
        token, _ = self.reader_tokens.mint(named, LONGEST_SECONDS)
        return Letter(
            subject=letter_subject(plan.day, plan.language),
            request_id=request_id,
            entries=self._entries(ranking.items),
            feed_url=f"{plan.base_url}/embed/feed?token={quote(token)}&lang={plan.language}",
            unsubscribe_url=f"{plan.base_url}/unsubscribe?token={quote(self.unsubscribe_tokens.mint(reader))}",
        )

    def _entries(self, items: Sequence[RankedItem]) -> list[LetterEntry]:
        ids = [item.id for item in items]
        missing = [id_ for id_ in ids if id_ not in self._briefs]
        if missing:
            self._briefs.update(dict.fromkeys(missing, "") | dict(article_briefs.brief_texts(self.app, missing)))
        shown = feeds.summaries(self.app, ids)
        return [
            self._entry(item, dict(zip(SUMMARY, shown[item.id], strict=True)))
            for item in items
            if item.id in shown
        ]

    def _entry(self, item: RankedItem, article: dict[str, str | None]) -> LetterEntry:
        return LetterEntry(
            id=item.id,
            title=" ".join((article["title"] or item.id).split()),
            url=article["url"],
            image_url=article["image_url"],
            category=article["category"],
            source=article["source"],
            minutes=item.minutes or 0.0,
            brief=self._briefs[item.id],
            reason=self.reason_of(item.reasons[0]) if item.reasons else "",
        )
