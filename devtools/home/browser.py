"""Find the Chromium that the browser tests drive.

python -m devtools.home.browser     prints its path; exit status 1 where there is none
"""

import os
import shutil
import sys

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def find_browser() -> str | None:
    """Return the path of a Chromium: the variable CHROMIUM, else the first of NAMES on PATH."""
    wanted = os.environ.get("CHROMIUM")
    for name in (wanted,) if wanted else NAMES:
        if path := shutil.which(name):
            return path
    return None


if __name__ == "__main__":
    found = find_browser()
    if found is None:
        sys.exit(1)
    print(found)
