"""Access control: keys, scopes and rate limits."""
