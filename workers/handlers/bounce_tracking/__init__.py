"""Bounce tracking: what mail servers and carriers say of an address, and who is left alone for it.

Read `facts.py` for what each event says, `decide.py` for what follows, `standing.py` for what a
record comes to. `docs/bounces.md` tells it to operators.
"""
