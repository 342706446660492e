"""Deleting what has expired: codes, known addresses, tokens, sessions, answers to repeated requests."""

from typing import Any

from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.db.models import QuerySet
from django.db.models.functions import Now

from community.homes import MOVES_WITHIN
from community.models import HomeMove, KnownAddress, SignInCode, SignInToken
from community.models.signin import CODE_LIFE, KNOWN_FOR
from web.idempotency import KEPT_FOR
from web.models import IdempotencyKey
from web.quotas import DAY

BATCH = 1000


def purge() -> dict[str, int]:
    """Delete what has expired, in batches that each commit. Returns how many of each kind. Safe to call twice or from several processes."""
    return {
        "codes": _delete(SignInCode.objects.filter(created_at__lt=Now() - DAY - CODE_LIFE)),
        "addresses": _delete(KnownAddress.objects.filter(last_used_at__lt=Now() - KNOWN_FOR)),
        "tokens": _delete(SignInToken.objects.expired()),
        "moves": _delete(HomeMove.objects.filter(at__lt=Now() - MOVES_WITHIN)),
        "sessions": _delete(Session.objects.filter(expire_date__lt=Now())),
        "listed_sessions": _delete(UserSession.objects.exclude(session_key__in=Session.objects.values("session_key"))),
        "idempotency_keys": _delete(IdempotencyKey.objects.filter(created_at__lt=Now() - KEPT_FOR)),
    }


def _delete(expired: QuerySet[Any]) -> int:
    total = 0
    while True:
        batch = expired.model.objects.filter(pk__in=expired.values("pk")[:BATCH])
        deleted, _ = batch.delete()
        total += deleted
        if deleted < BATCH:
            return total
