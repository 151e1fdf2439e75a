"""`make crash-matrix`: a worker killed before, after and within every call of a conversation.

A proxy before every service numbers the calls of scripted conversations. For each call, in runs of
their own, the worker is killed before the call reaches its service, after it was answered, and with
its answer lost; another worker takes over; the judge then reads what people said and the
simulator's ledger, nothing else, and every message must be there once and in order.
"""
