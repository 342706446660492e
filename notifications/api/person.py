"""Whose inbox it is."""

import uuid

from rest_framework.request import Request


def person_of(request: Request) -> uuid.UUID:
    """The id of whoever calls; the views let nobody in who is not signed in."""
    assert request.user is not None
    assert request.user.pk is not None
    return request.user.pk
