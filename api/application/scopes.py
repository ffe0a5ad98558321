"""Scopes of API keys."""

from enum import StrEnum


class Scope(StrEnum):
    """READ: feeds, rankings, articles, attention. WRITE: events, articles, preferences. ADMIN: everything."""

    READ = "read"
    WRITE = "write"
    ADMIN = "admin"

    def allows(self, needed: "Scope") -> bool:
        """Return True if a key of this scope may do what needs `needed`; WRITE does not include READ."""
        return self in (needed, Scope.ADMIN)
