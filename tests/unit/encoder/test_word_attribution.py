import numpy as np
import pytest

from recsys.calibration.attention_statistics import Observation
from recsys.calibration.calibrator import Calibrator, Inspection, Strength
from recsys.encoder.bert import TextEncoder
from recsys.encoder.word_attribution import explain_text

TEXT = "finance markets: Shares fall as rate fears return"


@pytest.fixture(scope="module")
def encoder() -> TextEncoder:
    return TextEncoder(device="cpu")


class Suspecting:
    """Takes one token for injected, and another for starved."""

    plan = Calibrator.plan

    def __init__(self, injected: int, under_attended: int, strength: Strength) -> None:
        self.strength, self._places = strength, (injected, under_attended)

    def inspect(self, seen: Observation) -> Inspection:
        injected, under_attended = (np.arange(seen.tokens.shape[1])[None] == place for place in self._places)
        yes = np.array([True])
        return Inspection(
            score=np.zeros(1),
            anomalous=~yes,
            head_excess=np.zeros((1, 6, 12)),
            probability=np.where(injected, 0.95, 0.1),
            flagged=injected,
            flagged_text=yes,
            over=injected,
            under_attended=under_attended,
            lengths=seen.lengths,
        )


def test_every_word_read_has_a_weight_that_masking_shows(encoder: TextEncoder) -> None:
    words = explain_text(encoder, TEXT)
    assert [word.word for word in words] == TEXT.split()
    without = " ".join(word for word in TEXT.split() if word != "Shares")
    full, masked = encoder.encode_tokens(encoder.tokenize([TEXT, without]))
    shares = next(word for word in words if word.word == "Shares")
    assert shares.change == pytest.approx(1 - float(full @ masked), abs=1e-5)
    assert all(word.change > 0 and word.received > 0 for word in words)
    assert words[0].probability is None


def test_words_that_the_encoder_does_not_read_are_not_explained() -> None:
    words = explain_text(TextEncoder(device="cpu", max_tokens=8), TEXT)
    assert [word.word for word in words] == TEXT.split()[: len(words)]
    assert len(words) < len(TEXT.split())


def test_a_text_of_no_words_has_nothing_to_explain(encoder: TextEncoder) -> None:
    assert explain_text(encoder, " ") == []


def test_a_calibrator_reports_the_words(encoder: TextEncoder) -> None:
    (ids,) = encoder.tokenize([TEXT])
    assert len(ids) == len(TEXT.split()) + 3  # every word is one token, but "markets:"
    words = explain_text(encoder, TEXT, Suspecting(4, 5, Strength(gamma=3.0)))
    assert [word.word for word in words if word.cut] == ["Shares"]
    assert [word.word for word in words if word.over] == ["Shares"]
    typical = np.median([word.change for word in words])
    fall = words[3]
    assert fall.ignored == (fall.change > typical)
    assert {word.probability for word in words} == {0.95, 0.1}


def test_a_calibrator_of_no_strength_lowers_nothing(encoder: TextEncoder) -> None:
    words = explain_text(encoder, TEXT, Suspecting(4, 5, Strength()))
    assert not any(word.cut or word.lowered for word in words)
    assert words[2].probability == 0.95
