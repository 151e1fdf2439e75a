"""What is allowed and probably not meant. Each warning says what will happen and what to do."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from workers.brands import PLACEHOLDERS, Brand, MessageClass, Texts
from workers.config.configuration import Configuration
from workers.config.findings import Finding, Path, spelled
from workers.phone import is_north_american_toll_free, is_textable, same_number
from workers.sms_text import Encoding, measure
from workers.words import REQUIRED_OPT_OUT, fold

_TO_CUSTOMERS = tuple(name for name, allowed in PLACEHOLDERS.items() if allowed == {"brand"})


def warnings(configuration: Configuration) -> Iterator[Finding]:
    """Everything worth a thought. Expects a configuration that breaks no rule."""
    yield from _shared_opt_out_lists(configuration)
    for index, brand in enumerate(configuration.brands):
        for advise in _PER_BRAND:
            yield from advise(brand, ("brands", index))


def _shared_opt_out_lists(configuration: Configuration) -> Iterator[Finding]:
    first: dict[str, tuple[MessageClass, Path]] = {}
    for index, brand in enumerate(configuration.brands):
        path: Path = ("brands", index, "opt_out_list")
        other, where = first.setdefault(brand.opt_out_list, (brand.message_class, path))
        if other is not brand.message_class:
            yield Finding(
                path,
                f"{brand.message_class} texts share the opt-out list {brand.opt_out_list!r} with"
                f" the {other} texts of {spelled(where[:2])}: who stops one gets neither."
                " Give each its own list",
            )


def _managed_opt_out(brand: Brand, at: Path) -> Iterator[Finding]:
    if brand.opt_out_mode == "managed":
        yield Finding(
            (*at, "opt_out_mode"),
            "End User Messaging answers STOP and HELP and never shows them to us: agents learn of"
            " an opt-out only when a reply is refused, any text that begins with such a word is"
            " swallowed, and REVOKE, OPT OUT and STOPALL are missed by its list."
            " Self-managed opt-out has none of this",
        )


def _text_sizes(brand: Brand, at: Path) -> Iterator[Finding]:
    for name, text in _own_texts(brand):
        size = measure(text)
        path: Path = (*at, "texts", name)
        if size.encoding is Encoding.UCS2:
            odd = "".join(dict.fromkeys(c for c in text if measure(c).encoding is Encoding.UCS2))
            yield Finding(
                path,
                f"{odd[:10]!r} is outside GSM 03.38: a part then holds 67 characters, not 153,"
                f" and this text takes {_parts(size.parts)}",
            )
        elif size.parts > 1:
            yield Finding(path, f"takes {_parts(size.parts)}, each billed; 160 characters fit one")


def _parts(count: int) -> str:
    return f"{count} message part{'s' if count != 1 else ''}"


def _text_beginnings(brand: Brand, at: Path) -> Iterator[Finding]:
    for name, text in _own_texts(brand):
        folded = f"{fold(text)} "
        for word in sorted(REQUIRED_OPT_OUT, key=len, reverse=True):
            if folded.startswith(f"{word} "):
                yield Finding(
                    (*at, "texts", name),
                    f"begins with {word!r}: sent to another program's number it would opt us out,"
                    " and filters dislike it. Begin with the brand's name",
                )
                break


def _ages(brand: Brand, at: Path) -> Iterator[Finding]:
    limits = brand.limits
    if limits.text_ttl_s > limits.to_customer_max_age_s:
        yield Finding(
            (*at, "limits", "text_ttl_s"),
            f"{limits.text_ttl_s} is longer than to_customer_max_age_s ="
            f" {limits.to_customer_max_age_s}: a text can wait at the carrier until it is older"
            " than you allow",
        )
    if 0 < limits.chat_duration_min * 60 <= limits.idle_close_s:
        yield Finding(
            (*at, "limits", "idle_close_s"),
            f"{limits.idle_close_s} is not before the chat's own end at chat_duration_min ="
            f" {limits.chat_duration_min}: Connect ends it first, unannounced",
        )
    if limits.automatic_texts_per_hour == 0:
        yield Finding(
            (*at, "limits", "automatic_texts_per_hour"),
            "0 silences all texts of our own but the opt-out confirmation, the answer to HELP too,"
            " which carriers ask for",
        )


def _origination(brand: Brand, at: Path) -> Iterator[Finding]:
    identity = brand.origination_identity
    if identity is None:
        return
    path: Path = (*at, "origination_identity")
    if identity in brand.sender_ids:
        yield Finding(
            path,
            "a sender ID cannot receive: customers cannot answer, so no conversation goes on."
            " Send from a number or a pool",
        )
        return
    own = [number for number in brand.numbers if same_number(number, identity)]
    if own and len(brand.numbers) > 1:
        yield Finding(
            path,
            "customers who texted another number of this brand get their replies from this one,"
            " and what they answer opens a second conversation. Leave it out",
        )
    elif not own and identity not in brand.pools and not identity.startswith("arn:"):
        yield Finding(
            path,
            "is none of this brand's numbers, pools and sender_ids. List it there, or leave this"
            " out: replies then come from the number that was texted",
        )


def _start(brand: Brand, at: Path) -> Iterator[Finding]:
    if brand.start.on == "any_text" and brand.start.keywords:
        yield Finding(
            (*at, "start", "keywords"),
            'have no effect: start.on is "any_text", so any text opens a chat. Write'
            ' on = "keyword", or leave them out',
        )


def _contact_flow(brand: Brand, at: Path) -> Iterator[Finding]:
    if " " in brand.contact_flow_id:
        yield Finding(
            (*at, "contact_flow_id"),
            "looks like a flow's name: Connect wants its id, the last part of its ARN",
        )


def _numbers(brand: Brand, at: Path) -> Iterator[Finding]:
    changed = "opt_out_confirmed" in brand.texts.model_fields_set and (
        brand.texts.opt_out_confirmed != Texts().opt_out_confirmed
    )
    for index, number in enumerate(brand.numbers):
        if is_north_american_toll_free(number) and changed:
            yield Finding(
                (*at, "texts", "opt_out_confirmed"),
                f"numbers[{index}] is toll-free: the carrier answers STOP in its own words and"
                " blocks what we send after it, so this text will not arrive from there",
            )
        if not is_textable(number):
            yield Finding(
                (*at, "numbers", index),
                "by its country's numbering plan this is no number that carries texts",
            )


def _own_texts(brand: Brand) -> Iterator[tuple[str, str]]:
    for name in _TO_CUSTOMERS:
        text: str = getattr(brand.texts, name)
        if text:
            yield name, text.format(brand=brand.name)


_PER_BRAND: tuple[Callable[[Brand, Path], Iterator[Finding]], ...] = (
    _managed_opt_out,
    _start,
    _contact_flow,
    _numbers,
    _origination,
    _text_sizes,
    _text_beginnings,
    _ages,
)
