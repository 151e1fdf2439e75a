"""Services that remember: what the relay's protocols talk to where no simulator is wanted.

Each keeps the state that the real one keeps and a ledger of what it accepted, so that a test
asserts on what came about. How a call travels (fails before it arrives, loses its answer, is cut
off by a kill) is a `Wire`, apart from the services, so several workers can share one service over
wires of their own. `tests/contract/clients/test_fakes_keep_to_the_simulator.py` holds both
to the same behaviour where it matters.
"""
