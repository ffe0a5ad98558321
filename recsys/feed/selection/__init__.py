"""A slate from ranked candidates: caps, promises, diversity, exploration, worth against minutes, budgets."""
