"""Deterministic simulation: the whole fleet in one process, on virtual time, from one seed.

`docs/design/simulation.md` says how to run it, replay a seed and read what it prints. Test gear:
nothing imports it.
"""
