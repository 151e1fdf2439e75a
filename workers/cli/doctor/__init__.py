"""`switchboard doctor`: looks from inside a task at what breaks deployments; changes nothing."""
