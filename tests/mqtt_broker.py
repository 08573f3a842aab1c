"""A real MQTT broker in a process of its own, and Tesla's server as its client: what it publishes, and how."""

from collections.abc import Callable
import json
from pathlib import Path
import socket
import subprocess
import sys
import time
from types import TracebackType
from typing import Any, Self

from paho.mqtt.client import Client, MQTTv311
from paho.mqtt.enums import CallbackAPIVersion

BASE = "home/telemetry"
PATIENCE = 10.0


class Broker:
    """A broker on loopback that takes anybody. All methods block for a moment."""

    def __init__(self, directory: Path) -> None:
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            self.port: int = listener.getsockname()[1]
        self._config = directory / "broker.yaml"
        self._log = directory / "broker.log"
        self._config.write_text(
            json.dumps(
                {
                    "listeners": {"default": {"type": "tcp", "bind": f"127.0.0.1:{self.port}"}},
                    "plugins": {
                        "amqtt.plugins.authentication.AnonymousAuthPlugin": {
                            "allow_anonymous": True
                        }
                    },
                }
            )
        )
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
        run = "from amqtt.scripts.broker_script import main; main()"
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-c", run, "-c", str(self._config)], stdout=log, stderr=log
            )
        wait_for(self._answers, self._log.read_text)

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait(PATIENCE)
            self._process = None

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), 0.2):
                return True
        except OSError:
            return False


class TelemetryPublisher:
    """Publishes as Tesla's fleet-telemetry server does: a topic per field, and JSON."""

    def __init__(self, broker: Broker, base: str = BASE) -> None:
        self._base = base
        self._client = Client(CallbackAPIVersion.VERSION2, protocol=MQTTv311)
        self._client.connect("127.0.0.1", broker.port)
        self._client.loop_start()
        wait_for(self._client.is_connected)

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

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
