"""A call list of thousands through killed workers and lost events, and a recount on its own.

`callees.py` makes the people and what each does when the phone rings, `recount.py` reads the
simulator's ledger and the list's report and says what is wrong. Neither imports anything of the
workers or of the schemas.
"""
