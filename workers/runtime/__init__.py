"""An SQS consumer: poll, lease, order, retry, acknowledge, drain, measure.

Knows nothing of what the messages mean. `docs/runtime.md` teaches it from an empty file.
"""
