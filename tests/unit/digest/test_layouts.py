import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recsys.digest.layouts.captions import read_captions
from recsys.digest.layouts.plain_transcript import read_transcript
from recsys.digest.layouts.read_meeting import read_meeting
from recsys.digest.layouts.turn_builder import BAD_TIME, NO_TEXT, NOT_AN_OBJECT, NOT_JSON, REASONS, seconds_of
from recsys.digest.layouts.turn_rows import turns_of_lines
from recsys.digest.meeting import Turn
from recsys.errors import DataError
from tests.unit.digest.meetings import TURNS, write_record

NAMES = st.lists(st.sampled_from(["Ana", "Ben", "Cleo", "Silva", "Øst"]), min_size=1, max_size=2).map(" ".join)
WORDS = st.lists(st.sampled_from(["we", "choose", "yellow", "price", "12"]), min_size=1, max_size=8).map(
    lambda words: f"{' '.join(words)}."
)
SPOKEN = st.lists(st.tuples(NAMES, WORDS), min_size=1, max_size=12)

EXPECTED = [("Ana Silva", "We choose a colour."), ("Ben", "Yellow, I think."), ("Ana Silva", "Who pays?")]
LAYOUTS = {
    "zoom.txt": "[00:00:12] Ana Silva: We choose a colour.\n[00:00:15] Ben: Yellow,\nI think.\n"
    "[0:20] Ana Silva: Who pays?",
    "timed.txt": "00:00:12 Ana Silva: We choose a colour.\n00:15 Ben: Yellow, I think.\n0:20 Ana Silva: Who pays?",
    "otter.txt": "Notes of the team\n\nAna Silva  0:12\nWe choose a colour.\n\nBen  0:15\nYellow, I think.\n\n"
    "Ana Silva  0:20\nWho pays?",
    "teams.txt": "Ana Silva   0:12\nWe choose a colour.\nBen 0:15\nYellow, I think.\nAna Silva 1:00:20\nWho pays?",
    "named.txt": "Ana Silva: We choose a colour.\nBen: Yellow, I think.\nAna Silva: Who pays?",
    "voices.vtt": "WEBVTT\n\n1\n00:00:12.000 --> 00:00:14.000\n<v Ana Silva>We choose\n\n00:14.000 --> 00:15.000\n"
    "<v Ana Silva>a colour.</v>\n\n00:15.000 --> 00:16.000\n<v Ben>Yellow, I think.</v>\n\n"
    "00:20.000 --> 00:21.000\n<v Ana Silva>Who pays?</v>\n",
    "named.srt": "1\n00:00:12,000 --> 00:00:14,000\nAna Silva: We choose a colour.\n\n2\n"
    "00:00:15,000 --> 00:00:16,000\nBen: Yellow,\nI think.\n\n3\n"
    "00:00:20,000 --> 00:00:21,000\nAna Silva: Who pays?\n",
    "turns.jsonl": "\n".join(json.dumps({"speaker": speaker, "text": text}) for speaker, text in EXPECTED),
    "turns.json": json.dumps([{"speaker": speaker, "text": text} for speaker, text in EXPECTED]),
}  # fmt: skip


def spoken(turns: object) -> list[tuple[str, str]]:
    assert isinstance(turns, tuple)
    return [(turn.speaker, turn.text) for turn in turns if isinstance(turn, Turn)]


@pytest.mark.parametrize("name", LAYOUTS)
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_every_layout_is_found_by_content_and_gives_the_same_turns(tmp_path: Path, name: str, end: str) -> None:
    path = tmp_path / "transcript"
    path.write_bytes(LAYOUTS[name].replace("\n", end).encode("utf-8-sig"))
    meeting = read_meeting(path)
    assert spoken(meeting.turns) == EXPECTED
    assert not meeting.rejected


def test_times_are_seconds(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_text(LAYOUTS["teams.txt"])
    assert [turn.seconds for turn in read_meeting(path).turns] == [12, 15, 3620]
    assert seconds_of("00:00:12.500") == 12.5
    assert seconds_of("soon") is None


def test_a_meeting_of_qmsum_keeps_every_index(tmp_path: Path) -> None:
    assert spoken(read_meeting(write_record(tmp_path)).turns) == [
        (name, " ".join(text.split())) for name, text in TURNS
    ]


def test_a_file_of_several_meetings_needs_a_number(tmp_path: Path) -> None:
    path = write_record(tmp_path, meetings=2)
    with pytest.raises(DataError, match="2 meetings: choose one with --meeting 1 to 2"):
        read_meeting(path)
    assert len(read_meeting(path, 2).turns) == len(TURNS)
    with pytest.raises(DataError, match="--meeting 3 is none of them"):
        read_meeting(path, 3)


@pytest.mark.parametrize("content", ["", "a,b\n1,2\n", '{"a": 1}', "[1, 2]", "Some prose. And more of it.\n" * 30])
def test_an_unknown_layout_is_refused_and_the_known_ones_are_named(tmp_path: Path, content: str) -> None:
    path = tmp_path / "x.txt"
    path.write_text(content)
    with pytest.raises(DataError, match=r"QMSum.*JSONL.*WebVTT.*SRT.*Name: words"):
        read_meeting(path)


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"\xff\x00\x81")
    with pytest.raises(DataError, match="UTF-8"):
        read_meeting(path)


def test_rows_that_are_no_turn_are_counted_by_reason_and_keep_their_index() -> None:
    lines = ['{"speaker": "A", "text": "one"}', "{", "[1]", '{"speaker": "B"}', '{"text": "two", "start": "soon"}']
    meeting = turns_of_lines(lines)
    assert meeting.rejected == {NOT_JSON: 1, NOT_AN_OBJECT: 1, NO_TEXT: 1, BAD_TIME: 1}
    assert set(meeting.rejected) <= set(REASONS)
    assert [turn.text for turn in meeting.turns] == ["one", "two"]


@given(SPOKEN)
def test_written_text_is_read_back(turns: list[tuple[str, str]]) -> None:
    lines = [f"{speaker}: {text}" for speaker, text in turns]
    assert spoken(read_transcript(lines).turns) == turns


@given(SPOKEN)
def test_written_captions_are_read_back(turns: list[tuple[str, str]]) -> None:
    cues = [
        f"00:{place:02}.000 --> 00:{place + 1:02}.000\n<v {speaker}>{text}</v>"
        for place, (speaker, text) in enumerate(turns)
    ]
    assert spoken(read_captions("WEBVTT\n\n" + "\n\n".join(cues) + "\n", layout="vtt").turns) == turns


@given(st.lists(st.text(max_size=60), max_size=20))
def test_no_line_breaks_the_reader_of_text(lines: list[str]) -> None:
    assert all(turn.text for turn in read_transcript(lines).turns)
