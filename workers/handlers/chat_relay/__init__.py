"""Chat relay: a customer's texts reach an agent's chat, and the agent's words come back as texts.

Read `decide.py` first: it is the whole rule of what happens next in a conversation, as a pure
function. `holder.py` works a session's journal off by it, `perform.py` carries its steps out, and
`inbound.py`, `stream.py`, `contacts.py`, `receipts.py` and `commands.py` are the five doors
through which events come in. `docs/design/conversation-protocol.md` says why it is safe.
"""
