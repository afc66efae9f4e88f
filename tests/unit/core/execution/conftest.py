"""A desk and the venue that knows what it truly holds, for the tests of the comparison of the two."""

import pytest

from tests.kit.trading import Session
from tests.kit.true_venue import TrueVenue


@pytest.fixture
def session() -> Session:
    return Session()


@pytest.fixture
def venue(session: Session) -> TrueVenue:
    return TrueVenue(session)
