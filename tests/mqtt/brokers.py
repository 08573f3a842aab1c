"""A real MQTT broker in a process of its own, and Tesla's server as its client: what it publishes, and how."""

from collections.abc import Callable
import getpass
import json
from pathlib import Path
import socket
import subprocess
import sys
import time
from types import TracebackType
from typing import Any, ClassVar, Self

from paho.mqtt.client import Client, MQTTv311
from paho.mqtt.enums import CallbackAPIVersion

from devtools.home.broker import find_broker

BASE = "home/telemetry"
PATIENCE = 60.0


class Broker:
    """A broker on loopback that takes anybody. All methods block for a moment."""

    protocol: ClassVar[str]
    """The newest that it speaks, as Home Assistant calls it."""

    def __init__(self, directory: Path) -> None:
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            self.port: int = listener.getsockname()[1]
        self._config = directory / "broker.conf"
        self._log = directory / "broker.log"
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        err: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def start(self) -> None:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(self.command(), stdout=log, stderr=log)
        wait_for(self._answers, self._log.read_text)

    def command(self) -> list[str]:
        raise NotImplementedError

    def stop(self) -> None:
        """End it as a system does that is shut down."""
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                self.kill()
            self._process = None

    def kill(self) -> None:
        """End it without a word to anybody."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(PATIENCE)
            self._process = None

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), 0.2):
                return True
        except OSError:
            return False


class Amqtt(Broker):
    """The one from the package index; what it retains is gone when it ends."""

    protocol = "3.1.1"

    def command(self) -> list[str]:
        address = f"127.0.0.1:{self.port}"
        plugin = "amqtt.plugins.authentication.AnonymousAuthPlugin"
        config = {
            "listeners": {"default": {"type": "tcp", "bind": address}},
            "plugins": {plugin: {"allow_anonymous": True}},
        }
        self._config.write_text(json.dumps(config))
        run = "from amqtt.scripts.broker_script import main; main()"
        return [sys.executable, "-c", run, "-c", str(self._config)]


class Mosquitto(Broker):
    """The one that most homes run; it keeps on disk what it retains."""

    protocol = "5"

    def command(self) -> list[str]:
        path = find_broker()
        assert path is not None
        self._config.write_text(
            f"listener {self.port} 127.0.0.1\n"
            "allow_anonymous true\n"
            # started by root it would become somebody who cannot read this directory
            f"user {getpass.getuser()}\n"
            "persistence true\n"
            f"persistence_location {self._config.parent}/\n"
            # every change at once: it may be killed
            "autosave_on_changes true\n"
            "autosave_interval 1\n"
        )
        return [path, "-c", str(self._config)]


class TelemetryPublisher:
    """Publishes as Tesla's fleet-telemetry server does: a topic per field, JSON, MQTT 3.1.1 to any broker."""

    def __init__(self, broker: Broker, base: str = BASE, *, will: str = "") -> None:
        self._base = base
        self._client = Client(CallbackAPIVersion.VERSION2, protocol=MQTTv311)
        # a server that was gone for a second is back within the next
        self._client.reconnect_delay_set(1, 1)
        if will:
            row = {"ConnectionId": "", "Status": "DISCONNECTED"}
            self._client.will_set(f"{base}/{will}/connectivity", json.dumps(row), qos=1)
        self._client.connect("127.0.0.1", broker.port)
        self._client.loop_start()
        wait_for(self._client.is_connected)

    @property
    def connected(self) -> bool:
        return self._client.is_connected()

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def die(self) -> None:
        """Be gone without a word: the broker tells the will, if there is one."""
        self._client.loop_stop()
        connection = self._client.socket()
        assert connection is not None
        connection.close()

    def raw(self, topic: str, payload: bytes, *, qos: int = 1, retain: bool = False) -> None:
        self._client.publish(topic, payload, qos, retain).wait_for_publish(PATIENCE)

    def values(self, vin: str, *, qos: int = 1, retain: bool = False, **fields: Any) -> None:
        for name, value in fields.items():
            payload = json.dumps(value).encode()
            self.raw(f"{self._base}/{vin}/v/{name}", payload, qos=qos, retain=retain)

    def connectivity(
        self, vin: str, connected: bool, connection: str = "one", *, retain: bool = False
    ) -> None:
        row = {
            "ConnectionId": connection,
            "Status": "CONNECTED" if connected else "DISCONNECTED",
            "CreatedAt": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        }
        self.raw(f"{self._base}/{vin}/connectivity", json.dumps(row).encode(), retain=retain)


def wait_for(what: Callable[[], bool], told: Callable[[], str] = lambda: "") -> None:
    """Wait for something to become true, blocking."""
    end = time.monotonic() + PATIENCE
    while not what():
        assert time.monotonic() < end, told()
        time.sleep(0.02)
