"""The scenarios that are checked, and for each guard the scenario in which its absence must be noticed."""

from relay_model import Event, Scenario


def text(name: str, poison: bool = False) -> Event:
    return Event(name, "in", "text", poison=poison)


def agent(name: str, chat: int = 1, parts: int = 1) -> Event:
    return Event(name, "out", "agent", chat, parts=parts)


def ended(name: str, chat: int = 1, same_as: int = -1) -> Event:
    return Event(name, "out", "end", chat, same_as=same_as)


SCENARIOS = {s.name: s for s in (
    Scenario("first text", (text("t1"),), crash=3, lease=2, redeliver=2, duplicate=1),
    Scenario("two first texts", (text("t1"), text("t2")), crash=2, lease=2, redeliver=1),
    Scenario("two first texts, 3 workers", (text("t1"), text("t2")), workers=3, crash=1, lease=1),
    Scenario("three first texts", (text("t1"), text("t2"), text("t3")), lease=1),
    Scenario("agent while starting", (text("t1"), agent("a1")), crash=2, lease=1, redeliver=1),
    Scenario("text and agent while starting", (text("t1"), text("t2"), agent("a1")), crash=1),
    Scenario("agent reply", (agent("a1"),), opened=True, crash=3, lease=2, redeliver=1, duplicate=1, ambiguous=1),
    Scenario("two agent replies", (agent("a1"), agent("a2")), opened=True, crash=1, lease=1, redeliver=1, duplicate=1),
    Scenario("two agent replies, 3 workers", (agent("a1"), agent("a2")), workers=3, opened=True, lease=1, ambiguous=1),
    Scenario("agent reply refused", (agent("a1"), agent("a2")), opened=True, crash=1, lease=1, refused=1),
    Scenario("long reply", (agent("a1", parts=2),), opened=True, crash=2, lease=1, redeliver=1, ambiguous=1),
    Scenario("long reply and another", (agent("a1", parts=2), agent("a2")), opened=True, crash=1, lease=1),
    Scenario("long reply, 3 workers", (agent("a1", parts=3),), workers=3, opened=True, crash=1, lease=1),
    Scenario("long reply refused", (agent("a1", parts=2),), opened=True, crash=1, refused=2),
    Scenario("long reply in doubt and refused", (agent("a1", parts=2),), opened=True, crash=1, lease=1, ambiguous=1, refused=1),
    Scenario("long reply, receipt lost, give up", (agent("a1", parts=2),), opened=True, crash=1, lease=1, ambiguous=1, lost=1, resend=False),
    Scenario("receipt lost, send again", (agent("a1"), agent("a2")), opened=True, crash=1, ambiguous=1, lost=1),
    Scenario("receipt lost, give up", (agent("a1"), agent("a2")), opened=True, crash=1, ambiguous=1, lost=1, resend=False),
    Scenario("agent while starting, clocks skewed", (agent("a1"), text("t1")), crash=1, lease=1),
    Scenario("both directions", (text("t1"), agent("a1"), agent("a2")), opened=True, crash=1),
    Scenario("chat ends, new text", (text("t1"), ended("x1")), opened=True, crash=1, lease=1, redeliver=1),
    Scenario("chat ends, agent in new chat", (text("t1"), ended("x1"), agent("b1", 2)), opened=True, crash=1),
    Scenario("the end by two messengers", (ended("x1"), ended("x1 on the bus", same_as=0)), opened=True, crash=1, lease=1, redeliver=1, duplicate=1),
    Scenario("the end by two messengers, new text", (text("t1"), ended("x1"), ended("x1 on the bus", same_as=1)), opened=True, crash=1),
    Scenario("start repeated without a token", (text("t1"), text("t2")), crash=2, lease=1, tokenless=1),
    Scenario("earlier chat attached or not", (text("t1"), ended("x1"), agent("b1", 2)), opened=True, crash=1, lease=1, attaches=True),
    Scenario("poison at the head", (text("p1", poison=True), text("t2")), opened=True, crash=1, lease=1, redeliver=1),
    Scenario("quota full", (text("t1"), text("t2")), crash=1, lease=1, quota=2),
    Scenario("hold window, first texts", (text("t1"), text("t2"), text("t3")), redeliver=2, hold=True),
    Scenario("hold window, agent while starting", (text("t1"), agent("a1"), agent("a2")), hold=True, redeliver=1),
    Scenario("hold window, both directions", (text("t1"), text("t2"), agent("a1"), agent("a2")), opened=True, hold=True),
)}

# Small enough for every run of the tests, and each shows another part of the protocol.
QUICK = (
    "two first texts, 3 workers",
    "agent reply",
    "agent reply refused",
    "two agent replies, 3 workers",
    "agent while starting, clocks skewed",
    "long reply refused",
    "the end by two messengers",
    "start repeated without a token",
    "poison at the head",
    "quota full",
    "hold window, first texts",
)

# Too large to exhaust: walked at random.
LARGE = {s.name: s for s in (
    Scenario("a conversation", (text("t1"), text("t2"), agent("a1", parts=2), text("t3"), agent("a2"), agent("a3"), ended("x1"), ended("x1 on the bus", same_as=6),
                                text("t4"), agent("b1", 2, parts=3)),
             workers=4, crash=6, lease=6, redeliver=4, duplicate=3, ambiguous=3, quota=2, refused=2, tokenless=1, attaches=True),
    Scenario("a conversation with poison", (text("t1"), text("p2", poison=True), agent("a1", parts=2), text("t3"), ended("x1"), text("t4"), agent("b1", 2), ended("y1", 2),
                                            ended("y1 on the bus", 2, same_as=7)),
             workers=3, crash=4, lease=6, redeliver=4, duplicate=2, ambiguous=2, lost=1, refused=1),
)}

# guard switched off -> (scenario that must notice, invariant that must break). None: the model finds no harm; see docs/design/conversation-protocol.md.
EXPECTED: dict[str, tuple[str, str | None]] = {
    "no_dedupe": ("agent reply", "ONCE-SMS"),
    "append_twice_ok": ("agent reply", "ONCE-SMS"),
    "intent_no_fence": ("agent reply", "ONCE-SMS"),
    "intent_no_seen": ("two agent replies, 3 workers", "ORDER"),
    "withdraw_no_fence": ("agent reply refused", "ONCE-SMS"),
    "withdraw_all": ("long reply refused", "ONCE-SMS"),
    "withdraw_forgets_doubt": ("long reply in doubt and refused", None),
    "receipt_any_part": ("long reply", "ONCE-SMS"),
    "part_not_carried": ("long reply", "ORDER"),
    "end_two_ids": ("the end by two messengers", "ONCE-SMS"),
    "orphan_left_open": ("start repeated without a token", "LIVE-CHAT"),
    "source_kept": ("earlier chat attached or not", None),
    "finish_no_fence": ("two agent replies, 3 workers", None),
    "ring_overwritten": ("two agent replies, 3 workers", "NO-LOSS"),
    "release_no_fence": ("two agent replies, 3 workers", None),
    "claim_no_fence": ("first text", "ONE-CHAT"),
    "steal_blind": ("two agent replies, 3 workers", None),
    "no_lease": ("two agent replies, 3 workers", None),
    "nonce_shared": ("two agent replies, 3 workers", "ONCE-SMS"),
    "no_intent": ("agent reply", "ONCE-SMS"),
    "no_receipt_wait": ("agent reply", "ONCE-SMS"),
    "no_deadline": ("agent reply", "ONCE-SMS"),
    "token_from_entry": ("two first texts", "ONE-CHAT"),
    "token_per_try": ("first text", "ONCE-CHAT"),
    "ack_on_append": ("two first texts, 3 workers", "PROGRESS"),
    "ack_when_fenced": ("first text", "NO-LOSS"),
    "end_no_gen": ("chat ends, new text", "LIVE-CHAT"),
    "no_wait_starting": ("agent while starting", "WAIT-START"),
    "contention_is_attempt": ("two first texts", "NO-BLAME"),
    "dead_blocks": ("poison at the head", None),
    "one_call_start": ("hold window, agent while starting", "STRICT-ORDER"),
    "no_recheck": ("hold window, first texts", "ORDER"),
    "single_lane": ("agent while starting, clocks skewed", "PROGRESS"),
}
