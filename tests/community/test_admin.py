"""The administrator's pages for people and places."""

import pytest
from django.contrib.admin import site
from django.contrib.auth.models import Permission
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from community.models import Compound, Membership, Organisation, Person, ServiceContract

pytestmark = pytest.mark.django_db
PAGES = [model for model in site._registry if model._meta.app_label == "community"]


def page(model, action="changelist", *args):
    return reverse(f"admin:community_{model._meta.model_name}_{action}", args=args)


@pytest.fixture
def administrator(client, cast):
    client.force_login(cast["administrator"])
    return client


@pytest.fixture
def clerk(client, cast):
    """A member of staff who may change persons, and is no superuser."""
    person = cast["desk_officer"]
    person.is_staff = True
    person.save(update_fields=["is_staff"])
    person.user_permissions.set(
        Permission.objects.filter(content_type__app_label="community", content_type__model="person")
    )
    client.force_login(person)
    return client


@pytest.mark.parametrize("model", PAGES, ids=lambda model: model.__name__)
def test_a_list_costs_the_same_for_one_row_and_for_many(administrator, model):
    with CaptureQueriesContext(connection) as one:
        found = administrator.get(page(model), {"id__exact": model.objects.first().pk}).context["cl"]
        assert found.result_count == 1
    with CaptureQueriesContext(connection) as many:
        assert administrator.get(page(model)).status_code == 200
    assert len(many) <= len(one)


@pytest.mark.parametrize("model", PAGES, ids=lambda model: model.__name__)
def test_search_and_the_form_answer(administrator, model):
    assert administrator.get(page(model), {"q": "学院路"}).status_code == 200
    assert administrator.get(page(model, "change", model.objects.first().pk)).status_code == 200
    assert administrator.get(page(model, "add")).status_code == 200


@pytest.mark.parametrize(
    ("live", "codes"), [("now", {"P-A01"}), ("over", {"P-A01-2018", "E-A01-2020"}), ("later", set())]
)
def test_contracts_are_filtered_by_whether_they_are_in_force(administrator, live, codes):
    answer = administrator.get(page(ServiceContract), {"live": live, "q": "A01"})
    assert {contract.code for contract in answer.context["cl"].queryset} - {"T-A01"} == codes


def test_the_pages_read_in_chinese_and_in_english(administrator):
    assert "服务合同" in administrator.get(page(ServiceContract)).content.decode()
    assert (
        "service contract"
        in administrator.get(page(ServiceContract), headers={"accept-language": "en"}).content.decode()
    )


def test_a_person_page_never_shows_a_password(administrator, cast):
    shown = administrator.get(page(Person, "change", cast["administrator"].pk)).content.decode()
    assert cast["administrator"].phone in shown
    assert cast["administrator"].password not in shown
    assert "pbkdf2" not in shown
    assert 'name="password"' not in shown


def test_a_person_added_here_has_no_password(administrator):
    answer = administrator.post(page(Person, "add"), {
        "phone": "19900008001", "name": "王小明", "language": "zh-hans", "is_active": "on",
    })  # fmt: skip
    assert answer.status_code == 302
    assert not Person.objects.get(phone="19900008001").has_usable_password()


def test_a_wrong_phone_is_refused(administrator):
    answer = administrator.post(page(Person, "add"), {"phone": "12345", "name": "王小明", "language": "zh-hans"})
    assert "请填写11位大陆手机号。" in answer.content.decode()
    assert not Person.objects.filter(name="王小明").exists()


def test_a_row_that_crosses_a_street_is_refused(administrator, cast):
    shared = Organisation.objects.get(code="dept-police")
    answer = administrator.post(page(Membership, "add"), {
        "person": cast["outsider"].pk, "organisation": Organisation.objects.get(code="section-desk").pk,
        "role": "officer", "starts_on": "2021-01-01",
    })  # fmt: skip
    assert "不属于同一街道。" in answer.content.decode()
    assert not Membership.objects.filter(person=cast["outsider"]).exists()
    answer = administrator.post(page(Membership, "add"), {
        "person": cast["outsider"].pk, "organisation": shared.pk, "role": "liaison", "starts_on": "2021-01-01",
    })  # fmt: skip
    assert answer.status_code == 302
    assert Membership.objects.filter(person=cast["outsider"], organisation=shared).exists()


@pytest.mark.parametrize("model", PAGES, ids=lambda model: model.__name__)
def test_an_empty_form_is_asked_for_what_it_lacks(administrator, street, model):
    before = model.objects.count()
    answer = administrator.post(page(model, "add"), {"street": street.pk})
    assert answer.status_code == 200
    assert answer.context["adminform"].form.errors
    assert model.objects.count() == before


def test_a_resident_does_not_enter(client, cast):
    client.force_login(cast["resident"])
    assert client.get(page(Compound)).status_code == 302


def test_a_clerk_changes_residents_but_gives_no_rights(clerk, cast):
    address = page(Person, "change", cast["resident"].pk)
    answer = clerk.post(address, {
        "phone": cast["resident"].phone, "name": "新名字", "language": "zh-hans", "is_active": "on",
        "is_staff": "on", "is_superuser": "on",
    })  # fmt: skip
    assert answer.status_code == 302
    changed = Person.objects.get(pk=cast["resident"].pk)
    assert (changed.name, changed.is_staff, changed.is_superuser) == ("新名字", False, False)


def test_a_clerk_does_not_change_or_delete_staff(clerk, cast):
    administrator = cast["administrator"]
    answer = clerk.post(page(Person, "change", administrator.pk), {
        "phone": "19900008001", "name": administrator.name, "language": "zh-hans", "is_active": "on",
    })  # fmt: skip
    assert answer.status_code == 403
    assert clerk.post(page(Person, "delete", administrator.pk), {"post": "yes"}).status_code == 403
    clerk.post(page(Person), {"action": "delete_selected", "_selected_action": [administrator.pk], "post": "yes"})
    assert Person.objects.get(pk=administrator.pk).phone == administrator.phone
