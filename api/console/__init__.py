"""Console of the newsroom at `/console`: pages for people who have an admin key."""
