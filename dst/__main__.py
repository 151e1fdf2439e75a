"""`make dst`."""

from __future__ import annotations

import sys

from dst.campaign import main

if __name__ == "__main__":
    sys.exit(main())
