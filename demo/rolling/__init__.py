"""A rolling deploy under load: this release and the one before, on the same conversations."""
