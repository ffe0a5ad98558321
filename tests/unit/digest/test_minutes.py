import json
import time
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from api.cli import app
from recsys.digest.digest import Digester
from recsys.digest.layouts.read_meeting import read_meeting
from recsys.digest.meeting import Meeting, Turn
from recsys.digest.meeting_minutes import Minutes, write_minutes
from recsys.digest.minutes_documents import html, markdown
from recsys.digest.sentences import count_words
from recsys.state.reading_time import seconds_to_read
from tests.hashed import HashModel
from tests.unit.digest.meetings import untrained, weights, write_record

KEYS = {"turn", "speaker", "text", "weight"}


def of_turns(*contents: str) -> Meeting:
    return Meeting(turns=tuple(Turn(speaker="A", text=content) for content in contents))


def minutes_of(meeting: Meeting, query: str = "", seconds: float | None = None) -> Minutes:
    return write_minutes(meeting, Digester(HashModel(), weights()), query, seconds)


def test_the_json_has_the_documented_layout(tmp_path: Path) -> None:
    found = minutes_of(read_meeting(write_record(tmp_path)), "price").as_dict()
    assert list(found) == ["topics", "decisions", "actions", "questions", "extract"]
    topics = found["topics"]
    assert isinstance(topics, list)
    assert all(set(topic) == {"title", "from", "to", "sentences"} for topic in topics)
    assert (topics[0]["from"], topics[-1]["to"]) == (0, 4)
    lines = [line for name in ("decisions", "actions", "questions", "extract") for line in found[name]]  # type: ignore[attr-defined]
    assert lines
    assert all(set(line) == KEYS and 0 <= line["weight"] <= 1 for line in lines)
    assert json.loads(json.dumps(found)) == found


def test_the_extract_keeps_budget_and_order_and_quotes_the_turns(tmp_path: Path) -> None:
    meeting = read_meeting(write_record(tmp_path))
    extract = minutes_of(meeting, "price", seconds=6).extract
    assert [(line.turn, line.start) for line in extract] == sorted((line.turn, line.start) for line in extract)
    words = np.asarray([count_words(line.text) for line in extract])
    assert 0 < seconds_to_read(words).sum() <= 6
    assert all(line.text.split()[-1].strip(".?") in meeting.turns[line.turn].text for line in extract)


def test_a_short_meeting_is_shortened_without_a_budget() -> None:
    turns = [f"The number {number} matters for the budget of our project this year." for number in range(10)]
    whole = seconds_to_read(np.asarray([count_words(turn) for turn in turns])).sum()
    words = np.asarray([count_words(line.text) for line in minutes_of(of_turns(*turns)).extract])
    assert 0 < seconds_to_read(words).sum() <= max(whole / 3, 10)
    assert minutes_of(of_turns("We raise the price by ten percent.")).extract, (
        "a single sentence is its own extract"
    )


def test_the_query_changes_the_weights(tmp_path: Path) -> None:
    meeting = read_meeting(write_record(tmp_path))
    assert not np.array_equal(minutes_of(meeting, "price").heat, minutes_of(meeting, "yellow buttons").heat)
    np.testing.assert_array_equal(
        minutes_of(meeting, "Summarize the whole meeting.").heat, minutes_of(meeting).heat
    )


@pytest.mark.parametrize("meeting", [of_turns(), of_turns("", "{vocalsound}"), of_turns("Hello.")])
def test_short_and_empty_meetings_have_minutes(meeting: Meeting) -> None:
    found = minutes_of(meeting, "price")
    assert len(found.heat) == len(meeting.turns)
    assert markdown(found, "Minutes").startswith("# Minutes\n")
    assert "<h1>" in html(found, meeting, "Minutes")


def test_a_meeting_of_many_hours_takes_seconds() -> None:
    meeting = of_turns(*(f"We talk about part{turn % 97} and its price for the shop." for turn in range(4_000)))
    started = time.perf_counter()
    found = minutes_of(meeting, "part7")
    assert time.perf_counter() - started < 30
    assert found.extract


def test_documents_escape_the_transcript() -> None:
    meeting = of_turns("The <script>alert(1)</script> price & the *case* is [high](x) for us.")
    found = write_minutes(meeting, untrained())
    assert "<script>" not in html(found, meeting, "<b>")
    assert "[high](x)" not in markdown(found, "x")


def test_the_command_trains_weights_and_writes_every_document(tmp_path: Path, tiny_encoder: Path) -> None:
    file, trained = write_record(tmp_path), tmp_path / "w.safetensors"
    environment = {"ATTUNE_ENCODER": str(tiny_encoder), "ATTUNE_DEVICE": "cpu"}

    def attune(*arguments: str | Path) -> str:
        found = CliRunner().invoke(app, ["minutes", *map(str, arguments)], env=environment, catch_exceptions=False)
        assert found.exit_code == 0, found.output
        return found.output

    assert "trained on 2 queries of 1 meetings" in attune("train", file, "--out", trained).replace("\n", " ")
    assert "## Topics" in attune(file, "--weights", trained)
    documents = [tmp_path / name for name in ("m.json", "m.html", "m.md")]
    options = [text for pair in zip(("--json", "--html", "--markdown"), documents, strict=True) for text in pair]
    assert not attune("--query", "price", file, "--weights", trained, *options)
    assert set(json.loads(documents[0].read_text())) >= {"topics", "extract"}
    assert documents[1].read_text().startswith("<!doctype html>")
    assert "## Answer to: price" in documents[2].read_text()
    assert "weighed by their match" in attune(file)
