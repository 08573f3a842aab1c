"""The simulated Tesla as a process: start, stop, look at its cars, sign in.

with SimulatedTesla(directory, redirect_uri=..., domains={...}) as tesla:
    tesla.base_url
"""

from collections.abc import Mapping
import json
from pathlib import Path
import subprocess
import time
from typing import Any, Self
import urllib.error
from urllib.parse import urlencode
import urllib.request

from devtools.home.person import Person
from devtools.home.process import free_port, start_python, stop_process

CLIENT_ID, CLIENT_SECRET = (
    "demo-client",
    "demo-secret",
)  # an application that only the simulator has
EMAIL, PASSWORD = "driver@example.com", "demo"

WAKE_TIMEOUT = 30  # seconds


class TeslaError(Exception):
    """The simulator did not start, or refused a request."""


class SimulatedTesla:
    """`python -m simulator` with its two demo cars."""

    def __init__(
        self,
        directory: Path,
        *,
        redirect_uri: str,
        domains: Mapping[str, str],
        port: int = 0,
        speed: float = 20,
        options: tuple[str, ...] = (),
    ) -> None:
        """Describe it; nothing happens before start().

        redirect_uri is where sign-in comes back to; domains tell from which address a partner's
        domain is really served; speed is how much faster than the clock cars charge and drive;
        options are further ones of the simulator's command line.
        """
        self.base_url = ""
        self.person = Person(EMAIL, PASSWORD)
        self._output = directory / "simulator.out"
        self._process: subprocess.Popen[bytes] | None = None
        self._domains = tuple(domains)
        self._arguments = [
            *("--port", str(free_port(port) if port else 0), "--speed", str(speed)),
            *("--client-id", CLIENT_ID, "--client-secret", CLIENT_SECRET),
            *("--redirect-uri", redirect_uri, "--cars", "demo"),
            *("--wake-seconds", "3", "--wake-with-charging-scope"),
            *options,
        ]
        #: where a home listens for the cars; the public name of a home leads them there
        self.telemetry_port = free_port(0)
        for domain, address in domains.items():
            self._arguments += ["--domain", f"{domain}={address}"]
            telemetry = f"{domain}=127.0.0.1:{self.telemetry_port}"
            self._arguments += ["--telemetry-host", telemetry]

    def start(self, timeout: float = 30) -> None:
        """Start, and wait (seconds) until it answers."""
        self._output.parent.mkdir(parents=True, exist_ok=True)
        self._output.unlink(missing_ok=True)
        self._process = start_python("-m", "simulator", *self._arguments, output=self._output)
        end = time.monotonic() + timeout
        while not self.base_url:
            if self._process.poll() is not None or time.monotonic() > end:
                self.stop()
                raise TeslaError(f"the simulator did not start:\n{self.log()[-3000:]}")
            time.sleep(0.05)
            self.base_url = self._announced()

    @property
    def ended(self) -> int | None:
        """The exit status of a simulator that has ended by itself, None while it runs."""
        return None if self._process is None else self._process.poll()

    def stop(self) -> None:
        """Stop it. Does nothing if it does not run."""
        if self._process is not None:
            stop_process(self._process)
            self._process = None

    def __enter__(self) -> Self:
        """Start."""
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop."""
        self.stop()

    def control(self, method: str, path: str, data: object = None) -> Any:
        """Ask the control API ({base_url}/_sim/...); return the JSON of the answer."""
        request = urllib.request.Request(
            f"{self.base_url}/_sim/{path}",
            method=method,
            data=None if data is None else json.dumps(data).encode(),
            headers={"Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as error:
            words = error.read().decode(errors="replace")
            raise TeslaError(f"{method} _sim/{path}: {error.code} {words}") from error
        except OSError as error:
            raise TeslaError(f"{method} _sim/{path}: {error}") from error

    def consent(self, authorize_url: str) -> None:
        """Sign in on Tesla's page and allow everything that is asked for, as the owner would.

        Ends on the page of Home Assistant that closes the window.
        """
        self.person.walk(authorize_url, ("approve", "signin"), until="window.close")

    def cars(self) -> dict[str, dict[str, Any]]:
        """Return the cars as somebody beside them sees them, by name."""
        return {car["name"]: car for car in self.control("GET", "state")["cars"]}

    def pair_cars(self) -> None:
        """Let the home's virtual key into every car: Tesla's pairing link, as the owner would.

        The owner has signed in before (see consent). Sleeping cars are woken first, as by walking
        up to them.
        """
        for name, car in self.cars().items():
            self.control("POST", f"cars/{car['vin']}/wake", {})
            end = time.monotonic() + WAKE_TIMEOUT
            while self.cars()[name]["state"] != "online":
                if time.monotonic() > end:
                    raise TeslaError(f"{name} does not wake")
                time.sleep(0.2)
            for domain in self._domains:
                self.person.walk(
                    f"{self.base_url}/_ak/{domain}?{urlencode({'vin': car['vin']})}",
                    (f"pair-{car['vin']}", "signin"),
                    until=f'id="paired-{car["vin"]}"',
                )

    def log(self) -> str:
        """Return everything that the simulator has printed."""
        if not self._output.exists():
            return ""
        return self._output.read_text(encoding="utf-8", errors="replace")

    def _announced(self) -> str:
        """Return the base URL out of the line that says it is ready, "" before there is one."""
        for line in self.log().splitlines():
            if line.startswith("{") and line.endswith("}"):
                return str(json.loads(line)["base_url"])
        return ""
