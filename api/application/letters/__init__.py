"""Newsletters of readers (`attune digest`): made from their feeds, written or sent, each once in a period."""
