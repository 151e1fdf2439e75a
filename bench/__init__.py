"""What the consumer costs, measured beside its peers on one broker: `make bench`.

For measuring alone: the broker keeps no promise of SQS that a benchmark does not need.
"""
