"""The error of a single value that does not fit its field."""

_TYPES = {
    str: "a text",
    bool: "a flag",
    int: "a number",
    float: "a number",
    list: "a list",
    tuple: "a list",
    dict: "an object",
    bytes: "binary data",
}


class MisfitError(ValueError):
    """A value that does not fit its field; the message is the problem, see `ingest.reasons`."""


def shown_type(value: object) -> str:
    """Return the type of `value` in words, with its article."""
    return _TYPES.get(type(value), f"a {type(value).__name__}")
