"""Who we are, what time it is, and where."""

from __future__ import annotations

from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from typing import Final

from botocore.exceptions import BotoCoreError, ClientError

from workers.cli.doctor.check import Catalogue, NotConcerned, Problem
from workers.cli.doctor.site import Site
from workers.cli.one_shot import code_of

CATALOGUE: Final = Catalogue()
_SKEW_FAILED_S: Final = 300.0
_SKEW_WARNING_S: Final = 60.0


@CATALOGUE.add(
    looks_at="whether AWS knows the credentials",
    remedy="give the task a role (`taskRoleArn`), or the shell a profile that is logged in",
    asks=("sts:GetCallerIdentity",),
)
def credentials(site: Site) -> Iterator[Problem]:
    """Everything else is asked with these."""
    try:
        site.identity  # noqa: B018 - asking is the point
    except ClientError as refusal:
        yield Problem("credentials", f"AWS refuses them ({code_of(refusal)})")
    except BotoCoreError as failure:
        yield Problem("credentials", f"there are none to be had ({type(failure).__name__})")


@CATALOGUE.add(
    looks_at="this clock against AWS's: signatures are refused from five minutes on, and ages of"
    " texts and quiet hours go wrong before that",
    remedy="let the host's clock follow a time server; Fargate's does by itself",
    after=("credentials",),
)
def clock(site: Site) -> Iterator[Problem]:
    """Compared with the Date header of an answer, which has whole seconds."""
    told = site.identity["ResponseMetadata"]["HTTPHeaders"].get("date")
    if told is None:
        raise NotConcerned("the answer had no Date header")
    skew_s = (site.clock.now() - parsedate_to_datetime(told)).total_seconds()
    if abs(skew_s) > _SKEW_WARNING_S:
        way = "ahead of" if skew_s > 0 else "behind"
        yield Problem(
            "this clock",
            f"it is {abs(skew_s):.0f} s {way} AWS's",
            is_warning=abs(skew_s) <= _SKEW_FAILED_S,
        )


@CATALOGUE.add(
    looks_at="the Region of SWITCHBOARD_CHAT_STREAM_TOPIC_ARN: Connect streams to its own only",
    remedy="wire the task to the topic of the Region that AWS_REGION and the instance are in",
    after=("credentials",),
)
def chat_stream_region(site: Site) -> Iterator[Problem]:
    """Also that of every other topic, which are named by its prefix."""
    parts = site.settings.chat_stream_topic_arn.split(":")
    if parts[3] != site.aws.region:
        yield Problem("chat-stream", f"the topic is in {parts[3]}, this task in {site.aws.region}")
