from collections.abc import Iterator
from pathlib import Path

import pytest
from support import Agent, Server


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    server = Server(Path(__file__).parent.parent / "test-results/authlib")
    yield server
    server.stop()


@pytest.fixture
def agent(server: Server) -> Agent:
    return Agent(server.person)
