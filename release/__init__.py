"""The pipeline: takes a commit through its gates to production, and says why when it stops.

It judges the system from outside, by commands and artifacts, and imports nothing of what it judges.
"""
