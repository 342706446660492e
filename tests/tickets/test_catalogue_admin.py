"""The administrator's way to a new version of the catalogue."""

from datetime import timedelta

import pytest
from django.contrib.auth import get_user_model
from django.urls import reverse
from django.utils import timezone

from tickets import catalogue
from tickets.models import Category, CategoryVersion

VERSIONS = "admin:tickets_categoryversion_changelist"


@pytest.fixture
def admin_page(db, client):
    client.force_login(get_user_model().objects.create_superuser("13900000000", name="管理员"))
    catalogue.forget()
    yield client
    catalogue.forget()


@pytest.fixture
def version(db):
    return CategoryVersion.objects.get()


def act(client, name, *versions):
    chosen = {"action": name, "_selected_action": [str(version.pk) for version in versions]}
    return client.post(reverse(VERSIONS), chosen, follow=True)


def draft_of(client, version):
    act(client, "copy_as_draft", version)
    return CategoryVersion.objects.get(published_at=None)


def test_a_new_version_is_copied_edited_and_published(admin_page, version):
    draft = draft_of(admin_page, version)
    tomorrow = timezone.localtime() + timedelta(days=1)
    page = reverse("admin:tickets_categoryversion_change", args=[draft.pk])
    form = {
        "source": "街道",
        "notes": "",
        "effective_from_0": f"{tomorrow:%Y-%m-%d}",
        "effective_from_1": f"{tomorrow:%H:%M:%S}",
    }
    assert admin_page.post(page, form).status_code == 302

    leaf = draft.categories.get(code="CL03")
    page = reverse("admin:tickets_category_change", args=[leaf.pk])
    form = admin_page.get(page).context["adminform"].form.initial | {
        "version": draft.pk,
        "co_parties": "section:city",
        "name_en": "Bins that overflow",
    }
    assert admin_page.post(page, form).status_code == 302

    act(admin_page, "publish", draft)
    draft.refresh_from_db()
    assert draft.published_at is not None
    catalogue.forget()
    changed = catalogue.current(tomorrow).leaf("CL03")
    assert (changed.name_en, changed.co_parties) == ("Bins that overflow", ("section:city",))
    assert catalogue.current(timezone.now()).leaf("CL03").name_en == "Overflowing bins"


@pytest.mark.parametrize("effective_from", [None, timedelta(days=-1)])
def test_a_draft_without_a_date_to_come_is_not_published(admin_page, version, effective_from):
    draft = draft_of(admin_page, version)
    if effective_from is not None:
        draft.effective_from = timezone.now() + effective_from
        draft.save()
    answer = act(admin_page, "publish", draft)
    draft.refresh_from_db()
    assert draft.published_at is None
    assert [message.level_tag for message in answer.context["messages"]] == ["error"]


def test_an_action_takes_one_version(admin_page, version):
    draft = draft_of(admin_page, version)
    act(admin_page, "copy_as_draft", version, draft)
    assert CategoryVersion.objects.count() == 2


def test_a_published_version_is_read_only_in_the_admin(admin_page, version):
    leaf = version.categories.get(code="CL03")
    before = list(Category.objects.order_by("pk").values())
    for kind, row in (("categoryversion", version), ("category", leaf)):
        page = reverse(f"admin:tickets_{kind}_change", args=[row.pk])
        assert admin_page.get(page).status_code == 200
        assert admin_page.post(page, {"name_zh": "改", "source": "改"}).status_code == 403
        assert (
            admin_page.post(reverse(f"admin:tickets_{kind}_delete", args=[row.pk]), {"post": "yes"}).status_code == 403
        )
    assert list(Category.objects.order_by("pk").values()) == before
    assert CategoryVersion.objects.get().source == version.source


def test_a_category_is_not_added_to_a_published_version(admin_page, version):
    page = reverse("admin:tickets_category_add")
    form = {
        "version": version.pk, "code": "CL99", "group": "CL", "group_zh": "环境卫生", "group_en": "Cleaning",
        "name_zh": "新", "name_en": "New", "disposal_class": "D7", "response_class": "R24H", "lead": "provider",
        "co_parties": "", "route": "direct", "external_code": "039900",
    }  # fmt: skip
    assert admin_page.post(page, form).status_code == 200
    assert not Category.objects.filter(code="CL99").exists()
    draft = draft_of(admin_page, version)
    assert admin_page.post(page, form | {"version": draft.pk}).status_code == 302
    assert draft.categories.filter(code="CL99").exists()


def test_an_unknown_party_is_refused_in_the_form(admin_page, version):
    draft = draft_of(admin_page, version)
    leaf = draft.categories.get(code="CL03")
    page = reverse("admin:tickets_category_change", args=[leaf.pk])
    initial = admin_page.get(page).context["adminform"].form.initial
    answer = admin_page.post(page, initial | {"co_parties": "section:nobody"})
    assert "co_parties" in answer.context["adminform"].form.errors
    leaf.refresh_from_db()
    assert leaf.co_parties == ["department:city_management", "section:city"]


def test_nobody_adds_a_version_from_nothing(admin_page):
    assert admin_page.get(reverse("admin:tickets_categoryversion_add")).status_code == 403
