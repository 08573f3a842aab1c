"""A receiver, and a certificate tree like Tesla's."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from .pki import VehicleTree
from .road import Road


@pytest.fixture(scope="session")
def tree() -> VehicleTree:
    """A tree whose cars are trusted."""
    return VehicleTree()


@pytest.fixture
async def road(tmp_path: Path, tree: VehicleTree, socket_enabled: None) -> AsyncIterator[Road]:
    """A receiver that listens."""
    road = Road(tmp_path, tree)
    await road.start()
    yield road
    await road.receiver.stop()
