"""What a scope is good for."""

import pytest

from petrosa.surfaces.access import Scope, allows

GOOD_FOR = {
    Scope.READ: {Scope.READ},
    Scope.CONFIG: {Scope.READ, Scope.CONFIG},
    Scope.TRADE: {Scope.READ, Scope.TRADE},
    Scope.ADMIN: set(Scope),
}


@pytest.mark.parametrize("scope", Scope)
def test_a_scope_is_good_for_what_the_table_says(scope: Scope) -> None:
    """Everyone may read, `admin` may do all, and `config` is not `trade`."""
    assert GOOD_FOR[scope] == {needed for needed in Scope if allows(frozenset({scope}), needed)}


def test_scopes_add_up() -> None:
    """Two scopes allow what each allows, and none allows nothing."""
    assert not allows(frozenset(), Scope.READ)
    assert allows(frozenset({Scope.CONFIG, Scope.TRADE}), Scope.TRADE)
    assert not allows(frozenset({Scope.CONFIG, Scope.TRADE}), Scope.ADMIN)
