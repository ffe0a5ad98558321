"""The SQL layer. The event log is the source of truth; every other table is derived from it."""
