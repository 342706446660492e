"""How many WeChat messages people still allow: counted when they tap, used up by a delivery, given back if it certainly did not arrive.

WeChat keeps the count that matters and does not show it. Ours follows it. Each delivery uses one message of a grant
once, however often it is retried. When WeChat says that none is left, ours becomes none. So our count may be too high
until the next message is refused, and too low by the messages whose outcome nobody learnt.
"""

import uuid
from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.db.models import Case, F, Q, Value, When
from django.db.models.functions import Least, Now

from notifications.models import Delivery, Grant, SpentGrant, Wording
from notifications.models.wechat import GrantQuerySet
from notifications.models.wording import ANY
from notifications.topics import ChannelName, DeliveryState

MOST = 1000
"""Messages of a template that one account can allow in advance; more are not counted."""
ACCEPTED = "accept"
"""With this begins every word of WeChat for a yes: also acceptWithAudio, acceptWithAlert, acceptWithForcePush."""
DECLINED = frozenset({"reject", "ban"})


@dataclass(frozen=True, slots=True)
class Taken:
    """A grant that a delivery has used; `changed_at` is when the person last changed it."""

    delivery: uuid.UUID
    attempt: int
    grant: uuid.UUID
    openid: str
    changed_at: datetime


def templates() -> Mapping[str, list[str]]:
    """The templates in use, with the kinds of messages of each. `*` stands for every kind without a template of its own."""
    found: dict[str, set[str]] = defaultdict(set)
    if settings.WECHAT_TEMPLATE:
        found[settings.WECHAT_TEMPLATE].add(ANY)
    worded = Wording.objects.filter(channel=ChannelName.WECHAT).values_list("kind", "template").distinct()
    for kind, template in worded:
        if template or settings.WECHAT_TEMPLATE:
            found[template or settings.WECHAT_TEMPLATE].add(kind)
    return {template: sorted(kinds) for template, kinds in found.items()}


def report(person: uuid.UUID, openid: str, taps: Mapping[str, str]) -> None:
    """Count what the person tapped for each template, in WeChat's words. Other words than yes or no change nothing.

    Call it in a transaction that has locked the person's WeChat account.
    """
    accepted = {template for template, tap in taps.items() if tap.startswith(ACCEPTED)}
    declined = {template for template, tap in taps.items() if tap in DECLINED}
    new = [Grant(person_id=person, openid=openid, template=template) for template in sorted(accepted)]
    Grant.objects.bulk_create(new, ignore_conflicts=True)
    standing = Q(template__in=settings.WECHAT_STANDING_TEMPLATES)
    Grant.objects.filter(openid=openid, template__in=accepted).update(
        standing=Case(When(standing, then=True), default=False),
        remaining=Case(When(standing, then=Value(0)), default=Least(F("remaining") + 1, Value(MOST))),
        changed_at=Now(),
    )
    _end(Grant.objects.filter(openid=openid, template__in=declined))


def granted(openid: str) -> Mapping[str, Grant]:
    """The grants of a WeChat account, by template."""
    return {one.template: one for one in Grant.objects.filter(openid=openid)}


def forget(person: uuid.UUID) -> None:
    """Delete everything that the person has allowed, when none of their WeChat accounts is theirs any more."""
    _remove(Grant.objects.filter(person_id=person))


def forget_account(openid: str, *, keep: uuid.UUID | None = None) -> None:
    """Delete what was allowed to a WeChat account, except by the person `keep` who owns it now."""
    grants = Grant.objects.filter(openid=openid)
    _remove(grants if keep is None else grants.exclude(person_id=keep))


def reachable(people: Collection[uuid.UUID], template: str) -> set[uuid.UUID]:
    """Those of `people` who allow one more message of the template."""
    return set(Grant.objects.usable(template).filter(person__in=people).values_list("person", flat=True))


def take(delivery: uuid.UUID, attempt: int, person: uuid.UUID, template: str) -> Taken | None:
    """Use one message of the person's newest grant for the delivery, unless an earlier attempt has done so.

    None where none is left, or where a later attempt has begun.
    """
    with transaction.atomic():
        mine = Delivery.objects.filter(pk=delivery, attempts=attempt, state=DeliveryState.SENDING)
        if not mine.select_for_update().values_list("pk"):
            return None
        if spent := SpentGrant.objects.filter(pk=delivery).select_related("grant").first():
            SpentGrant.objects.filter(pk=delivery).update(attempt=0)
            return Taken(delivery, 0, spent.grant_id, spent.grant.openid, spent.grant.changed_at)
        usable = Grant.objects.usable(template).filter(person=person).order_by("-changed_at", "-id")
        grant = usable.select_for_update().first()
        if grant is None:
            return None
        if not grant.standing:
            Grant.objects.filter(pk=grant.pk).update(remaining=F("remaining") - 1)
            SpentGrant.objects.create(delivery_id=delivery, grant=grant, attempt=attempt)
        return Taken(delivery, attempt, grant.pk, grant.openid, grant.changed_at)


def give_back(taken: Taken) -> None:
    """The message certainly did not arrive: give back what this attempt used. What an earlier attempt used stays used."""
    if not taken.attempt:
        return
    with transaction.atomic():
        _locked(Grant.objects.filter(pk=taken.grant))
        mine = SpentGrant.objects.filter(pk=taken.delivery, attempt=taken.attempt, grant=taken.grant)
        if mine.delete()[0]:
            Grant.objects.filter(pk=taken.grant).update(remaining=F("remaining") + 1)


def end(taken: Taken) -> None:
    """WeChat says that nothing is left of the grant. Set it to nothing, unless the person has allowed more meanwhile."""
    _end(Grant.objects.filter(pk=taken.grant, changed_at=taken.changed_at))


def _end(grants: GrantQuerySet) -> None:
    """Set the grants to nothing, and let no delivery give anything back to them."""
    with transaction.atomic():
        ended = _locked(grants)
        SpentGrant.objects.filter(grant__in=ended).delete()
        Grant.objects.filter(pk__in=ended).update(remaining=0, standing=False)


def _remove(grants: GrantQuerySet) -> None:
    with transaction.atomic():
        Grant.objects.filter(pk__in=_locked(grants)).delete()


def _locked(grants: GrantQuerySet) -> list[uuid.UUID]:
    """Lock the grants. Always lock them before the rows of spent messages, so that two callers cannot deadlock."""
    return list(grants.order_by("pk").select_for_update().values_list("pk", flat=True))
