"""Reminder dialing: call this person about that appointment, and know how it ended.

Read `policy.py` for who may be called when, `ladder.py` for what follows which result, `results.py`
for how a result is read. `docs/reminders.md` tells it to operators.
"""
