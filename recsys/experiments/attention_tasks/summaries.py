"""Extractive summaries: sentences of a meeting that belong to a topic, with distractor sentences of other meetings.

Data: a file of meetings in the layout of QMSum (JSON lines with `meeting_transcripts` and `topic_list`), given by the
user. The vectors of the turns are of MiniLM; a small BERT over 24 turns marks those that the topic is about.
"""
