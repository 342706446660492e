"""WeChat's access token (`getStableAccessToken`): shared by all workers, kept in PostgreSQL, fetched by one worker at a time.

A worker that finds the token near its end claims the fetching in one committed UPDATE, asks WeChat outside any
transaction, and stores the answer. The other workers use the old token while it is valid, and otherwise wait a moment
for the new one. In the last five minutes WeChat answers with a new token while the old one stays valid; before that
it answers with the same one.
"""

import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q, QuerySet
from django.db.models.functions import Now

from notifications.channels.channel import TryLater, Undelivered
from notifications.channels.http import HttpClient
from notifications.models import AccessToken

EARLY = timedelta(minutes=4)
"""So long before its end the next one is fetched: within the five minutes in which WeChat gives one."""
LAST = timedelta(seconds=30)
"""So long before its end a token is no longer used."""
CLAIM = timedelta(seconds=20)
"""For so long one worker fetches; more than two exchanges take."""
PAUSE = timedelta(seconds=3)
"""Wait after a failed fetch, for all workers."""
FORCE_AGAIN = timedelta(minutes=80)
"""WeChat can be made to change the token 20 times a day; so far apart, it is asked to 18 times."""
PATIENCE, GLANCE = 8.0, 0.1
"""Seconds that a worker waits for another worker's fetch, and between two looks at its result."""
_REASON_LENGTH = 200
_REASONS = {
    40013: "WECHAT_APP_ID is unknown at WeChat",
    40125: "WECHAT_APP_SECRET is not WeChat's",
    40164: "this server's address is not in the mini-program's IP whitelist",
    41002: "WECHAT_APP_ID is missing",
    41004: "WECHAT_APP_SECRET is missing",
}


@dataclass(frozen=True, slots=True)
class WechatToken:
    """An access token. `refreshed_at` distinguishes it from the next token."""

    value: str
    refreshed_at: datetime | None


class TokenKeeper:
    """Keeps the access token of one app."""

    def __init__(self, client: HttpClient, base_url: str, app_id: str, secret: str):
        self._client, self._url, self._app_id, self._secret = client, f"{base_url}/cgi-bin/stable_token", app_id, secret

    def token(self) -> WechatToken:
        """A valid token, fetched over the network where necessary, so never in a transaction. Raises TryLater where there is none."""
        end = time.monotonic() + PATIENCE
        while True:
            row = self._look()
            old = row.now + LAST < (row.expires_at or row.now) and row.token
            if old and row.now + EARLY < row.expires_at:
                return WechatToken(old, row.refreshed_at)
            if claimed := self._claim(row, row.refreshed_at):
                try:
                    return self._keep(claimed, *self._ask(claimed, force=False))
                except TryLater:
                    if not old:
                        raise
            if old:
                return WechatToken(old, row.refreshed_at)
            _wait(row, end)

    def after(self, refused: WechatToken) -> WechatToken:
        """A token to replace one that WeChat has refused. Raises TryLater where there is none yet.

        Where WeChat keeps answering with the refused token, it is made to change it, but not more often than its
        limit allows.
        """
        end = time.monotonic() + PATIENCE
        while True:
            row = self._look()
            if row.token and row.refreshed_at != refused.refreshed_at:
                return WechatToken(row.token, row.refreshed_at)
            if claimed := self._claim(row, refused.refreshed_at):
                found, lasts = self._ask(claimed, force=False)
                if found == refused.value:
                    self._may_force(claimed)
                    found, lasts = self._ask(claimed, force=True)
                return self._keep(claimed, found, lasts)
            _wait(row, end)

    def _row(self) -> QuerySet[AccessToken]:
        return AccessToken.objects.filter(pk=self._app_id)

    def _look(self) -> Any:
        """The stored row, and `now` by PostgreSQL's clock."""
        there = self._row().annotate(now=Now())
        found = there.first()
        if found is None:
            AccessToken.objects.bulk_create([AccessToken(app_id=self._app_id)], ignore_conflicts=True)
            found = there.get()
        return found

    def _claim(self, row: Any, known: datetime | None) -> datetime | None:
        """Claim the fetch, unless another worker has claimed it or the token has changed. Returns the moment of the claim, or None."""
        free = Q(claimed_until=None) | Q(claimed_until__lt=Now())
        same = Q(refreshed_at=known) if known else Q(refreshed_at=None)
        mine = self._row().filter(free, same).update(claimed_until=row.now + CLAIM, error="")
        return row.now if mine else None

    def _may_force(self, claimed: datetime) -> None:
        """Go on, where WeChat may be made to change the token once more. Raises TryLater otherwise."""
        rested = Q(forced_at=None) | Q(forced_at__lt=Now() - FORCE_AGAIN)
        if not self._row().filter(rested, claimed_until=claimed + CLAIM).update(forced_at=Now()):
            raise self._failed(claimed, "WeChat refuses the access token that it gives.")

    def _ask(self, claimed: datetime, *, force: bool) -> tuple[str, timedelta]:
        """The token that WeChat gives, and how long it is good. Raises TryLater."""
        asked = {
            "grant_type": "client_credential",
            "appid": self._app_id,
            "secret": self._secret,
            "force_refresh": force,
        }
        try:
            answer = self._client.post_json(self._url, asked).accepted().json()
        except Undelivered as problem:
            # A repeat does no harm, even if the first request arrived.
            raise self._failed(claimed, f"No access token of WeChat: {problem.reason}") from None
        token, lasts = answer.get("access_token"), answer.get("expires_in")
        if isinstance(token, str) and token and isinstance(lasts, int):
            return token, timedelta(seconds=lasts)
        code = answer.get("errcode")
        known = _REASONS.get(code) if isinstance(code, int) else None
        raise self._failed(claimed, f"No access token of WeChat: {known or f'errcode {code}'}.")

    def _failed(self, claimed: datetime, reason: str) -> TryLater:
        """Record the failure for all workers. For a moment no worker asks again. Returns the error to raise."""
        reason = reason[:_REASON_LENGTH]
        self._row().filter(claimed_until=claimed + CLAIM).update(claimed_until=Now() + PAUSE, error=reason)
        return TryLater(reason)

    def _keep(self, claimed: datetime, token: str, lasts: timedelta) -> WechatToken:
        """Store the token for all workers, unless another worker has claimed the fetch meanwhile. Returns the token."""
        self._row().filter(claimed_until=claimed + CLAIM).update(
            token=token, refreshed_at=claimed, expires_at=claimed + lasts, claimed_until=None
        )
        return WechatToken(token, claimed)


def _wait(row: Any, end: float) -> None:
    """Wait a moment for the worker that fetches. Raises TryLater if its fetch has failed, or `end` has passed."""
    if row.error:
        raise TryLater(row.error)
    if time.monotonic() > end:
        raise TryLater("WeChat's access token is still being fetched.")
    time.sleep(GLANCE)
