"""Layouts of transcripts: files → turns. `read_meeting` finds the layout by the content of the file."""
