"""The fold: everything the feed knows at a moment, in flat arrays."""
