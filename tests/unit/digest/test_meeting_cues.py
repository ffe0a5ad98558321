import numpy as np

from recsys.digest.meeting import Turn
from recsys.digest.meeting_cues import MOST_ITEMS, actions, decisions, open_questions
from recsys.digest.sentences import split_sentences

MEETING = split_sentences(
    [
        Turn(speaker="A", text="Who is going to pay for the case?"),
        Turn(speaker="B", text="I think the customers pay for it."),
        Turn(speaker="A", text="So we decided that the case is titanium."),
        Turn(speaker="B", text="I'll send the new figures by Friday."),
        Turn(speaker="A", text="Did we decide on titanium for the case?"),
        Turn(speaker="B", text="Okay."),
        Turn(speaker="A", text="Right."),
    ]
)
EQUAL = np.ones(len(MEETING))


def test_decisions_and_tasks_are_statements_with_a_cue() -> None:
    assert [MEETING[place].turn for place in decisions(MEETING, EQUAL)] == [2]
    assert [MEETING[place].turn for place in actions(MEETING, EQUAL)] == [3]


def test_a_request_is_a_task_and_a_task_may_be_short() -> None:
    stated = [
        Turn(speaker="A", text="Ben, can you send the survey to everyone?"),
        Turn(speaker="B", text="I'll send it tomorrow."),
        Turn(speaker="A", text="Can you hear the others well enough?"),
    ]
    sentences = split_sentences(stated)
    assert [sentences[place].turn for place in actions(sentences, np.ones(len(sentences)))] == [0, 1]


def test_a_question_is_open_unless_someone_else_answers_it_soon() -> None:
    assert [MEETING[place].turn for place in open_questions(MEETING, EQUAL)] == [4]


def test_the_heaviest_items_are_kept_in_order() -> None:
    many = split_sentences([Turn(speaker="A", text="We decided to build it now.")] * (MOST_ITEMS + 5))
    weights = np.arange(len(many), dtype=np.float64)
    assert decisions(many, weights) == list(range(5, MOST_ITEMS + 5))
