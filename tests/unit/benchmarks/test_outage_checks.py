import json
from pathlib import Path

import pytest

from benchmarks.outage_checks import Outage, OutageResults
from benchmarks.traffic import Answer
from recsys.domain import Slate
from recsys.frames import slates_frame
from recsys.store import event_log
from recsys.store.database import opened

OUTAGE = Outage(cutting=9.9, cut=10.0, mended=40.0)
RETRY = b"retry-after: 5\r\n"


def feed(at: float, request: str, shown: str = "ab", degraded: bool = False, status: int = 200) -> Answer:
    body = {"request_id": request, "degraded": degraded, "items": [{"id": id_} for id_ in shown]}
    return Answer(at - 0.1, at, f"http/1.1 {status} ok\r\n\r\n".encode(), json.dumps(body).encode())


def event(at: float, status: int = 200, headers: bytes = b"", requested: float | None = None) -> Answer:
    head = f"http/1.1 {status} ok\r\n".encode() + headers + b"\r\n"
    return Answer(at - 0.01 if requested is None else requested, at, head, b'{"accepted":1}', "e")


def heard(*answers: Answer) -> OutageResults:
    made = OutageResults()
    for answer in answers:
        made.update(answer)
    return made


def test_feeds_are_distinguished_and_what_they_showed_is_kept() -> None:
    found = heard(
        feed(1, "q1"),
        feed(11, "q2", "c", degraded=True),
        feed(12, "q3", "", degraded=True),
        feed(13, "q4", status=503),
    )
    assert (found.fresh, found.degraded, dict(found.failed)) == ([1], [11, 12], {503: 1})
    assert found.slates == {"q1": ["a", "b"], "q2": ["c"]}


@pytest.mark.parametrize(
    "answer",
    [event(5, 503, RETRY), event(20), event(20, 503), event(20, 500, RETRY), event(45, 500), event(45, 503)],
    ids=["refused before", "stored while away", "no retry-after", "failed", "failed after", "no retry after"],
)
def test_wrong_answers_to_events_are_found(answer: Answer) -> None:
    assert heard(answer).wrong(OUTAGE) == [answer]


def test_right_answers_to_events_are_none_of_them() -> None:
    cut_meanwhile = [event(10.2, requested=9.8), event(10.2, 503, RETRY, requested=9.8)]
    mended_meanwhile = [event(40.2), event(40.2, 503, RETRY)]
    found = heard(event(5), event(20, 503, RETRY), *cut_meanwhile, *mended_meanwhile, event(60))
    assert found.wrong(OUTAGE) == []
    assert len(found.stored) == 4


def test_recovery_lasts_until_the_last_degraded_or_refused_answer() -> None:
    answers = [feed(20, "q", degraded=True), feed(41, "q", degraded=True), event(42.5, 503, RETRY)]
    assert heard(*answers, event(43), feed(44, "q")).recovery(OUTAGE) == 2.5
    assert heard(event(43), feed(44, "q")).recovery(OUTAGE) == 0.0


@pytest.mark.parametrize("last", [[], [event(43)], [feed(43, "q")]], ids=["nothing", "no feed", "no event"])
def test_without_good_answers_after_it_there_is_no_recovery(last: list[Answer]) -> None:
    assert heard(event(5), feed(5, "q"), event(42, 503, RETRY), *last).recovery(OUTAGE) == float("inf")


def test_slates_and_events_that_the_log_lacks_are_counted(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/attune.db"
    slates = [
        Slate(id=id_, reader="r", at=at, known_at=at, candidates=("a", "b"), ordered=True)
        for at, id_ in enumerate(("q1", "q2"), 1)
    ]
    with opened(url) as database, database.write() as connection:
        event_log.append_frames(connection, None, slates_frame(slates))
    found = heard(feed(1, "q1"), feed(2, "q2", "ba"), feed(3, "q3"), event(4))
    assert found.missing(url) == (2, 1), "one in another order, one not there"
    assert heard(feed(1, "q1")).missing(url) == (0, 0)
