"""Shapes on the wire: every event, every command, every envelope, and how to decode them.

Start at `decode.py`. Pydantic and the standard library only; no clock, no SDK, no environment.
"""
