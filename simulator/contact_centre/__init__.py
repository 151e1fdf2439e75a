"""The contact centre behind the services `connect` and `connectparticipant`.

`centre` is what the services, the WebSocket and the control API share: instances, chats, tokens,
attachments. `chat` is one conversation and knows no network; `lifecycle` moves it from start to
end; `delivery` takes each item to sockets, SNS topics, the desk and the ledger; `flow` walks a
contact flow's JSON. `client` is the desk of a scripted agent over the control API.
"""
