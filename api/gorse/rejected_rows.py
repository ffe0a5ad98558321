"""The problem of a request from which the store rejected rows."""

from collections.abc import Sequence

from api.http.problems import HTTPProblem
from ingest.http_ingest import Rejected


def rejected_rows(first: str, rejected: Sequence[Rejected]) -> HTTPProblem:
    """Return the 422 problem for `rejected` rows; `first` names the first of them."""
    others = f" and {len(rejected) - 1} more" if len(rejected) > 1 else ""
    detail = f"{first}{others}: {rejected[0].reason}; all other rows are stored"
    return HTTPProblem(422, "Not all rows were stored", detail)
