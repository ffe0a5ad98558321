"""Routes of API v1: thin, one file per subject."""
