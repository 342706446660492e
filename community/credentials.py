"""What a credential proves, and which seats it therefore carries.

A token keeps what its sign-in proved in its row, a session in its data. Whoever needs a second factor by
`settings.SECOND_FACTOR_FOR` and signed in without one is a resident: they keep their homes and their reports, and none of
the seats that need it.
"""

import time
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.contrib.auth import SESSION_KEY as PERSON_KEY
from django.contrib.sessions.backends.base import SessionBase

from community.models.organisations import STREET_KINDS, OrganisationKind
from community.models.people import Person
from web.problems import Problem
from web.words import bilingual

WHOM: Mapping[str, frozenset[str]] = {
    "nobody": frozenset(),
    "street": STREET_KINDS,
    "staff": frozenset(OrganisationKind.values),
}
"""The kinds of organisation whose seats need a second factor, by the value of `SECOND_FACTOR_FOR`."""

SESSION_KEY = "second_factor"
SEEN_KEY = "seen"
"""When the person last did something in the console or the admin, in whole seconds; in sessions that were used there."""
_NEEDED = bilingual(
    "您的工作席位须经二次验证才能使用，请在工作台登录并完成二次验证。",
    "Your seat needs a second factor: sign in to the console and complete it there.",
)


def seat_needs_second_factor(kind: str) -> bool:
    """Whether a seat in an organisation of this kind is carried only by a credential with a second factor."""
    return kind in WHOM[settings.SECOND_FACTOR_FOR]


def admin_needs_second_factor() -> bool:
    """Whether the admin is open only to a session with a second factor: it is, wherever anybody needs one."""
    return bool(WHOM[settings.SECOND_FACTOR_FOR])


def has_second_factor(session: SessionBase) -> bool:
    """Whether the person who is signed in to the session has proved a second factor in it."""
    return PERSON_KEY in session and session.get(SESSION_KEY) == session[PERSON_KEY]


def record_second_factor(session: SessionBase, person: Person) -> None:
    """Record that `person` has proved a second factor in the session, in which they are signed in or are about to be."""
    session[SESSION_KEY] = str(person.pk)


def is_idle(session: Mapping[str, Any]) -> bool:
    """Whether the session was used in the console or the admin, and nothing was done there for `settings.IDLE_MINUTES`."""
    seen = session.get(SEEN_KEY)
    return seen is not None and time.time() - seen > settings.IDLE_MINUTES * 60


def second_factor_required() -> Problem:
    """The refusal where a seat would have allowed it and the credential does not carry the seat."""
    return Problem("second_factor_required", 403, detail=_NEEDED)
