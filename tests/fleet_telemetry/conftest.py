"""A receiver, and a certificate tree like Tesla's."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from .pki import VehicleTree
from .receiver_world import ReceiverWorld


@pytest.fixture(scope="session")
def tree() -> VehicleTree:
    """A tree whose cars are trusted."""
    return VehicleTree()


@pytest.fixture
async def world(
    tmp_path: Path, tree: VehicleTree, socket_enabled: None
) -> AsyncIterator[ReceiverWorld]:
    """A receiver that listens."""
    world = ReceiverWorld(tmp_path, tree)
    await world.start()
    yield world
    await world.receiver.stop()
