"""Interleaving: one slate from the slates of two models, so that each reader compares both at once.

Team draft (Radlinski, Kurup and Joachims 2008): in each round a coin decides which model picks first; each then
puts its best article that is not in the slate yet. A click counts for the model that put the article there. Both
models get the same readers, moments and positions, so far fewer slates tell which is better than in an A/B test.

Two things are not in the paper. An article at one place in both slates stays there, so rules that place articles
hold. An article that is the best of both at its turn counts for neither: both would put it there.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

from recsys.domain import RankedItem, Ranking, joint_model
from recsys.feed.engine import FeedSlate
from recsys.feed.selection.remaining_candidates import RemainingCandidates


@dataclass(frozen=True, slots=True)
class Pick:
    """Article at a place of an interleaved slate.

    place: in the slate of its team, from 0. team: 0 or 1, the model that put it there; None if both would. chance:
    probability that it stands here, given the places above.
    """

    place: int
    team: int | None
    chance: float


def team_draft(first: Sequence[str], second: Sequence[str], seed: str) -> list[Pick]:
    """Interleave two slates without repeated ids; the slate is as long as the shorter one.

    The same `seed` gives the same slate, so the teams of a logged slate need not be stored.
    """
    slates = (first, second)
    length = min(len(first), len(second))
    fixed = {place for place in range(length) if first[place] == second[place]}
    taken = {first[place] for place in fixed}
    first_to_pick: int | None = None  # of the round; None before the round begins
    picks: list[Pick] = []
    for place in range(length):
        if place in fixed:
            picks.append(Pick(place, None, 1.0))
            continue
        tops = [_top(slate, taken) for slate in slates]
        if first[tops[0]] == second[tops[1]]:
            picks.append(Pick(tops[0], None, 1.0))
        elif first_to_pick is None:
            first_to_pick = _coin(seed, place)
            picks.append(Pick(tops[first_to_pick], first_to_pick, 0.5))
        else:
            team, first_to_pick = 1 - first_to_pick, None
            picks.append(Pick(tops[team], team, 1.0))
        taken.add(slates[picks[-1].team or 0][picks[-1].place])
    return picks


def interleaved_page(page: FeedSlate, other: Ranking) -> tuple[FeedSlate, Ranking]:
    """Return the team draft of two feeds of one request, and `other` as it was drafted.

    The `model` of the draft names both: see `domain.models_of`. Where the two have copies of one story, the draft
    has that of `page`.

    Args:
        page: the first page of the first model. Its articles that are not in the draft are candidates for the
            next one.
        other: the feed of the second model.
    """
    copies = {item.story: item for item in page.ranking.items}
    other = replace(other, items=tuple(copies.get(item.story, item) for item in other.items))
    rankings = (page.ranking, other)
    ids = [[item.id for item in ranking.items] for ranking in rankings]
    items = tuple(
        replace(rankings[pick.team or 0].items[pick.place], position=position, propensity=pick.chance)
        for position, pick in enumerate(team_draft(ids[0], ids[1], page.ranking.request_id))
    )
    model = joint_model(page.ranking.model, other.model)
    ranking = replace(page.ranking, model=model, items=items)
    return FeedSlate(ranking, _remaining(page, items, model)), other


def _remaining(page: FeedSlate, shown: Sequence[RankedItem], model: str) -> RemainingCandidates:
    """Return the candidates of the next page: those of `page` that are not shown, to be scored anew."""
    ids, before = {item.id for item in shown}, page.remaining
    left = [item for item in page.ranking.items if item.id not in ids]
    kept = [place for place, id_ in enumerate(before.ids) if id_ not in ids]
    return RemainingCandidates(
        model=model,
        ids=(*(item.id for item in left), *(before.ids[place] for place in kept)),
        scores=(*(item.score for item in left), *(before.scores[place] for place in kept)),
        sources=(*(item.source for item in left), *(before.sources[place] for place in kept)),
        shown=tuple(item.id for item in shown),
    )


def _top(slate: Sequence[str], taken: set[str]) -> int:
    """Return the place of the best article of `slate` that is not `taken`."""
    return next(place for place, id_ in enumerate(slate) if id_ not in taken)


def _coin(seed: str, place: int) -> int:
    return hashlib.blake2b(f"{seed}\0{place}".encode(), digest_size=1).digest()[0] % 2
