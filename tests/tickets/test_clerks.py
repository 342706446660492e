import pytest
from django.contrib.auth.models import Group
from django.core.management import call_command
from django.urls import reverse

from tickets import clerks

pytestmark = pytest.mark.django_db

KEPT = [
    "tickets_ticket", "notifications_delivery", "notifications_wording", "notifications_robot", "notifications_endpoint",
]  # fmt: skip


@pytest.fixture
def group():
    """The clerks' group, as the reference data brings it."""
    return Group.objects.get(name=clerks.MESSAGES)


def test_every_permission_of_the_group_is_one(group):
    given = {f"{one.content_type.app_label}.{one.codename}" for one in group.permissions.select_related("content_type")}
    assert given == set(clerks.PERMISSIONS)


def test_the_demo_s_clerk_sees_what_a_clerk_looks_after_and_nothing_else(client, cast, filed):
    client.force_login(cast["general_officer"])
    for name in KEPT:
        assert client.get(reverse(f"admin:{name}_changelist")).status_code == 200, name
    assert client.get(reverse("admin:tickets_ticket_messages", args=[filed["id"]])).status_code == 200
    for name in ("notifications_robot", "notifications_endpoint"):
        assert client.get(reverse(f"admin:{name}_add")).status_code == 200, name
    for name in ("community_person", "community_membership", "auth_group", "tickets_servicelevelversion"):
        assert client.get(reverse(f"admin:{name}_changelist")).status_code == 403, name


def test_what_an_office_made_of_the_group_stays(group):
    (removed,) = group.permissions.filter(codename="delete_endpoint")
    group.permissions.remove(removed)
    call_command("load_reference", verbosity=0)
    assert removed not in group.permissions.all()
