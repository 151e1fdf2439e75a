"""The local world: emulators, provisioning, and the processes of a run."""
