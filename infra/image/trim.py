"""Takes out of an installed environment what no role of the image reads: two thirds of its size.

    python trim.py SITE_PACKAGES AWS_SERVICES

botocore ships the API of every AWS service, phonenumbers the place names of every area code.
`aws-services.txt` names the services that we call or play; a unit test compares it with the code.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

UNREAD = ("phonenumbers/geodata", "phonenumbers/carrierdata", "boto3/examples")


def main(site_packages: Path, services: Path) -> None:
    """Remove it, or fail where something is not as it was: a silent miss would be a large image."""
    data = site_packages / "botocore" / "data"
    kept = set(services.read_text("utf-8").split())
    missing = [name for name in sorted(kept) if not (data / name).is_dir()]
    if missing:
        raise SystemExit(f"botocore knows no service {', '.join(missing)}: see {services.name}")
    for service in data.iterdir():
        if service.is_dir() and service.name not in kept:
            shutil.rmtree(service)
    for name in UNREAD:
        shutil.rmtree(site_packages / name)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
