"""Browsers without a window in which people of the cast are signed in to the console."""

import pytest
from django.test import Client


@pytest.fixture
def console(cast):
    """`console("dispatcher")` is a browser in which that person is signed in."""

    def signed_in(who: str) -> Client:
        client = Client()
        client.force_login(cast[who])
        return client

    return signed_in
