"""Calls that the contact centre makes: who is dialled, how they behave, what the flow does.

Shares instances, flows, agents and contact events with the chats; knows nothing of chats itself.
"""
