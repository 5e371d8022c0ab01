"""The published language: every message that crosses the broker, owned by the service its type starts with.

A type is `<owner>.<what_happened>.v<major>`. Within a version a message only grows by optional fields; readers ignore what they do
not know. `catalogue.py` lists them all with their consumers.
"""
