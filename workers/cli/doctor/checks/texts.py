"""End User Messaging: numbers, two-way, opt-outs, receipts, and what the account may send."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from workers.brands import Brand
from workers.cli.doctor.check import Catalogue, NotConcerned, Problem
from workers.cli.doctor.site import SMS, Site, bare
from workers.cli.topics import INBOUND, RECEIPTS
from workers.clients.preflight import RECEIPTS as RECEIPT_TYPES
from workers.phone import mask

CATALOGUE: Final = Catalogue()
_NUMBERS: Final = ("sms-voice:DescribePhoneNumbers",)
_FIRST_LIMIT_USD: Final = 1
_SET_UP: Final = "run `switchboard setup numbers`, which shows what it would change first"


@CATALOGUE.add(
    looks_at="each brand's numbers: in the account, active, able to send what the brand sends",
    remedy="request the number in End User Messaging in this Region, or correct `numbers`; one"
    " that is PENDING waits for its registration",
    asks=_NUMBERS,
    after=("credentials",),
)
def numbers(site: Site) -> Iterator[Problem]:
    """MMS is asked for where a brand sends pictures so."""
    for brand in site.brands:
        for wanted in brand.numbers:
            found = site.number(wanted)
            if found is None:
                yield Problem(mask(wanted), f"the account has no such number ({brand.name})")
            elif found["Status"] != "ACTIVE":
                yield Problem(mask(wanted), f"it is {found['Status']} ({brand.name})")
            else:
                yield from _capabilities(brand, found)


def _capabilities(brand: Brand, number: dict[str, Any]) -> Iterator[Problem]:
    needed = ["SMS"] + (["MMS"] if brand.media == "mms" else [])
    lacking = [one for one in needed if one not in number["NumberCapabilities"]]
    if lacking:
        says = f"it has no {' and no '.join(lacking)} ({brand.name})"
        yield Problem(mask(number["PhoneNumber"]), says)


@CATALOGUE.add(
    looks_at="the registrations of the brands' numbers: carriers block what is not registered",
    remedy="finish the registration in End User Messaging; REQUIRES_UPDATES names what to correct",
    asks=("sms-voice:DescribePhoneNumbers", "sms-voice:DescribeRegistrations"),
    after=("numbers",),
)
def registrations(site: Site) -> Iterator[Problem]:
    """Only of numbers that have one."""
    wanted = {
        str(number["RegistrationId"]): mask(number["PhoneNumber"])
        for brand in site.brands
        for number in site.numbers_of(brand)
        if number.get("RegistrationId")
    }
    if not wanted:
        raise NotConcerned("no number of the brands has a registration")
    for one in site.aws.pages(
        SMS, "describe_registrations", "Registrations", RegistrationIds=sorted(wanted)
    ):
        if one["RegistrationStatus"] != "COMPLETE":
            says = f"its registration is {one['RegistrationStatus']}"
            yield Problem(wanted[one["RegistrationId"]], says)


@CATALOGUE.add(
    looks_at="whether each number carries the brand's class of message",
    remedy="set the brand's `message_class` to the number's, or use another number: the message"
    " type of a number cannot be changed",
    asks=_NUMBERS,
    after=("numbers",),
)
def message_types(site: Site) -> Iterator[Problem]:
    """A send of the other type is refused."""
    for brand in site.brands:
        for number in site.numbers_of(brand):
            if number["MessageType"] != brand.message_class.value.upper():
                says = (
                    f"it is for {number['MessageType']}, {brand.name} sends {brand.message_class}"
                )
                yield Problem(mask(number["PhoneNumber"]), says)


@CATALOGUE.add(
    looks_at="whether texts to each number come to our topic",
    remedy=_SET_UP,
    asks=_NUMBERS,
    after=("numbers", "chat_stream_region"),
)
def two_way(site: Site) -> Iterator[Problem]:
    """A number in a pool has its pool's settings, and shows them."""
    topic = site.topics.get(INBOUND)
    for brand in site.brands:
        for number in site.numbers_of(brand):
            subject = mask(number["PhoneNumber"])
            if not number["TwoWayEnabled"]:
                yield Problem(subject, f"two-way messaging is off ({brand.name})")
            elif topic is not None and number.get("TwoWayChannelArn") != topic:
                yield Problem(
                    subject, f"texts go to {number.get('TwoWayChannelArn')} ({brand.name})"
                )


@CATALOGUE.add(
    looks_at="who answers STOP, by the brand and by the number: they must agree. With opt-outs"
    " managed by AWS, STOP and HELP never reach us",
    remedy=_SET_UP,
    asks=_NUMBERS,
    after=("numbers",),
)
def opt_out_mode(site: Site) -> Iterator[Problem]:
    """Managed on both sides works, and is said all the same."""
    for brand in site.brands:
        for number in site.numbers_of(brand):
            is_ours = bool(number["SelfManagedOptOutsEnabled"])
            subject = mask(number["PhoneNumber"])
            if is_ours and brand.opt_out_mode == "managed":
                says = f"self-managed, and {brand.name} leaves STOP to AWS: nobody would answer it"
                yield Problem(subject, says)
            elif not is_ours and brand.opt_out_mode == "self_managed":
                says = f"AWS answers STOP and hides it from us; {brand.name} is `self_managed`"
                yield Problem(subject, says)
            elif not is_ours:
                says = f"AWS answers STOP and hides it from us, as {brand.name} wants: opt-outs are"
                says += " learned from the list, every half hour, and from refused sends"
                remedy = 'for STOP at once: `opt_out_mode = "self_managed"`, then `setup numbers`'
                yield Problem(subject, says, is_warning=True, remedy=remedy)


@CATALOGUE.add(
    looks_at="the opt-out list of each number, which must be the brand's",
    remedy=_SET_UP,
    asks=_NUMBERS,
    after=("numbers",),
)
def opt_out_lists(site: Site) -> Iterator[Problem]:
    """Else one brand's STOP silences another, or none."""
    for brand in site.brands:
        for number in site.numbers_of(brand):
            if number["OptOutListName"] != bare(brand.opt_out_list):
                says = f"its list is {number['OptOutListName']}, {brand.name} names"
                yield Problem(mask(number["PhoneNumber"]), f"{says} {bare(brand.opt_out_list)}")


@CATALOGUE.add(
    looks_at="the pools and sender IDs that brands name, and what replies are sent from",
    remedy="correct `pools`, `sender_ids` or `origination_identity`, or make it in this Region",
    asks=(*_NUMBERS, "sms-voice:DescribePools", "sms-voice:DescribeSenderIds"),
    after=("numbers",),
)
def origination_identities(site: Site) -> Iterator[Problem]:
    """Not looked at where brands name numbers only."""
    if not any(b.pools or b.sender_ids or b.origination_identity for b in site.brands):
        raise NotConcerned("the brands name numbers only")
    pools = {str(one["PoolId"]) for one in site.aws.pages(SMS, "describe_pools", "Pools")}
    senders = {
        str(one["SenderId"]) for one in site.aws.pages(SMS, "describe_sender_ids", "SenderIds")
    }
    for brand in site.brands:
        for pool in brand.pools:
            if bare(pool) not in pools:
                yield Problem(bare(pool), f"the account has no such pool ({brand.name})")
        for sender in brand.sender_ids:
            if sender not in senders:
                yield Problem(sender, f"the account has no such sender ID ({brand.name})")
        identity = brand.origination_identity
        known = pools | senders | {str(number["PhoneNumberId"]) for number in site.numbers}
        if identity and bare(identity) not in known and site.number(identity) is None:
            yield Problem(mask(identity), f"the account has no such identity ({brand.name})")


@CATALOGUE.add(
    looks_at="each brand's configuration set: there, with an enabled event destination that sends"
    " TEXT_ALL to our topic. Without receipts a text in doubt cannot be resolved",
    remedy="run `switchboard setup receipts`, which shows what it would change first",
    asks=("sms-voice:DescribeConfigurationSets",),
    after=("credentials", "chat_stream_region"),
)
def configuration_sets(site: Site) -> Iterator[Problem]:
    """The workers refuse to start without one."""
    topic = site.topics.get(RECEIPTS)
    for name in sorted({bare(brand.configuration_set) for brand in site.brands}):
        found = site.configuration_sets.get(name)
        if found is None:
            yield Problem(name, "there is no such configuration set")
        elif not any(_brings_receipts(one, topic) for one in found.get("EventDestinations", ())):
            yield Problem(name, "no enabled SNS event destination sends TEXT_ALL to our topic")


def _brings_receipts(destination: dict[str, Any], topic: str | None) -> bool:
    arn = destination.get("SnsDestination", {}).get("TopicArn")
    return (
        bool(destination.get("Enabled"))
        and bool(RECEIPT_TYPES & set(destination.get("MatchingEventTypes", ())))
        and arn is not None
        and topic in (None, arn)
    )


@CATALOGUE.add(
    looks_at="whether End User Messaging is out of the sandbox, which lets nobody be texted but"
    " verified numbers",
    remedy="ask for production access: End User Messaging console, Account, Request production"
    " access",
    asks=("sms-voice:DescribeAccountAttributes",),
    after=("credentials",),
)
def text_sandbox(site: Site) -> Iterator[Problem]:
    """The account's tier in this Region."""
    found = site.aws.pages(SMS, "describe_account_attributes", "AccountAttributes")
    if {"Name": "ACCOUNT_TIER", "Value": "SANDBOX"} in [dict(one) for one in found]:
        yield Problem("End User Messaging", "the account is in the sandbox")


@CATALOGUE.add(
    looks_at="the monthly spend limits that hold: a new account may spend 1 USD, which is about a"
    " hundred texts",
    remedy="ask for a higher limit (Service Quotas or support), then set it:"
    " `aws pinpoint-sms-voice-v2 set-text-message-spend-limit-override`",
    asks=("sms-voice:DescribeSpendLimits",),
    after=("credentials",),
)
def spend_limits(site: Site) -> Iterator[Problem]:
    """Of texts, and of MMS where a brand sends it."""
    wanted = {"TEXT_MESSAGE_MONTHLY_SPEND_LIMIT"}
    if any(brand.media == "mms" for brand in site.brands):
        wanted.add("MEDIA_MESSAGE_MONTHLY_SPEND_LIMIT")
    for one in site.aws.pages(SMS, "describe_spend_limits", "SpendLimits"):
        if one["Name"] in wanted and one["EnforcedLimit"] <= _FIRST_LIMIT_USD:
            yield Problem(one["Name"], f"{one['EnforcedLimit']} USD a month")
