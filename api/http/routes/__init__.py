"""Routes: thin, one file a subject."""
