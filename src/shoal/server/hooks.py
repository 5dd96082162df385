"""The process that delivers webhooks."""

from __future__ import annotations

import sys

from shoal.server.joints import deliver
from shoal.server.worker import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], deliver))
