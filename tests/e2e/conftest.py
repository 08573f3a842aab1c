"""What the browser tests share: a running home beside a simulated Tesla, and a page on it."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from devtools.home.demo_home import demo
from devtools.home.home import Home
from devtools.home.simulated_tesla import SimulatedTesla
from tests.e2e.harness import Frontend, frontend, real_sockets

SCREENSHOTS = Path(__file__).parent / "screenshots"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Home, SimulatedTesla]]:
    """A fresh home without the integration, and a simulated Tesla, for the tests of one module."""
    with real_sockets(), demo(tmp_path_factory.mktemp("home") / "config") as running:
        yield running


@pytest.fixture
def home(world: tuple[Home, SimulatedTesla]) -> Home:
    """The running Home Assistant."""
    return world[0]


@pytest.fixture
def tesla(world: tuple[Home, SimulatedTesla]) -> SimulatedTesla:
    """The running simulator."""
    return world[1]


@pytest.fixture
def browser(home: Home, request: pytest.FixtureRequest) -> Iterator[Frontend]:
    """A page of somebody who is signed in already; its pictures go to screenshots/."""
    name = request.node.name.removeprefix("test_")
    with real_sockets(), frontend(home, screenshots=SCREENSHOTS / name) as opened:
        yield opened


@pytest.fixture(autouse=True)
async def no_threads_left() -> AsyncIterator[None]:
    """End the threads of the event loop's executor: the test plugin takes one that is left for a fault."""
    yield
    await asyncio.get_running_loop().shutdown_default_executor()
