"""A real Home Assistant in a directory of its own, with an owner who is already onboarded.

with Home(directory, port=8123, components=[path]) as home:
    home.rest("GET", "/api/config")

It listens on 127.0.0.1 only and installs nothing: what it needs is in the environment already.
Used by the demo and by the tests in tests/e2e.
"""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
import contextlib
from dataclasses import dataclass
import json
from pathlib import Path
import re
import shutil
import subprocess
import sys
import time
from typing import Any, Self
import urllib.error
from urllib.parse import urlsplit
import urllib.request

import aiohttp

from devtools.home.ha_seed import ACCESS_FILE
from devtools.home.process import ROOT, child_environment, free_port, start_python, stop_process

CONFIGURATION = """\
homeassistant:
  name: Home
  latitude: 52.0
  longitude: 4.4
  elevation: 0
  radius: 100
  unit_system: metric
  time_zone: {time_zone}
  country: NL
  currency: EUR
  language: en
  internal_url: {internal_url}
  external_url: {external_url}
logger:
  default: info
recorder:
  commit_interval: 1
history:
logbook:
energy:
automation: !include automations.yaml
script: !include scripts.yaml
scene: !include scenes.yaml
{more}
"""
INCLUDED = {"automations.yaml": "[]\n", "scripts.yaml": "", "scenes.yaml": "[]\n"}
"""What Home Assistant's own editors write, as they begin."""
RESTART = 100
"""The exit status with which Home Assistant asks to be started again."""

# What a Home Assistant says on a machine like this whatever is installed in it.
KNOWN_LOG = re.compile(
    r"zlib_ng and isal are not available|We found a custom integration|FFmpeg fails"
    r"|Error starting FFmpeg|Error loading libturbojpeg|Skipping pip installation"
    r"|TESLA_CHARGING_SIMULATOR is set"
    # a page that is left while Home Assistant's own websocket writes to it
    r"|never retrieved \(task: None\)\nTraceback[^\0]*_send_compressed_frame[^\0]*closing transport$"
)
BAD_LOG = re.compile(r"\d{4}-\d\d-\d\d \S+ (WARNING|ERROR|CRITICAL)")
RECORD = re.compile(r"^(?=\d{4}-\d\d-\d\d )", re.MULTILINE)


class HomeError(Exception):
    """Home Assistant did not start, or refused a request."""


@dataclass(frozen=True, slots=True)
class Access:
    """What gets a script or a browser in, as devtools.home.ha_seed leaves it."""

    url: str
    username: str
    password: str
    token: str
    frontend_session: dict[str, Any]


def port_of(directory: Path) -> int | None:
    """Return the port that the home in a directory was prepared for, None if there is no home."""
    try:
        url: str = json.loads((directory / ACCESS_FILE).read_text(encoding="utf-8"))["url"]
    except FileNotFoundError:
        return None
    return urlsplit(url).port


class Home:
    """One Home Assistant: its directory, its process and the ways to talk to it."""

    def __init__(
        self,
        directory: Path,
        *,
        port: int = 8123,
        components: Sequence[Path] = (),
        external_url: str | None = None,
        yaml: str = "",
        blueprints: Path | None = None,
        environment: dict[str, str] | None = None,
        time_zone: str = "UTC",
    ) -> None:
        """Describe a home; nothing happens before prepare() and start().

        components are directories of custom integrations, which are linked into the home; yaml is
        added to its configuration.yaml, environment to the variables of its process. blueprints is a
        directory whose files are copied into the home's.
        """
        self.directory = directory
        self.port = port
        self.url = f"http://localhost:{port}"  # as a person opens it
        self._address = f"http://127.0.0.1:{port}"
        self._external_url = external_url or self.url
        self._components = [path.resolve() for path in components]
        self._yaml = yaml
        self._blueprints = blueprints
        self._environment = environment
        self._time_zone = time_zone
        self._output = directory / "home-assistant.out"
        self._process: subprocess.Popen[bytes] | None = None
        self._access: Access | None = None

    @property
    def access(self) -> Access:
        """The way in; there is one once the home is prepared."""
        if self._access is None:
            raise HomeError("the home is not prepared")
        return self._access

    def prepare(self, *, fresh: bool = True) -> None:
        """Write the directory; what was there goes unless fresh is false."""
        if fresh and self.directory.exists():
            shutil.rmtree(self.directory)
        if port_of(self.directory) not in (None, self.port):
            raise HomeError(f"the home in {self.directory} is for another port than {self.port}")
        links = self.directory / "custom_components"
        links.mkdir(parents=True, exist_ok=True)
        # the repository has a package of this name, and a package goes before a folder without this file
        (links / "__init__.py").touch()
        (self.directory / "configuration.yaml").write_text(
            CONFIGURATION.format(
                internal_url=self.url,
                external_url=self._external_url,
                time_zone=self._time_zone,
                more=self._yaml,
            ),
            encoding="utf-8",
        )
        for name, beginning in INCLUDED.items():
            if not (path := self.directory / name).exists():
                path.write_text(beginning, encoding="utf-8")
        if self._blueprints is not None:
            copy = self.directory / "blueprints"
            shutil.copytree(self._blueprints, copy, dirs_exist_ok=True)
        for component in self._components:
            link = links / component.name
            link.unlink(missing_ok=True)
            link.symlink_to(component, target_is_directory=True)
        # In a process of its own: it makes a Home Assistant, which is a matter for a whole process.
        subprocess.run(
            [
                sys.executable,
                "-m",
                "devtools.home.ha_seed",
                str(self.directory),
                "--port",
                str(self.port),
            ],
            cwd=ROOT,
            env=child_environment(),
            stdin=subprocess.DEVNULL,
            check=True,
        )
        self._access = Access(
            **json.loads((self.directory / ACCESS_FILE).read_text(encoding="utf-8"))
        )

    def start(self, timeout: float = 120) -> None:
        """Start, and wait (seconds) until everything is set up."""
        if free_port(self.port) != self.port:
            raise HomeError(f"port {self.port} is taken")
        self._process = start_python(
            *("-m", "homeassistant", "--config", str(self.directory)),
            *("--log-no-color", "--skip-pip"),
            output=self._output,
            environment=self._environment,
        )
        try:
            self.wait_for(self._running, timeout, "Home Assistant to run")
        except BaseException:
            self.stop()
            raise

    @property
    def ended(self) -> int | None:
        """The exit status of a Home Assistant that has ended by itself, None while it runs."""
        return None if self._process is None else self._process.poll()

    def stop(self) -> None:
        """Stop as on a shutdown. Does nothing if it does not run."""
        if self._process is not None:
            stop_process(self._process)
            self._process = None

    def kill(self) -> None:
        """End it as a power cut does. Does nothing if it does not run."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def __enter__(self) -> Self:
        """Prepare a fresh home and start it."""
        self.prepare()
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop."""
        self.stop()

    def rest(self, method: str, path: str, data: object = None, timeout: float = 30) -> Any:
        """Ask the REST API as the frontend would; return the JSON of the answer.

        Raises HomeError for every status but 2xx (with Home Assistant's words) and for no answer.
        """
        request = urllib.request.Request(
            self._address + path,
            method=method,
            data=None if data is None else json.dumps(data).encode(),
            headers={
                "Authorization": f"Bearer {self.access.token}",
                "Content-Type": "application/json",
                # the frontend tells where it was opened: OAuth comes back to there
                "HA-Frontend-Base": self.url,
            },
        )
        try:
            with urllib.request.urlopen(request, timeout=timeout) as answer:
                return json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as error:
            words = error.read().decode(errors="replace")
            raise HomeError(f"{method} {path}: {error.code} {words}") from error
        except OSError as error:
            raise HomeError(f"{method} {path}: {error}") from error

    def ws(self, *commands: dict[str, Any]) -> list[Any]:
        """Send websocket commands; return the result of each. Raises HomeError if one fails."""
        # In a thread of its own: a caller may be inside an event loop (Playwright's).
        with ThreadPoolExecutor(1) as thread:
            return thread.submit(asyncio.run, self._ws(commands)).result()

    async def _ws(self, commands: Sequence[dict[str, Any]]) -> list[Any]:
        results = []
        async with (
            asyncio.timeout(30),
            aiohttp.ClientSession() as session,
            session.ws_connect(f"{self._address}/api/websocket", max_msg_size=0) as socket,
        ):
            await socket.receive_json()
            await socket.send_json({"type": "auth", "access_token": self.access.token})
            if (await socket.receive_json())["type"] != "auth_ok":
                raise HomeError("the websocket API refused the token")
            for number, command in enumerate(commands, 1):
                await socket.send_json({"id": number, **command})
                message = await socket.receive_json()
                while message["type"] != "result" or message["id"] != number:
                    message = await socket.receive_json()
                if not message["success"]:
                    raise HomeError(f"{command['type']}: {message['error']}")
                results.append(message["result"])
        return results

    def wait_for[T](self, look: Callable[[], T | None], timeout: float, what: str) -> T:
        """Call look until it returns something true and return that; HomeError after the timeout."""
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            if self._process is not None and self._process.poll() is not None:
                raise HomeError(
                    f"Home Assistant ended with status {self._process.returncode}:\n{self._tail()}"
                )
            if found := look():
                return found
            time.sleep(0.1)
        raise HomeError(f"waited {timeout:.0f} s for {what}:\n{self._tail()}")

    def log(self) -> str:
        """Return everything that Home Assistant has printed."""
        return self._output.read_text(encoding="utf-8", errors="replace")

    def bad_log(self) -> list[str]:
        """Return the first lines of warnings and errors that are not known to be this machine's."""
        return [
            record.splitlines()[0]
            for record in RECORD.split(self.log())
            if BAD_LOG.match(record) and not KNOWN_LOG.search(record.rstrip())
        ]

    def _tail(self) -> str:
        return self.log()[-3000:]

    def _running(self) -> bool:
        with contextlib.suppress(ValueError, HomeError):
            return bool(self.rest("GET", "/api/config", timeout=5)["state"] == "RUNNING")
        return False
