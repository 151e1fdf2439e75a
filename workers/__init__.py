"""The workers: what runs in production. `bootstrap.py` and `tools.py` say what they are made of."""
