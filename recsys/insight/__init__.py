"""Reports on what the models learned about one reader."""
