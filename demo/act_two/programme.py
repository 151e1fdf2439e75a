"""Prints what the second act came to."""

from __future__ import annotations

from collections.abc import Sequence

from demo.act_two.call_list import RATE, Rung
from demo.act_two.mail_out import CUSTOMERS, KINDS, SHOWN, Seen, engagement, state
from demo.transcript import Transcript
from simulator.services.customer_profiles.client import SeenProfile


def print_mail_out(transcript: Transcript, seen: Seen) -> None:
    """The counts by what customers did, and three of their profiles."""
    transcript.scene(f"A mail-out to {len(CUSTOMERS):,} customers, while all that went on")
    transcript.line(f"{'customers at':<18}{'mails':>6}{'opened':>8}{'clicked':>9}   address")
    for kind in KINDS:
        theirs = [seen.after.get(one) for one, found in CUSTOMERS.items() if found is kind]
        says = [engagement(profile) for profile in theirs]
        opened, clicked = (
            sum(one.get(stage, 0) for one in says) for stage in ("opened", "clicked")
        )
        states = " or ".join(sorted({state(profile) for profile in theirs}))
        row = f"{kind.domain:<18}{kind.count:>6}{opened:>8}{clicked:>9}   {states}"
        transcript.line(row)
    transcript.line(f"{len(seen.suppressed)} addresses are left alone from now on")
    transcript.line("")
    for address in SHOWN:
        transcript.line(f"{address}, before: {_attributes(seen.before.get(address)) or 'nothing'}")
        transcript.line(f"  after: {_attributes(seen.after.get(address))}")


def _attributes(profile: SeenProfile | None) -> str:
    """What an agent sees of a profile beside its address."""
    told = profile.fields.get("Attributes", {}) if profile is not None else {}
    return ", ".join(f"{name} {value}" for name, value in sorted(told.items()))


def print_call_list(transcript: Transcript, rung: Rung) -> None:
    """The report, as a person sees it."""
    transcript.scene(
        f"A call list in four zones, from {rung.started_at:%H:%M} in Seattle on,"
        f" {RATE / 60:g} minutes a second"
    )
    transcript.line(f"{len(rung.calls)} calls in {rung.took_s:.0f} s; switchboard calls report:")
    for line in rung.report.splitlines():
        transcript.line(line)


def print_faults(transcript: Transcript, faults: Sequence[str]) -> None:
    """What is not right."""
    for fault in faults:
        transcript.trouble(fault)
