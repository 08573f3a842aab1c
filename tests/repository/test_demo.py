"""The demo: what it is made of, and that it ends with what it consists of."""

import os
from pathlib import Path
import signal

import pytest

from devtools.home.demo_home import BLUEPRINTS, PUBLIC_NAME, show, watch
from devtools.home.home import Home
from devtools.home.simulated_tesla import SimulatedTesla, TeslaError

URL = "http://localhost:8123"


def simulated(directory: Path) -> SimulatedTesla:
    return SimulatedTesla(
        directory, redirect_uri=f"{URL}/auth/external/callback", domains={PUBLIC_NAME: URL}
    )


def killed(tesla: SimulatedTesla) -> None:
    """End the simulator's process as somebody does who looks through the list of processes."""
    assert tesla._process is not None
    os.kill(tesla._process.pid, signal.SIGKILL)


def test_it_ends_and_says_so_when_the_simulated_tesla_has_ended(
    tmp_path: Path, socket_enabled: None
) -> None:
    with simulated(tmp_path) as tesla:
        killed(tesla)
        with pytest.raises(TeslaError, match="the simulated Tesla has ended"):
            watch(Home(tmp_path / "home"), tesla)


def test_a_fresh_one_says_what_to_enter(
    tmp_path: Path, socket_enabled: None, capsys: pytest.CaptureFixture[str]
) -> None:
    home = Home(tmp_path / "home", blueprints=BLUEPRINTS)
    home.prepare()
    with simulated(tmp_path) as tesla:
        killed(tesla)
        with pytest.raises(TeslaError):
            show(home, tesla, fresh=True)
        said = capsys.readouterr().out
        for word in (PUBLIC_NAME, str(tesla.telemetry_port), "demo-client", "demo-secret"):
            assert word in said
    # what is needed to try blueprints and triggers
    configuration = (home.directory / "configuration.yaml").read_text()
    assert "automation: !include automations.yaml" in configuration
    copied = home.directory / "blueprints" / "automation" / "tesla_charging"
    originals = BLUEPRINTS / "automation" / "tesla_charging"
    assert {path.name for path in copied.iterdir()} == {path.name for path in originals.iterdir()}
