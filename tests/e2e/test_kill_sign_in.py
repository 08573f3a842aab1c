"""Power cuts around the refresh of the sign-in: whenever they come, the next start has a token that works."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
import json
import logging
import os
from pathlib import Path
import random
import signal
import sys
import time
from typing import Any

from homeassistant.config_entries import (
    STORAGE_KEY,
    STORAGE_VERSION,
    STORAGE_VERSION_MINOR,
    ConfigEntry,
)
from homeassistant.helpers.json import json_bytes
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.tesla_charging.client import ENVIRONMENT_VARIABLE
from custom_components.tesla_charging.const import DOMAIN
from custom_components.tesla_charging.vehicle_command import VirtualKey
from simulator import Car, TeslaSimulator
from simulator.cloud.auth.grants import Grant
from tests.support.home import CLIENT_ID, CLIENT_SECRET, HOME_DOMAIN, PEARL, SCOPES

pytestmark = [pytest.mark.home, pytest.mark.timeout(300)]

LOGGER = logging.getLogger(__name__)
ROOT = Path(__file__).parents[2]
SEED = 20_264
KILLS = 240
NEWBORN = 0.25
"""Share of the lives that are ended at any moment of their first steps, verified or not."""
STEPS, CYCLE = 0.08, 0.3
"""Seconds in which a life takes its first steps, and goes through a refresh or two."""
PATIENCE = 20.0
CLASSES = {
    "starting": 3,
    "before the request": 5,
    "request under way": 10,
    "answered, not saved": 10,
    "saved, not used": 10,
    "used": 5,
}
"""Where a kill can strike, and how often at least it has to."""


@dataclass
class Lives:
    """The process that begins lives, and what the present one has told."""

    process: asyncio.subprocess.Process
    words: list[str] = field(default_factory=list)
    pid: int | None = None

    async def heard(self) -> str:
        """Return the next line."""
        assert self.process.stdout is not None
        async with asyncio.timeout(PATIENCE):
            return (await self.process.stdout.readline()).decode().strip()

    async def begin(self, number: int) -> None:
        """Begin a life."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{number}\n".encode())
        self.words = []
        while not (line := await self.heard()).startswith("pid "):
            self.take(line)
        self.pid = int(line.removeprefix("pid "))

    async def verified(self) -> None:
        """Wait until this life has used a token that Tesla accepts."""
        while "verified" not in self.words:
            self.take(await self.heard())

    async def kill(self) -> None:
        """End this life without a warning."""
        assert self.pid is not None
        os.kill(self.pid, signal.SIGKILL)
        while not (line := await self.heard()).startswith("end "):
            self.take(line)
        self.pid = None
        assert line == f"end {-signal.SIGKILL}", (line, self.words)

    def take(self, line: str) -> None:
        assert line in {"verified", "expired", "used", "rejected"}, (line, self.words)
        self.words.append(line)


@asynccontextmanager
async def lives(config: Path, tesla: TeslaSimulator, log: Path) -> AsyncIterator[Lives]:
    with log.open("wb") as stderr:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.e2e.sign_in_life", config, CLIENT_ID, CLIENT_SECRET),
            cwd=ROOT,
            env={**os.environ, ENVIRONMENT_VARIABLE: tesla.base_url},
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=stderr,
        )
        running = Lives(process)
        try:
            assert await running.heard() == "ready"
            yield running
        finally:
            if running.pid is not None:
                os.kill(running.pid, signal.SIGKILL)
            assert process.stdin is not None
            process.stdin.close()
            async with asyncio.timeout(PATIENCE):
                await process.wait()


def sign_in(tesla: TeslaSimulator, config: Path) -> tuple[ConfigEntry[Any], Grant]:
    """Sign in, and leave a configuration directory as if Home Assistant had run before."""
    application = tesla.add_application(CLIENT_ID, CLIENT_SECRET)
    account = tesla.add_account("driver@example.com", region="eu")
    tesla.register(application, VirtualKey.generate().public_key, domain=HOME_DOMAIN)
    tesla.add_car(account, Car(PEARL, name="Pearl", clock=tesla.clock))
    token = tesla.sign_in(account, application, SCOPES)
    entry = MockConfigEntry(
        domain=DOMAIN,
        unique_id=account.sub,
        data={
            "auth_implementation": DOMAIN,
            "token": {**token, "expires_at": time.time() + 28800},
            "region": "eu",
            "base_url": tesla.region_url("eu"),
            "domain": HOME_DOMAIN,
            "location": False,
        },
    )
    storage = config / ".storage"
    storage.mkdir(parents=True)
    record = {
        "version": STORAGE_VERSION,
        "minor_version": STORAGE_VERSION_MINOR,
        "key": STORAGE_KEY,
        "data": {"entries": [entry.as_dict()]},
    }
    (storage / STORAGE_KEY).write_bytes(json_bytes(record))
    (grant,) = tesla._cloud.grants._grants.values()
    return entry, grant


def struck(words: list[str], asking: bool, grant: Grant, stored: str | None) -> str:
    """Say where a kill has struck, by what Tesla knows and what is on disk."""
    if asking:
        return "request under way"
    if grant.current != stored:
        return "answered, not saved"
    if not grant.access_used:
        return "saved, not used"
    if "verified" not in words:
        return "starting"
    return "used" if words[-1] in {"verified", "used"} else "before the request"


def disturb(tesla: TeslaSimulator, chance: random.Random) -> None:
    """Make this life's requests slow in some place, so that no moment is too short to be struck."""
    tesla.faults.clear()
    seconds = chance.uniform(0.01, 0.15)
    match chance.randrange(5):
        case 0:
            tesla.faults.delay(seconds, "/token", times=None)
        case 1:
            tesla.faults.delay_answer(seconds, "/token", times=None)
        case 2:
            tesla.faults.delay(seconds, "/products", times=None)
        case 3:  # once only: it is carried out while, or after, the next life asks again
            tesla.faults.delay(seconds * 3, "/token", times=1)
        case _:
            pass


async def test_no_kill_around_a_refresh_ends_the_sign_in(
    socket_enabled: None, tmp_path: Path
) -> None:
    config, log = tmp_path / "config", tmp_path / "lives.log"
    chance = random.Random(SEED)
    counts: Counter[str] = Counter()
    secrets: set[str] = set()
    async with TeslaSimulator() as tesla:
        tesla.limits_enabled = False
        entry, grant = sign_in(tesla, config)
        file = config / ".storage" / f"{DOMAIN}.{entry.entry_id}.sign_in"
        began_at = time.monotonic()

        def stored() -> str | None:
            return json.loads(file.read_text())["token"]["refresh_token"] if file.exists() else None

        async with lives(config, tesla, log) as running:
            newborn, rejected = False, 0
            for number in range(KILLS):
                disturb(tesla, chance)
                requests = tesla._cloud.grants.requests
                await running.begin(number)
                # a life that is not waited for is followed by one that is
                newborn = not newborn and chance.random() < NEWBORN
                if not newborn:
                    await running.verified()
                # the first milliseconds are worth many kills: a quick machine has soon started
                moment = STEPS * chance.random() ** 2 if newborn else chance.uniform(0, CYCLE)
                await asyncio.sleep(moment)
                await running.kill()
                asking = any(request > requests for request in tesla._cloud.grants.waiting)
                rejected += running.words.count("rejected")
                counts[struck(running.words, asking, grant, stored())] += 1
                if file.exists():
                    secrets |= set(json.loads(file.read_text())["token"].values())
            tesla.faults.clear()
            await running.begin(KILLS)
            await running.verified()
            await running.kill()
        seconds = time.monotonic() - began_at
    LOGGER.info(
        "%d kills in %.0f s, %d refreshes, %d requests in vain: %s",
        *(KILLS, seconds, tesla.refreshes, rejected, dict(counts)),
    )
    assert rejected < KILLS / 20
    assert counts.total() == KILLS
    assert not {name for name, least in CLASSES.items() if counts[name] < least}, counts

    # nobody has given anything away, and nothing is left lying about
    assert file.stat().st_mode & 0o777 == 0o600
    kept = {path.name for path in file.parent.iterdir()} - {file.name, f".{file.name}.new"}
    assert {name for name in kept if name.lstrip(".").startswith(DOMAIN)} == set()
    written = log.read_text()
    assert "custom_components.tesla_charging" in written
    tokens = {text for text in secrets if isinstance(text, str) and len(text) > 40}
    assert len(tokens) > KILLS / 4
    assert not [text for text in (*tokens, CLIENT_SECRET) if text in written]
    assert "Traceback" not in written, written[written.index("Traceback") :][:3000]
