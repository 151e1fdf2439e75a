"""Everything that is kept of one person: found, and taken away. For `switchboard erase`.

What a store keys by a person is asked for by its key. Whatever else holds one, sealed (reminders,
customers' records, recipients of texts), is walked through and opened, so a search reads three
tables whole. What keeps us from writing to a person again stays, unless it is asked for.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Protocol

from schemas.own import Remind
from workers.addresses import Channel
from workers.clock import Clock
from workers.config import Configuration, PersonKey
from workers.handlers.bounce_tracking.standing import standing
from workers.handlers.profile_updates.finding import spelled
from workers.phone import identity
from workers.stores.address_health import TableAddressHealth
from workers.stores.calls import TableCalls
from workers.stores.crypto import KeyRing
from workers.stores.items import SessionCodec, session_id
from workers.stores.journal import TableJournal
from workers.stores.opt_out_mirror import TableOptOutMirror
from workers.stores.people import TablePeople
from workers.stores.person_records import PersonRecord
from workers.stores.protocols import ChatState, Session, SessionKey
from workers.stores.recipients import TableRecipients
from workers.stores.suppressions import PREFIX, TableSuppressions
from workers.stores.tables import Key, Scannable, Table


class Kind(StrEnum):
    """What a piece is, in words for an operator."""

    CONVERSATION = "conversations"
    CONTACT = "contacts"
    FILE = "files"
    REMINDER = "reminders"
    CALLEE = "call_counts"
    CUSTOMER = "customer_records"
    CLAIM = "profile_claims"
    RECIPIENT = "recipients_of_texts"
    ADDRESS = "address_records"
    OPT_OUT = "opt_outs"
    LISTED = "opt_out_list_copies"


KEEPS_AWAY: Final = frozenset({Kind.OPT_OUT, Kind.LISTED})
"""Without these we might write to somebody who has asked us not to."""


class WholeTable(Table, Scannable, Protocol):
    """A table that can be asked and walked through."""


class Files(Protocol):
    """Agents' files in the media bucket."""

    async def keys(self, prefix: str) -> list[str]:
        """The keys of all objects that begin so."""
        ...

    async def delete(self, key: str) -> None:
        """Remove one. No error when it is gone already."""
        ...


@dataclass(frozen=True, slots=True)
class Tables:
    """The tables that hold something of a person."""

    sessions: WholeTable
    suppressions: WholeTable
    calls: WholeTable
    profiles: WholeTable


@dataclass(frozen=True, slots=True)
class Person:
    """By what somebody is known: numbers in E.164, mail addresses in lower case, customer ids."""

    numbers: frozenset[str] = frozenset()
    mailboxes: frozenset[str] = frozenset()
    customer_ids: frozenset[str] = frozenset()

    def has_number(self, number: str) -> bool:
        """Whether a number is one of theirs, however it is spelt."""
        mine = {identity(each) or each for each in self.numbers}
        return (identity(number) or number) in mine

    def known_as(self) -> Iterable[tuple[PersonKey, str]]:
        """Every key under which a profile may be known."""
        yield from ((PersonKey.PHONE, number) for number in self.numbers)
        yield from ((PersonKey.EMAIL, mailbox) for mailbox in self.mailboxes)
        yield from ((PersonKey.CUSTOMER_ID, customer) for customer in self.customer_ids)

    def with_keys(self, known: Mapping[str, str]) -> Person:
        """The same person, known by these as well."""
        return Person(
            self.numbers | _only(known, PersonKey.PHONE),
            self.mailboxes | _only(known, PersonKey.EMAIL),
            self.customer_ids | _only(known, PersonKey.CUSTOMER_ID),
        )


@dataclass(frozen=True, slots=True)
class Piece:
    """One thing that is kept. `table` is None for a file, whose key is in `key.pk`."""

    kind: Kind
    table: Table | None
    key: Key
    is_kept: bool = False


@dataclass(frozen=True, slots=True)
class Found:
    """A search's result.

    Attributes:
        person: with what our own records know of them besides.
        busy: why nothing may be taken away yet; empty when nothing is going on.
        contacts: Connect's contacts, whose transcripts and records are Connect's.
        profiles: the Customer Profiles, which are the account's.
    """

    person: Person
    pieces: tuple[Piece, ...]
    busy: tuple[str, ...] = ()
    contacts: tuple[str, ...] = ()
    profiles: tuple[str, ...] = ()


class Erasure:
    """Finds and erases. Every method may raise `TransientError`, `Throttled`, `AccountProblem`."""

    def __init__(
        self, tables: Tables, files: Files, keys: KeyRing, config: Configuration, clock: Clock
    ) -> None:
        self._tables = tables
        self._files = files
        self._keys = keys
        self._config = config
        self._clock = clock
        self._calls = TableCalls(tables.calls, keys)
        self._people = TablePeople(tables.profiles, keys)

    async def find(self, person: Person) -> Found:
        """All that is kept of somebody. Reads three tables whole.

        What leads to other pieces comes after them, so that an erasure that was broken off finds
        the rest again: a session after its items, a customer's record after everything.
        """
        records = [record async for record in self._customers(person)]
        for record in records:
            person = person.with_keys({k: v.value for k, v in record.state.known_by.items()})
        parts = [
            await self._of_conversations(person),
            await self._of_calls(person),
            await self._of_addresses(person),
            await self._of_texts(person),
            await self._of_customers(person, records),
        ]
        return Found(
            person=person,
            pieces=tuple(piece for part in parts for piece in part.pieces),
            busy=tuple(word for part in parts for word in part.busy),
            contacts=tuple(dict.fromkeys(each for part in parts for each in part.contacts)),
            profiles=tuple(record.profile_id for record in records),
        )

    async def erase(self, found: Found, *, with_suppressions: bool) -> int:
        """Take it away; returns how much. Doing it again, or going on with it, does no harm."""
        count = 0
        for piece in found.pieces:
            if piece.is_kept and not with_suppressions:
                continue
            if piece.table is None:
                await self._files.delete(piece.key.pk)
            else:
                await piece.table.delete(piece.key)
            count += 1
        return count

    async def _of_conversations(self, person: Person) -> Found:
        """The session's item comes last.

        Both numbers make the key, so every number of ours is tried. That of a brand which is no
        longer configured stands only in the sessions themselves: they are walked through, too.
        """
        table = self._tables.sessions
        journal = TableJournal(table, self._keys, self._clock)
        pieces: list[Piece] = []
        busy: list[str] = []
        sids = {
            session_id(self._keys, SessionKey(ours, theirs))
            for theirs in person.numbers
            for ours in self._our_numbers()
        }
        sids |= {sid async for sid in self._talking(person)}
        for sid in sorted(sids):
            items = await table.query(f"S#{sid}")
            if not items:
                continue
            session = await journal.read(sid, consistent=True)
            word = self._going_on(session) if session else None
            busy += [word] if word else []
            files = await self._files.keys(f"{sid}/")
            pieces += [Piece(Kind.FILE, None, Key(key)) for key in files]
            sks = sorted(items, reverse=True)
            pieces += [Piece(Kind.CONVERSATION, table, Key(f"S#{sid}", sk)) for sk in sks]
        refs = [key async for key, item in table.scan("C#") if sids and item.get("sid") in sids]
        contacts = tuple(key.pk.removeprefix("C#") for key in refs)
        of_contacts = [Piece(Kind.CONTACT, table, key) for key in refs]
        return Found(person, (*of_contacts, *pieces), tuple(busy), contacts)

    async def _talking(self, person: Person) -> AsyncIterator[str]:
        codec = SessionCodec(self._keys)
        async for key, item in self._tables.sessions.scan("S#"):
            if "cn" not in item:  # A page of done ids, or tokens.
                continue
            sid = key.pk.removeprefix("S#")
            if person.has_number((await codec.session(sid, item)).customer_number):
                yield sid

    def _going_on(self, session: Session) -> str | None:
        if session.state in (ChatState.STARTING, ChatState.OPEN):
            return f"a chat is open (contact {session.contact_id}): end it first"
        if session.nonce and session.lease_until_ms > self._clock.now_ms():
            return "a worker has a message of theirs in hand: try again in a minute"
        return None

    async def _of_calls(self, person: Person) -> Found:
        table = self._tables.calls
        pieces: list[Piece] = []
        busy: list[str] = []
        contacts: list[str] = []
        for number in person.numbers:
            key = self._calls.person_key(number)
            if await table.get(key, consistent=True) is not None:
                pieces.append(Piece(Kind.CALLEE, table, key))
        rids = [key.pk.removeprefix("M#") async for key, _ in table.scan("M#")]
        for rid in rids:
            reminder = await self._calls.find(rid)
            if reminder is None or not _is_about(reminder.job, person):
                continue
            for attempt in reminder.attempts:
                if attempt.result is None:
                    busy.append("a reminder's call is on, or its end is not known yet: wait for it")
                if attempt.contact_id is not None:
                    contacts.append(attempt.contact_id)
                    pieces.append(Piece(Kind.CONTACT, table, Key(f"C#{attempt.contact_id}", "A")))
            pieces.append(Piece(Kind.REMINDER, table, Key(f"M#{rid}", "A")))
        return Found(person, tuple(pieces), tuple(busy), tuple(contacts))

    async def _customers(self, person: Person) -> AsyncIterator[PersonRecord]:
        wanted = {spelled(key, value) for key, value in person.known_as()}
        async for key, item in self._tables.profiles.scan("P#"):
            record = await self._people.opened(key.pk, item)
            known = {f"{k}|{v.value}" for k, v in record.state.known_by.items()}
            if known & wanted:
                yield record

    async def _of_customers(self, person: Person, records: Sequence[PersonRecord]) -> Found:
        table = self._tables.profiles
        pieces: list[Piece] = []
        for key, value in person.known_as():
            where = self._people.claim_key(spelled(key, value))
            if await table.get(where, consistent=True) is not None:
                pieces.append(Piece(Kind.CLAIM, table, where))
        of_people = (self._people.person_key(record.profile_id) for record in records)
        pieces += [Piece(Kind.CUSTOMER, table, where) for where in of_people]
        return Found(person, tuple(pieces))

    async def _of_addresses(self, person: Person) -> Found:
        """Records of addresses: those by which somebody is left alone are kept."""
        table, now_ms = self._tables.suppressions, self._clock.now_ms()
        health = TableAddressHealth(table, self._keys)
        pieces: list[Piece] = []
        places = [(Channel.EMAIL, mailbox) for mailbox in person.mailboxes]
        places += [(c, n) for n in person.numbers for c in (Channel.SMS, Channel.VOICE)]
        for channel, address in places:
            record = await health.find(channel, address)
            if record is not None:
                holds = bool(standing(record, self._config.bounces, now_ms).holds)
                key = health.key(channel, address)
                pieces.append(Piece(Kind.ADDRESS, table, key, is_kept=holds))
        return Found(person, tuple(pieces))

    async def _of_texts(self, person: Person) -> Found:
        """Opt-outs and the copies of End User Messaging's lists; to whom each text went."""
        table = self._tables.suppressions
        opt_outs = TableSuppressions(table, self._keys)
        mirror = TableOptOutMirror(table, self._keys)
        recipients = TableRecipients(table, self._keys, self._clock)
        pieces: list[Piece] = []
        names = {brand.opt_out_list for brand in self._config.brands}
        # Lists that no brand has any more.
        names |= {str(i["scope"]) async for _, i in table.scan(PREFIX) if i.get("scope")}
        names |= {key.pk.removeprefix("E#") async for key, _ in table.scan("E#")}
        for name in sorted(names):
            for number in person.numbers:
                partition = opt_outs.partition(name, number)
                sks = await table.query(partition)
                pieces += [
                    Piece(Kind.OPT_OUT, table, Key(partition, sk), is_kept=True) for sk in sks
                ]
                listed = Key(f"E#{name}", mirror.key(number))
                if await table.get(listed, consistent=True) is not None:
                    pieces.append(Piece(Kind.LISTED, table, listed, is_kept=True))
        async for key, item in table.scan("M#"):
            if person.has_number(await recipients.opened(key, item)):
                pieces.append(Piece(Kind.RECIPIENT, table, key))
        return Found(person, tuple(pieces))

    def _our_numbers(self) -> list[str]:
        return [number for brand in self._config.brands for number in brand.numbers]


def _is_about(job: Remind, person: Person) -> bool:
    return person.has_number(job.number) or job.customer_id in person.customer_ids


def _only(known: Mapping[str, str], key: PersonKey) -> frozenset[str]:
    return frozenset({known[key.value]} if key.value in known else ())
