"""`make soak`: very many events through workers that are killed, on a wire that spoils every call.

People hold short conversations, many at a time; the simulator duplicates and reorders deliveries;
the services throttle, fail and hang up; the wire cuts, delays and half-closes connections and goes
away for seconds; now and then somebody sends what nobody can read. At the end the judge reads what
was said, the simulator's ledger and the dead-letter queues, nothing else.
"""
