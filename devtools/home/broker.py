"""Find the MQTT 5 broker (mosquitto) that some tests start on this machine's loopback.

python -m devtools.home.broker      prints its path; exit status 1 where there is none
"""

import os
from pathlib import Path
import shutil
import sys

NAMES = ("mosquitto", "/usr/sbin/mosquitto", "/usr/local/sbin/mosquitto")
UNPACKED = Path(__file__).resolve().parents[2] / ".cache" / "mosquitto" / "mosquitto"
"""Where scripts/setup --broker puts it when it is not installed."""


def find_broker() -> str | None:
    """Return the path of a mosquitto: the variable MOSQUITTO, else an installed one, else ours."""
    wanted = os.environ.get("MOSQUITTO")
    for name in (wanted,) if wanted else (*NAMES, str(UNPACKED)):
        if path := shutil.which(name):
            return path
    return None


if __name__ == "__main__":
    found = find_broker()
    if found is None:
        sys.exit(1)
    print(found)
