"""Scopes of API keys."""

from enum import StrEnum


class Scope(StrEnum):
    """READ: feeds, rankings, articles, attention. WRITE: also events, articles, preferences. ADMIN: everything.

    SITE stands apart: a key that pages contain. It may only send events, from the origins that it names.
    """

    READ = "read"
    WRITE = "write"
    ADMIN = "admin"
    SITE = "site"

    def allows(self, needed: "Scope") -> bool:
        """Return True if a key of this scope may do what needs `needed`: ADMIN includes WRITE, WRITE READ."""
        if Scope.SITE in (self, needed):
            return self is needed
        order = list(Scope)
        return order.index(self) >= order.index(needed)

    def allowing(self) -> list["Scope"]:
        """Return the scopes that may do what needs this one."""
        return [scope for scope in Scope if scope.allows(self)]
