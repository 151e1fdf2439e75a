"""A mail-out's worth of engagement events into profiles, and a recount that knows none of ours.

`events.py` makes the events, `recount.py` reads them and what stands in the profiles afterwards
and says whether the two agree. Neither imports anything of the workers or of the schemas.
"""
