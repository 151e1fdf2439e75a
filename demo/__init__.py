"""Conversations played through the local world, and a judge that believes only the ledger.

`python -m demo` plays a script for a reader, `python -m demo --interactive` leaves the stage to
you, `python -m demo.storm` plays twenty conversations at once and kills workers meanwhile. The
workers run as shipped and are seen from outside only; nothing here looks into their tables.
"""
