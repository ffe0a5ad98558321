"""Adaptation: the top layers of the text encoder learn a publisher's language and its readers."""
