"""Keys as text: their form, and that only the right one matches."""

from hypothesis import given, settings
from hypothesis import strategies as st

from api.application import key_tokens


def test_a_key_has_its_id_in_it_and_256_random_bits() -> None:
    token, id_ = key_tokens.make()
    assert key_tokens.id_of(token) == id_
    assert len(token.removeprefix(f"att_{id_}_")) == 43
    assert len({key_tokens.make()[0] for _ in range(100)}) == 100


def test_the_key_itself_is_not_stored() -> None:
    token, _ = key_tokens.make()
    assert token not in key_tokens.digest(token)
    assert key_tokens.matches(token, key_tokens.digest(token))


def test_no_other_key_matches_and_nothing_matches_nothing() -> None:
    (one, _), (other, _) = key_tokens.make(), key_tokens.make()
    assert not key_tokens.matches(one, key_tokens.digest(other))
    assert not key_tokens.matches(one, None)


@given(st.text())
@settings(deadline=None, max_examples=200)
def test_other_text_has_no_id(text: str) -> None:
    assert key_tokens.id_of(text) is None


def test_an_id_is_read_only_from_the_whole_form() -> None:
    token, _ = key_tokens.make()
    for wrong in (f"{token}\n", f" {token}", token[:-1], f"{token}x", token.replace("att_", "ATT_")):
        assert key_tokens.id_of(wrong) is None
