"""Slate selection from ranked candidates: caps, quotas, diversity, exploration, and budgets of minutes."""
