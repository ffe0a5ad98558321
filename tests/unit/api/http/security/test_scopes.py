"""Scopes that include others."""

import pytest

from api.application.scopes import Scope


@pytest.mark.parametrize(
    ("needed", "allowing"),
    [
        (Scope.READ, [Scope.READ, Scope.WRITE, Scope.ADMIN]),
        (Scope.WRITE, [Scope.WRITE, Scope.ADMIN]),
        (Scope.ADMIN, [Scope.ADMIN]),
        (Scope.SITE, [Scope.SITE]),
    ],
)
def test_each_scope_includes_those_before_it(needed: Scope, allowing: list[Scope]) -> None:
    assert needed.allowing() == allowing
