"""Caption layouts: WebVTT and SRT, with speakers in voice tags (`<v Name>`) or before a colon.

Cues that follow each other without a new speaker are one turn until a sentence ends: captions cut sentences at the
width of a screen.
"""

import re
from io import StringIO

import webvtt
from webvtt.errors import MalformedFileError

from recsys.digest.layouts.plain_transcript import SPEAKER
from recsys.digest.layouts.turn_builder import UNREADABLE_CUE, TurnBuilder, seconds_of
from recsys.digest.meeting import Meeting
from recsys.errors import DataError

_VOICE = re.compile(r"<v(?:\.[^\s>]*)?\s+([^>]{1,100})>")
_TAG = re.compile(r"</?[a-z0-9][^<>]{0,100}>", re.IGNORECASE)
_NAMED = re.compile(rf"^(?:-\s*)?(?P<speaker>{SPEAKER}):\s+(?P<text>\S.*)$", re.DOTALL)
_ENDS = (".", "?", "!", "…")
_ARROW = re.compile(r"^\s*(?=\S)[^\n]*-->", re.MULTILINE)


def read_captions(text: str, *, layout: str) -> Meeting:
    """Read WebVTT (`layout` "vtt") or SRT ("srt").

    Raises:
        DataError: the file as a whole is no such file.
    """
    try:
        cues = webvtt.from_string(text) if layout == "vtt" else webvtt.from_buffer(StringIO(text), format="srt")
    except MalformedFileError as error:
        raise DataError(f"the captions cannot be read as {layout.upper()}: {error}; export them again") from error
    builder = TurnBuilder()
    ended = True
    for cue in cues:
        speaker, words = _speaker_and_text(cue.raw_text)
        speaker = cue.voice or speaker
        goes_on = speaker is None or speaker == builder.last_speaker
        if goes_on and not ended and words:
            builder.extend_last(words)
        else:
            builder.add(speaker or builder.last_speaker or "", words, seconds_of(cue.start))
        if words:
            ended = words.endswith(_ENDS)
    for _ in range(len(_ARROW.findall(text)) - len(cues)):
        builder.reject(UNREADABLE_CUE)
    return builder.meeting()


def _speaker_and_text(raw: str) -> tuple[str | None, str]:
    voice = _VOICE.search(raw)
    words = " ".join(_TAG.sub("", raw).split())
    if voice is not None:
        return voice[1].strip(), words
    named = _NAMED.match(words)
    return (None, words) if named is None else (named["speaker"], named["text"])
