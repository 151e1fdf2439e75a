"""The demo's second act: a mail-out to a thousand customers, and calls to people in four zones.

Both are played while the first act is. The mail-out goes through the first act's own workers, so
the conversations go on beside a flood of events; the calls have a world of their own, in which ten
minutes pass in a second.
"""
