"""DynamoDB, S3 and the key: where things are kept."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from botocore.exceptions import ClientError

from workers.cli.doctor.check import Catalogue, NotConcerned, Problem
from workers.cli.doctor.needs import tables as table_names
from workers.cli.doctor.site import Site
from workers.cli.one_shot import code_of, is_not_found

CATALOGUE: Final = Catalogue()
_CONTEXT: Final = {"application": "switchboard", "key": "doctor"}
"""As the workers' own keys have it: roles may be allowed no other."""
_KMS_DRY_RUN: Final = "DryRunOperationException"


@CATALOGUE.add(
    looks_at="each table: there, active, with the keys of infra/topology.json",
    remedy="run `terraform apply`; keys of a table cannot be changed, so one with others is made"
    " anew",
    asks=("dynamodb:DescribeTable",),
    after=("credentials",),
)
def tables(site: Site) -> Iterator[Problem]:
    """The logical name tells the wiring that is wrong."""
    names = table_names(site)
    for table in site.topology.tables:
        try:
            found = site.aws.client("dynamodb").describe_table(TableName=names[table.name])["Table"]
        except ClientError as refusal:
            if not is_not_found(refusal):
                raise
            yield Problem(table.name, f"there is no table {names[table.name]}")
            continue
        wanted = {table.partition_key: "HASH"}
        if table.sort_key:
            wanted[table.sort_key] = "RANGE"
        keys = {one["AttributeName"]: one["KeyType"] for one in found["KeySchema"]}
        if keys != wanted:
            says = f"its keys are {', '.join(keys)}; {', '.join(wanted)} is needed"
            yield Problem(table.name, says)
        elif found["TableStatus"] not in {"ACTIVE", "UPDATING"}:
            yield Problem(table.name, f"it is {found['TableStatus']}")


@CATALOGUE.add(
    looks_at="whether old items expire: without TTL tables grow for ever, and with them what must"
    " be erased",
    remedy="enable TTL on the attribute of infra/topology.json",
    asks=("dynamodb:DescribeTimeToLive",),
    after=("tables",),
)
def table_ttl(site: Site) -> Iterator[Problem]:
    """Reads no item."""
    names = table_names(site)
    for table in site.topology.tables:
        found: dict[str, Any] = site.aws.client("dynamodb").describe_time_to_live(
            TableName=names[table.name]
        )["TimeToLiveDescription"]
        is_on = found.get("TimeToLiveStatus") in {"ENABLED", "ENABLING"}
        if not is_on or found.get("AttributeName") != table.ttl_attribute:
            yield Problem(table.name, f"TTL is not on for {table.ttl_attribute}")


@CATALOGUE.add(
    looks_at="the buckets of agents' files and of big deferred messages",
    remedy="run `terraform apply`, and give the task the outputs of the same deployment",
    asks=("s3:ListBucket",),
    after=("credentials",),
)
def buckets(site: Site) -> Iterator[Problem]:
    """HeadBucket, which needs s3:ListBucket, else answers 403."""
    wired = {"media": site.settings.media_bucket, "deferred": site.settings.deferred_bucket}
    for name, bucket in wired.items():
        try:
            site.aws.client("s3").head_bucket(Bucket=bucket)
        except ClientError as refusal:
            if not is_not_found(refusal):
                raise
            yield Problem(name, f"there is no bucket {bucket}")


@CATALOGUE.add(
    looks_at="the KMS key of data at rest: without it no message can be handled",
    remedy="enable the key, or cancel its deletion; the task role needs kms:GenerateDataKey and"
    " kms:Decrypt on it",
    asks=("kms:GenerateDataKey",),
    after=("credentials",),
)
def encryption_key(site: Site) -> Iterator[Problem]:
    """A dry run: KMS says that it would have."""
    key_id = site.settings.kms_key_id
    if key_id is None:
        raise NotConcerned("data at rest is encrypted with a key file, which is for local use")
    try:
        site.aws.client("kms").generate_data_key(
            KeyId=key_id, KeySpec="AES_256", EncryptionContext=_CONTEXT, DryRun=True
        )
    except ClientError as refusal:
        code = code_of(refusal)
        if code == _KMS_DRY_RUN:
            return
        yield Problem("SWITCHBOARD_KMS_KEY_ID", f"the key gives no data key ({code})")
