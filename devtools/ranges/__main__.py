"""Runs tests after it has made sure that the versions of a file are those that are imported; see scripts/ranges."""

import importlib.metadata
from pathlib import Path
import re
import sys

import pytest

PIN = re.compile(r"^([A-Za-z0-9._-]+)==(\S+)", re.MULTILINE)


def pins(end: str) -> dict[str, str]:
    """Return package -> version of one end of the ranges: lowest or highest."""
    return dict(PIN.findall(Path(__file__).with_name(f"{end}.txt").read_text()))


def main() -> int:
    """Run pytest with the arguments that follow the name of the end."""
    for package, version in pins(sys.argv[1]).items():
        if (found := importlib.metadata.version(package)) != version:
            print(f"{package} is {found}, and not {version}", file=sys.stderr)
            return 1
    return pytest.main(sys.argv[2:])


if __name__ == "__main__":
    sys.exit(main())
