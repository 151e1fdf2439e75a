"""What happens for each event: one folder for each use case."""
