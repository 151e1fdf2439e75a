"""The contact centre of one world: what the services, the sockets and the desk have in common."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from simulator.contact_centre.attachments import AttachmentShelf
from simulator.contact_centre.chat import Chat, Opening, Participant
from simulator.contact_centre.client_tokens import ClientTokens
from simulator.contact_centre.contacts import Contact
from simulator.contact_centre.delivery import Delivery
from simulator.contact_centre.feed import Feed
from simulator.contact_centre.instance import Instance, build_instance
from simulator.contact_centre.knobs import SECTION, ContactCentreKnobs
from simulator.contact_centre.lifecycle import Lifecycle
from simulator.contact_centre.seeding import ConnectSeed
from simulator.contact_centre.sockets import Sockets
from simulator.contact_centre.tokens import Token, TokenKind, Tokens
from simulator.contact_centre.voice.call import Order, VoiceCall
from simulator.contact_centre.voice.dialing import Dialer
from simulator.contact_centre.voice.knobs import VoiceKnobs
from simulator.world import World

WEBSOCKET_PATH = "/participant/websocket"
ATTACHMENT_PATH = "/participant/attachments"


class ContactCentre:
    """Instances, chats and calls, and the parts that work on them."""

    def __init__(self, world: World) -> None:
        world.knobs.register(SECTION, ContactCentreKnobs())
        world.knobs.register("voice", VoiceKnobs())
        self.world = world
        self.feed = Feed()
        self.sockets = Sockets()
        self.tokens = Tokens()
        self.client_tokens = ClientTokens()
        self.shelf = AttachmentShelf()
        self.delivery = Delivery(world, self.sockets, self.feed)
        self.lifecycle = Lifecycle(world, self.delivery)
        self.dialer = Dialer(world, self.delivery)
        self._instances: dict[str, Instance] = {}
        self._by_contact: dict[str, Chat] = {}
        self._chats: list[Chat] = []
        self.seed({})

    @property
    def knobs(self) -> ContactCentreKnobs:
        """This part's knobs, as they stand now."""
        return self.world.knobs.of(ContactCentreKnobs)

    def now(self) -> datetime:
        """The world's time."""
        return self.world.clock.now()

    def seed(self, section: Mapping[str, Any]) -> None:
        """Make the section's instances exist in place of those that did; chats stay.

        Raises:
            pydantic.ValidationError: nothing was changed.
        """
        seed = ConnectSeed.model_validate(section)
        arn = self.world.arn
        built = [
            build_instance(one, arn("connect", f"instance/{one.id}")) for one in seed.instances
        ]
        self._instances = {instance.id: instance for instance in built}

    def instance(self, instance_id: str) -> Instance | None:
        """The instance of that id."""
        return self._instances.get(instance_id)

    def chats(self) -> Iterable[Chat]:
        """All chats, oldest first, ended ones too."""
        return tuple(self._chats)

    def find(self, contact_id: str) -> tuple[Chat, Contact] | None:
        """The chat that a contact belongs to, and the contact."""
        chat = self._by_contact.get(contact_id)
        if chat is None:
            chat = next((c for c in self._chats if c.find_contact(contact_id)), None)
        contact = chat.find_contact(contact_id) if chat is not None else None
        if chat is None or contact is None:
            return None
        self._by_contact[contact_id] = chat
        return chat, contact

    def open_chat(self, instance: Instance, opening: Opening) -> Chat:
        """Make a chat; it is not told to anyone before `Lifecycle.open`."""
        contact_id = self.world.new_id()
        past = opening.past.contact_id if opening.past else None
        first = Contact(
            id=contact_id,
            initial_id=contact_id,
            initiation_method="API",
            initiated_at=self.now(),
            related_id=past or opening.related_contact_id,
        )
        chat = Chat(instance, first, opening, self.world.new_id())
        self._chats.append(chat)
        self._by_contact[contact_id] = chat
        return chat

    def place_call(
        self, instance: Instance, order: Order, related_id: str | None, campaign_id: str | None
    ) -> VoiceCall:
        """Make a call and start it."""
        contact_id = self.world.new_id()
        contact = Contact(
            id=contact_id,
            initial_id=contact_id,
            initiation_method="API",
            initiated_at=self.now(),
            related_id=related_id,
            channel="VOICE",
            system_number=order.source,
            campaign_id=campaign_id,
        )
        call = VoiceCall(instance, contact, order, dict(order.attributes), order.queue_id)
        self.dialer.start(call)
        return call

    def connection_token(self, chat: Chat, participant: Participant) -> Token:
        """A token for the participant's calls, good for a day; earlier ones stay good."""
        expires_at = self.now() + timedelta(seconds=self.knobs.connection_token_life_s)
        return self.tokens.issue(TokenKind.CONNECTION, chat, participant, expires_at)

    def websocket(self, chat: Chat, participant: Participant) -> tuple[str, datetime]:
        """A URL to open soon, and when a socket opened with it is to be renewed.

        Chat clients for browsers take a plain ws URL of 127.0.0.1 only, not of localhost.
        """
        now = self.now()
        open_until = now + timedelta(seconds=self.knobs.websocket_open_within_s)
        ticket = self.tokens.issue(TokenKind.WEBSOCKET, chat, participant, open_until)
        address = self.world.url.replace("//localhost:", "//127.0.0.1:")
        url = f"{address.replace('http', 'ws', 1)}{WEBSOCKET_PATH}?token={ticket.value}"
        return url, now + timedelta(seconds=self.knobs.websocket_life_s)
