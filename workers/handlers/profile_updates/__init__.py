"""Profile updates: what customers do with what we send them, written into their profiles.

Read `facts.py` for the vocabulary, `reading.py` for what each event says, `decide.py` for what
follows, `objects.py` for what is written. `docs/profiles.md` tells it to operators.
"""
