"""`switchboard dlq`: look at what was dead-lettered, and send it back, drop it, or forget it."""
