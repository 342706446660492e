"""What a street's clerk may do in the admin, ready to be given: a group of permissions."""

from django.contrib.auth.models import Group, Permission
from django.db import transaction
from django.db.models import Value
from django.db.models.functions import Concat

MESSAGES = "街道文员：工单与通知 (street clerk: tickets and messages)"
"""The group's name in both languages, because a group has a single name."""
PERMISSIONS = (
    "tickets.view_ticket",
    "tickets.view_assignment",
    "tickets.view_ticketevent",
    "notifications.view_delivery",
    "notifications.change_delivery",
    "notifications.view_wording",
    "notifications.change_wording",
    *(
        f"notifications.{verb}_{receiver}"
        for receiver in ("robot", "endpoint")
        for verb in ("view", "add", "change", "delete")
    ),
)
"""Read tickets, see what was sent and send it anew, change the wordings, look after robots and webhooks; all in one's own street."""


@transaction.atomic
def load() -> bool:
    """Write the group down where there is none of its name, and say whether there was none; one that is there stays as it is."""
    group, new = Group.objects.get_or_create(name=MESSAGES)
    if new:
        named = Permission.objects.annotate(named=Concat("content_type__app_label", Value("."), "codename"))
        group.permissions.set(named.filter(named__in=PERMISSIONS))
    return new
