"""Scopes of API keys."""

from enum import StrEnum


class Scope(StrEnum):
    """READ: feeds, rankings, articles, attention. WRITE: also events, articles, preferences. ADMIN: everything."""

    READ = "read"
    WRITE = "write"
    ADMIN = "admin"

    def allows(self, needed: "Scope") -> bool:
        """Return True if a key of this scope may do what needs `needed`: each scope includes those before it."""
        order = list(Scope)
        return order.index(self) >= order.index(needed)

    def allowing(self) -> list["Scope"]:
        """Return the scopes that may do what needs this one."""
        return [scope for scope in Scope if scope.allows(self)]
