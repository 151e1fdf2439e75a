"""The chats of Connect over a wire of ours, and its refusals, which quote what nobody may see."""

from __future__ import annotations

from tests.contract.clients.wire import (
    Behaviour,
    answer,
)
from workers.clients.aws import Aws
from workers.clients.call import Caller
from workers.clients.connect import ConnectChats, Instance
from workers.clients.connect_participant import AttachmentPolicy
from workers.clients.protocols import ChatStart

SECRET = "the lab result is in"
TOKEN = "token-that-nobody-may-see"
TOPIC = "arn:aws:sns:us-east-1:111122223333:chat"
INSTANCE = Instance("11111111-2222-3333-4444-555555555555", TOPIC)

START = ChatStart(
    client_token="sid.1",
    contact_flow_id="flow-1",
    display_name="+1•••••••0123",
    attributes={"brand": "Acme"},
    duration_min=1_500,
)
STARTED = {"ContactId": "c-1", "ParticipantId": "p-1", "ParticipantToken": "pt-1"}


async def chats_over(sdk: Aws, caller: Caller) -> ConnectChats:
    return ConnectChats(
        connect=await sdk.connect(),
        participant=await sdk.connectparticipant(),
        http=await sdk.http(),
        instance=INSTANCE,
        caller=caller,
        attachments=AttachmentPolicy(max_bytes=1_000),
    )


def refuse(status: int, code: str) -> Behaviour:
    return answer(status, {"Message": f"{SECRET} {TOKEN}"}, x_amzn_errortype=code)
