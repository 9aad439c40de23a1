"""Respa's conversation with a gateway that is restarted under its listener: respa_restart.py BINARY."""

import sys
import tempfile

from respa_client import conversation
from stand import Stand


def main():
    with tempfile.TemporaryDirectory() as folder:
        stand = Stand(sys.argv[1], folder)
        try:
            conversation(stand.details(), basic=True, restart=stand.restart)
        finally:
            stand.stop()


if __name__ == "__main__":
    main()
