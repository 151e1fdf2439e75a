"""What the workers stand on: the topology, and the local world that plays it."""
