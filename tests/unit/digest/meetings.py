"""A small meeting, annotated as QMSum publishes meetings, and a digester that needs no model."""

import json
from pathlib import Path
from typing import Any

from recsys.digest.digest import Digester
from recsys.digest.digest_training import DigestFit, fit_digest, labelled
from recsys.digest.digest_weights import DigestWeights
from recsys.digest.layouts.turn_rows import qmsum_meeting
from tests.hashed import HashModel

TURNS = (
    ("Ana Silva", "Welcome everyone . Today we choose the colour of the remote control ."),
    ("Ben", "Um , I think yellow is what the customers like , you know ."),
    ("Ana Silva", "{vocalsound} Yeah ."),
    ("Cleo", "We decided that the price is twelve euros fifty . I'll send the figures by Friday ."),
    ("Ben", "Who pays for the titanium case ?"),
)


def record() -> dict[str, Any]:
    """Return the meeting with one query about its price."""
    return {
        "topic_list": [{"topic": "Colour", "relevant_text_span": [["0", "2"]]}],
        "general_query_list": [
            {"query": "Summarize the whole meeting.", "answer": "Colour and price were chosen."}
        ],
        "specific_query_list": [
            {
                "query": "What was decided about the price?",
                "answer": "The price is twelve euros fifty.",
                "relevant_text_span": [["3", "4"]],
            }
        ],
        "meeting_transcripts": [{"speaker": speaker, "content": content} for speaker, content in TURNS],
    }


def write_record(folder: Path, meetings: int = 1) -> Path:
    """Write the meeting as JSON, or several as JSONL."""
    path = folder / "meeting.json"
    path.write_text("\n".join([json.dumps(record())] * meetings))
    return path


def untrained() -> Digester:
    return Digester(HashModel(), None)


def weights() -> DigestWeights:
    """Return weights that one step made."""
    return fit_digest(labelled(qmsum_meeting(record()), untrained()), "hashed", fit=DigestFit(epochs=1))
