"""Which scope includes which."""

import pytest

from api.application.scopes import Scope


@pytest.mark.parametrize("needed", Scope)
def test_admin_may_do_all_and_others_only_their_own(needed: Scope) -> None:
    assert {scope for scope in Scope if scope.allows(needed)} == {needed, Scope.ADMIN}
