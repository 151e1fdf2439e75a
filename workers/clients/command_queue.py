"""Our own commands on their SQS queue: what one worker asks of whichever comes next."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from schemas.own import Command, encode_command
from workers.clients.call import Api, Caller
from workers.clock import STRAIGHT, TimeBend

if TYPE_CHECKING:
    from types_aiobotocore_sqs import SQSClient
    from types_aiobotocore_sqs.type_defs import MessageAttributeValueTypeDef

DELAY_MAX_S = 900
_SEND: Final = Api("sqs", "SendMessage")


class SqsCommandQueue:
    """Sends commands. At least once: whoever handles them deduplicates by their ids.

    A command carries the traceparent of the span that sends it. `name` is the queue's, in spans.
    """

    def __init__(
        self,
        client: SQSClient,
        queue_url: str,
        name: str,
        caller: Caller,
        bend: TimeBend = STRAIGHT,
    ) -> None:
        self._sqs = client
        self._queue_url = queue_url
        self._api = replace(_SEND, destination=name)
        self._caller = caller
        self._bend = bend

    async def send(self, command: Command, *, delay_s: int = 0) -> None:
        """Put a command on the queue, to be seen after `delay_s` (0 to 900) of the workers' time.

        Raises:
            TransientError: it is not surely there; sending it again is harmless.
        """
        body = encode_command(command)
        await self._caller.call(
            self._api,
            lambda: self._sqs.send_message(
                QueueUrl=self._queue_url,
                MessageBody=body,
                DelaySeconds=min(math.ceil(self._bend.waited_s(delay_s)), DELAY_MAX_S),
                MessageAttributes=self._attributes(),
            ),
        )

    def _attributes(self) -> dict[str, MessageAttributeValueTypeDef]:
        return {
            name: {"DataType": "String", "StringValue": value}
            for name, value in self._caller.tracer.headers().items()
        }
