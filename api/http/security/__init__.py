"""Who may do what: keys, scopes, and how often."""
