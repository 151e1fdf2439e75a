"""Hostile input for the decoder: `make fuzz` runs it by the million, the unit tests a little."""
