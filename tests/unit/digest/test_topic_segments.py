from itertools import pairwise

import numpy as np

from recsys.digest.meeting import Turn
from recsys.digest.sentence_features import EncodedText, encoded_text
from recsys.digest.sentences import split_sentences
from recsys.digest.topic_segments import MOST_TOPICS, segment


def two_subjects(sentences: int) -> EncodedText:
    """Half about prices, half about buttons; vectors are noise around two directions."""
    rng = np.random.default_rng(3)
    half = sentences // 2
    turns = [
        Turn(
            speaker="A",
            text="The titanium price is far above the budget" if place < half else "A yellow button is rubber",
        )
        for place in range(sentences)
    ]
    centres = np.repeat(np.eye(2, 8), half, axis=0)
    vectors = (centres + 0.2 * rng.standard_normal(centres.shape)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return encoded_text(split_sentences(turns), vectors)


def test_a_change_of_subject_is_found_and_both_parts_get_their_own_title() -> None:
    topics = segment(two_subjects(400))
    assert topics[0].start == 0
    assert topics[-1].end == 400
    assert any(abs(topic.start - 200) <= 3 for topic in topics)
    assert "titanium" in topics[0].title.lower()
    assert "yellow" in topics[-1].title.lower() or "button" in topics[-1].title.lower()
    assert len({topic.title for topic in topics}) == len(topics)


def test_topics_are_contiguous_and_few() -> None:
    topics = segment(two_subjects(2_400))
    assert len(topics) == MOST_TOPICS
    assert all(before.end == after.start for before, after in pairwise(topics))


def test_a_single_sentence_is_a_topic() -> None:
    text = encoded_text(split_sentences([Turn(speaker="A", text="Prices rise.")]), np.eye(1, 8, dtype=np.float32))
    assert [(topic.start, topic.end) for topic in segment(text)] == [(0, 1)]
