"""Who in fact receives what is sent to an organisation: itself, or its head office where it has nobody."""

import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import BooleanField, Exists, F, OuterRef, Q, QuerySet
from django.db.models.functions import Coalesce

from community.models import Membership, Organisation


@dataclass(frozen=True, slots=True)
class Receiver:
    """An organisation that work was meant for, and who takes it; `receiver_id` is None when nobody is there."""

    organisation_id: uuid.UUID
    kind: str
    function: str
    street_id: uuid.UUID | None
    receiver_id: uuid.UUID | None


def _staffed(organisation: str, day: date) -> Exists:
    live = Membership.objects.filter(
        Q(ends_on=None) | Q(ends_on__gte=day),
        organisation=OuterRef(organisation),
        starts_on__lte=day,
        person__is_active=True,
    )
    return Exists(live)


def local_day(at: datetime) -> date:
    """The date of `at` where the server's streets lie."""
    return at.astimezone(ZoneInfo(settings.TIME_ZONE)).date()


def receives(organisation: str, day: date) -> Exists:
    """Whether the organisation in the column `organisation` receives for itself on `day`; an expression for a query."""
    there = Organisation.objects.filter(
        Q(dissolved_on=None) | Q(dissolved_on__gt=day), _staffed("pk", day), pk=OuterRef(organisation), active=True
    )
    return Exists(there)


def receivers(ids: Collection[uuid.UUID], at: datetime) -> Mapping[uuid.UUID, Receiver]:
    """Who receives for each of the organisations `ids` on the day of `at`, in one statement; inactive ones are left out."""
    day = local_day(at)
    rows: QuerySet[Organisation] = Organisation.objects.filter(
        Q(dissolved_on=None) | Q(dissolved_on__gt=day), pk__in=set(ids), active=True
    )
    found = rows.annotate(
        staffed=_staffed("pk", day),
        head_staffed=_staffed("parent", day),
        head_active=Coalesce(F("parent__active"), False, output_field=BooleanField()),
    ).values_list("pk", "kind", "function", "street_id", "parent_id", "staffed", "head_staffed", "head_active")
    return {
        pk: Receiver(pk, kind, function, street, pk if staffed else head if head_staffed and head_active else None)
        for pk, kind, function, street, head, staffed, head_staffed, head_active in found
    }
