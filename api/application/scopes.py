"""What a key may do."""

from enum import StrEnum


class Scope(StrEnum):
    """READ: feeds, rankings, articles, a reader's attention. WRITE: events, articles, preferences. ADMIN: all."""

    READ = "read"
    WRITE = "write"
    ADMIN = "admin"

    def allows(self, needed: "Scope") -> bool:
        """Whether a key of this scope may do what needs `needed`; writing does not include reading."""
        return self in (needed, Scope.ADMIN)
