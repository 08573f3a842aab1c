"""What the tests of telemetry share."""

import pytest

from tests.support.home import Home
from tests.support.hours import Hours


@pytest.fixture
def hours(home: Home, monkeypatch: pytest.MonkeyPatch) -> Hours:
    return Hours(home, monkeypatch)
