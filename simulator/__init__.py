"""A contact centre on localhost: what no AWS emulator plays, over the real wire protocols.

`server` takes requests in, `wire` reads them by botocore's service models, the folders under
`services` hold the state and rules of each AWS service, and `world` is what they share: time,
chance, the ledger, the knobs, the way out to SNS and SQS. Knows `schemas`, never the workers:
they meet only over HTTP and queues.
"""
