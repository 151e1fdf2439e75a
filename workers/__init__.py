"""The workers: what runs in production. Read `bootstrap.py` for what they are made of."""
