"""`switchboard replay`: an archive, fed into the queues once more."""
