import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from recsys.calibration.calibrator import Plan
from recsys.encoder.bert import TextEncoder
from recsys.encoder.token_dropping import shortened

CLS, SEP, MARK = 101, 102, 9
WORDLIKE = np.ones(103, dtype=np.bool_)
WORDLIKE[MARK] = False


def plan_of(cuts: list[list[bool]], gate: float = -1.0) -> Plan:
    """Every token gated, some cut; padded to the longest."""
    cut = np.zeros((len(cuts), max(map(len, cuts))), dtype=np.bool_)
    for row, line in enumerate(cuts):
        cut[row, : len(line)] = line
    return Plan(np.arange(len(cuts)), np.full(cut.shape, gate), np.zeros((len(cuts), 6, 12)), cut)


def test_cut_tokens_are_left_out_and_gates_move_with_their_tokens() -> None:
    plan = plan_of([[False, True, False, False], [False, False, False, False]])
    plan.log_gate[0] = [0, -9, -2, 0]
    lines, rest = shortened([[CLS, 7, 8, SEP], [CLS, 5, SEP]], plan, WORDLIKE)
    assert lines == [[CLS, 8, SEP], [CLS, 5, SEP]]
    np.testing.assert_array_equal(rest.log_gate[0], [0, -2, 0])
    assert not rest.cut.any()


def test_a_word_that_was_repeated_stays_once_and_is_not_lowered() -> None:
    lines, rest = shortened([[CLS, 7, 8, 7, 7, SEP]], plan_of([[False, True, False, True, True, False]]), WORDLIKE)
    assert lines == [[CLS, 7, 8, SEP]]
    assert rest.log_gate[0, 1] == 0


def test_a_repeated_word_is_cut_where_one_of_it_stays_anyway() -> None:
    lines, _ = shortened([[CLS, 7, 8, 7, SEP]], plan_of([[False, True, False, False, False]]), WORDLIKE)
    assert lines == [[CLS, 8, 7, SEP]]


def test_of_marks_that_were_repeated_none_stays() -> None:
    lines, _ = shortened([[CLS, MARK, 8, MARK, SEP]], plan_of([[False, True, False, True, False]]), WORDLIKE)
    assert lines == [[CLS, 8, SEP]]


@given(st.lists(st.tuples(st.integers(1, 5), st.booleans()), min_size=1, max_size=12))
def test_no_word_of_a_text_is_lost_that_stands_there_twice(words: list[tuple[int, bool]]) -> None:
    line = [CLS, *(word for word, _ in words), SEP]
    ((kept,), _) = shortened([line], plan_of([[False, *(cut for _, cut in words), False]]), WORDLIKE)
    repeated = {word for word in line if line.count(word) > 1}
    assert repeated <= set(kept)
    assert (kept[0], kept[-1]) == (CLS, SEP)


def test_a_text_without_its_injected_words_has_the_vector_it_had_before() -> None:
    encoder = TextEncoder(device="cpu")
    (clean, corrupted) = encoder.tokenize(["markets fall on rate fears", "markets fall lamp river on rate fears"])
    cut = [token not in clean for token in corrupted]
    vectors = encoder.encode_tokens([corrupted], plan_of([cut], gate=0.0))
    np.testing.assert_allclose(vectors, encoder.encode_tokens([clean]), atol=1e-6)
