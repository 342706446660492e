"""The administrator's pages for people and places."""

import pytest
from django.contrib.admin import site
from django.contrib.auth.models import Permission
from django.urls import reverse

from community import signin
from community.models import (
    Area,
    Building,
    Community,
    Compound,
    Household,
    Membership,
    Organisation,
    Person,
    Residency,
    ServiceContract,
    SignInToken,
    Street,
    WechatAccount,
)
from tests.statements import statements

pytestmark = pytest.mark.django_db
PAGES = [model for model in site._registry if model._meta.app_label == "community"]


def page(model, action="changelist", *args):
    return reverse(f"admin:community_{model._meta.model_name}_{action}", args=args)


@pytest.fixture
def clerk(staff):
    """A member of staff who may change persons, and is no superuser."""
    return staff(
        "desk_officer",
        "community.view_person",
        "community.add_person",
        "community.change_person",
        "community.delete_person",
    )


@pytest.mark.parametrize("model", PAGES, ids=lambda model: model.__name__)
def test_a_list_costs_the_same_for_one_row_and_for_many(administrator, model):
    with statements() as one:
        found = administrator.get(page(model), {"id__exact": model.objects.first().pk}).context["cl"]
        assert found.result_count == 1
    with statements() as many:
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
    assert "请填写11位大陆手机号，如 13800138000。" in answer.content.decode()
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


@pytest.fixture
def elsewhere(cast):
    """Another street, with a body, a place, and a person who lives and one who sits there."""
    street = Street.objects.create(code="other", name="另一街道")
    body = Organisation.objects.create(street=street, code="desk", kind="section", function="desk", name="另一中心")
    committee = Organisation.objects.create(street=street, code="rc", kind="residents_committee", name="另一居委会")
    community = Community.objects.create(street=street, code="c", name="另一社区", residents_committee=committee)
    area = Area.objects.create(street=street, code="a", name="另一区域", residential_type="old")
    compound = Compound.objects.create(street=street, code="x", name="另一小区", area=area, community=community)
    building = Building.objects.create(street=street, compound=compound, code="1", name="1号楼")
    Household.objects.create(street=street, building=building, door="101", exclusive_area=50)
    resident = Person.objects.create_user("19900008101", name="那边居民")
    officer = Person.objects.create_user("19900008102", name="那边干部")
    Residency.objects.create(
        street=street, person=resident, compound=compound, relation="owner", starts_on="2020-01-01"
    )
    Membership.objects.create(
        street=street, person=officer, organisation=body, role="officer", starts_on="2020-01-01"
    )  # fmt: skip
    ServiceContract.objects.create(street=street, code="k", provider=body, kind="utility", starts_on="2020-01-01")
    return street


def given_all(person) -> None:
    """Every permission on people and places."""
    person.user_permissions.set(Permission.objects.filter(content_type__app_label="community"))


@pytest.mark.parametrize("model", PAGES, ids=lambda model: model.__name__)
def test_a_clerk_sees_and_opens_the_rows_of_their_own_street_alone(clerk, cast, street, elsewhere, model):
    given_all(cast["desk_officer"])
    listed = clerk.get(page(model), {"all": ""}).context["cl"].queryset
    path = "pk" if model is Street else "street"
    theirs = (
        model.objects.filter(**{path: elsewhere.pk})
        if model is not Person
        else Person.objects.filter(name__startswith="那边")
    )
    assert theirs.exists()
    assert listed.exists()
    assert not listed.filter(pk__in=theirs.values("pk")).exists()
    row = theirs.first()
    assert clerk.get(page(model, "change", row.pk)).status_code == 302
    assert clerk.post(page(model, "delete", row.pk), {"post": "yes"}).status_code == 302
    assert model.objects.filter(pk=row.pk).exists()


def test_a_clerk_chooses_only_what_is_of_their_street(clerk, cast, street, elsewhere):
    given_all(cast["desk_officer"])
    area, community = Area.objects.get(code="A01"), Community.objects.get(code="xuezhi")
    there = Area.objects.get(code="a")
    for fields in ({"area": there.pk}, {"street": elsewhere.pk}, {"community": Community.objects.get(code="c").pk}):
        form = {
            "street": street.pk,
            "code": "X99",
            "name": "新小区",
            "area": area.pk,
            "community": community.pk,
        } | fields
        answer = clerk.post(page(Compound, "add"), form)
        assert set(fields) <= set(answer.context["adminform"].form.errors)
    assert not Compound.objects.filter(code="X99").exists()
    found = clerk.get("/admin/autocomplete/", {
        "app_label": "community", "model_name": "compound", "field_name": "area", "term": "另一",
    }).json()  # fmt: skip
    assert found["results"] == []


def test_a_clerk_makes_nothing_that_all_streets_share_and_changes_nothing_of_it(clerk, cast, street):
    given_all(cast["desk_officer"])
    form = {"code": "new", "kind": "company", "name": "新公司"}
    assert "street" in clerk.post(page(Organisation, "add"), form).context["adminform"].form.errors
    shared = Organisation.objects.get(code="co-tianyueheng")
    assert shared in clerk.get(page(Organisation), {"q": "天岳恒"}).context["cl"].queryset
    assert clerk.post(page(Organisation, "change", shared.pk), form).status_code == 403
    assert clerk.post(page(Organisation, "delete", shared.pk), {"post": "yes"}).status_code == 403
    assert clerk.get(page(Street, "add")).status_code == 403
    assert Organisation.objects.get(pk=shared.pk).name == shared.name


def test_staff_without_a_seat_in_an_office_see_nothing(clerk, cast):
    given_all(cast["desk_officer"])
    Membership.objects.filter(person=cast["desk_officer"]).update(ends_on="2021-01-01")
    for model in (Compound, Membership, Residency, Street):
        assert not clerk.get(page(model)).context["cl"].queryset.exists()
    assert not clerk.get(page(Person)).context["cl"].queryset.exists()


def test_phones_are_masked_in_lists_and_found_by_the_whole_number_only(clerk, administrator, cast):
    resident = cast["resident"]
    shown = administrator.get(page(Person), {"q": resident.name}).content.decode()
    assert "199****0001" in shown
    assert resident.phone not in shown
    for client in (clerk, administrator):
        assert resident in client.get(page(Person), {"q": resident.phone}).context["cl"].queryset
        for part in (resident.phone[:10], resident.phone[1:], "1990000"):
            assert not client.get(page(Person), {"q": part}).context["cl"].queryset.exists()
    assert administrator.get(page(Residency), {"q": resident.phone}).context["cl"].result_count == 1
    assert administrator.get(page(Residency), {"q": resident.phone[:10]}).context["cl"].result_count == 0


@pytest.mark.parametrize(
    ("model", "lookup"),
    [
        (Person, {"phone__startswith": "1990"}),
        (Person, {"phone__gt": "1990"}),
        (Person, {"password__startswith": "pbkdf2"}),
        (Membership, {"person__phone__startswith": "1990"}),
        (Residency, {"person__password__startswith": "pbkdf2"}),
    ],
)
def test_no_filter_asks_for_parts_of_a_phone_or_a_password(administrator, model, lookup):
    assert administrator.get(page(model), lookup).status_code == 400


def test_who_belongs_nowhere_is_found_by_the_whole_number_alone(clerk, cast):
    newcomer = Person.objects.create_user("19900008001", name="新来的")
    assert newcomer not in clerk.get(page(Person), {"q": "新来的"}).context["cl"].queryset
    assert newcomer not in clerk.get(page(Person)).context["cl"].queryset
    assert newcomer in clerk.get(page(Person), {"q": newcomer.phone}).context["cl"].queryset
    given_all(cast["desk_officer"])
    answer = clerk.post(page(Membership, "add"), {
        "street": (office := Organisation.objects.get(code="po-a22")).street_id, "organisation": office.pk,
        "person": newcomer.pk, "role": "dispatcher", "starts_on": "2021-01-01",
    })  # fmt: skip
    assert answer.status_code == 302
    assert newcomer.memberships.get().organisation == office


def test_a_clerk_cannot_take_over_whoever_has_a_seat(clerk, cast):
    given_all(cast["desk_officer"])
    for key in ("dispatcher", "worker"):
        shown = clerk.get(page(Person, "change", cast[key].pk)).content.decode()
        assert cast[key].masked_phone in shown
        assert cast[key].phone not in shown
        answer = clerk.post(page(Person, "change", cast[key].pk), {
            "phone": "19900008001", "name": "新名字", "language": "zh-hans", "is_active": "on",
        })  # fmt: skip
        assert answer.status_code == 302
        changed = Person.objects.get(pk=cast[key].pk)
        assert (changed.phone, changed.name) == (cast[key].phone, "新名字")


@pytest.mark.parametrize("key", ["street_lead", "traffic_liaison", "head_manager"])
def test_a_clerk_neither_changes_nor_deletes_a_lead_or_who_sits_elsewhere(clerk, cast, street, key):
    given_all(cast["desk_officer"])
    person = cast[key]
    # A home in the street brings the others into sight.
    Residency.objects.create(
        street=street, person=person, compound=Compound.objects.get(code="X01"), relation="tenant", starts_on="2020-01-01"
    )  # fmt: skip
    address = page(Person, "change", person.pk)
    assert person.phone not in clerk.get(address).content.decode()
    form = {"phone": "19900008001", "name": "新名字", "language": "zh-hans"}
    assert clerk.post(address, form).status_code == 403
    assert clerk.post(page(Person, "delete", person.pk), {"post": "yes"}).status_code == 403
    clerk.post(page(Person), {"action": "sign_out", "_selected_action": [person.pk]})
    kept = Person.objects.get(pk=person.pk)
    assert (kept.phone, kept.name, kept.is_active, kept.sign_outs) == (person.phone, person.name, True, 0)


def seat(organisation, person, role):
    """The form of a new seat."""
    body = Organisation.objects.get(code=organisation)
    return {
        "street": body.street_id or "", "organisation": body.pk, "person": person.pk, "role": role, "starts_on": "2021-01-01",
    }  # fmt: skip


def test_a_lead_is_named_and_unseated_by_superusers_only(clerk, administrator, client, cast):
    given_all(cast["desk_officer"])
    clerk.force_login(cast["desk_officer"])
    answer = clerk.post(page(Membership, "add"), seat("office", cast["neighbour"], "lead"))
    assert list(answer.context["adminform"].form.errors) == ["role"]
    lead = Membership.objects.get(person=cast["street_lead"])
    assert (
        clerk.post(page(Membership, "change", lead.pk), seat("office", cast["neighbour"], "officer")).status_code == 403
    )
    assert clerk.post(page(Membership, "delete", lead.pk), {"post": "yes"}).status_code == 403
    assert clerk.post(page(Membership, "add"), seat("office", cast["neighbour"], "officer")).status_code == 302
    mine = Membership.objects.get(person=cast["neighbour"])
    answer = clerk.post(page(Membership, "change", mine.pk), seat("office", cast["neighbour"], "lead"))
    assert list(answer.context["adminform"].form.errors) == ["role"]
    administrator.force_login(cast["administrator"])
    assert (
        administrator.post(page(Membership, "change", mine.pk), seat("office", cast["neighbour"], "lead")).status_code
        == 302
    )
    assert Membership.objects.get(pk=mine.pk).role == "lead"
    assert Membership.objects.get(pk=lead.pk).person == cast["street_lead"]


def test_nobody_sets_their_own_seat(clerk, cast):
    given_all(cast["desk_officer"])
    for key in ("desk_officer", "administrator"):
        clerk.force_login(cast[key])
        answer = clerk.post(page(Membership, "add"), seat("section-property", cast[key], "officer"))
        assert list(answer.context["adminform"].form.errors) == ["person"]
    clerk.force_login(cast["desk_officer"])
    mine = Membership.objects.get(person=cast["desk_officer"])
    assert (
        clerk.post(page(Membership, "change", mine.pk), seat("section-desk", cast["desk_officer"], "chair")).status_code
        == 403
    )
    assert clerk.post(page(Membership, "delete", mine.pk), {"post": "yes"}).status_code == 403
    assert list(Membership.objects.filter(person=cast["desk_officer"])) == [mine]


def test_a_clerk_seats_nobody_in_a_body_that_all_streets_share(clerk, cast):
    given_all(cast["desk_officer"])
    answer = clerk.post(page(Membership, "add"), seat("dept-police", cast["neighbour"], "liaison"))
    assert {"organisation", "street"} == set(answer.context["adminform"].form.errors)


@pytest.mark.parametrize("change", [{"phone": "19900008001"}, {"is_active": ""}])
def test_another_phone_or_disabling_signs_out_everywhere_and_nothing_else_does(administrator, cast, change):
    resident = cast["resident"]
    form = {"phone": resident.phone, "name": "新名字", "language": "zh-hans", "is_active": "on"}
    signin.issue(resident, "")
    WechatAccount.objects.create(openid="openid-1", person=resident)
    assert administrator.post(page(Person, "change", resident.pk), form).status_code == 302
    assert resident.tokens.exists()
    assert administrator.post(page(Person, "change", resident.pk), form | change).status_code == 302
    assert not resident.tokens.exists()
    assert not resident.wechat_accounts.exists()
    assert Person.objects.get(pk=resident.pk).sign_outs == 1


def test_the_selected_persons_are_signed_out_everywhere(administrator, cast):
    for key in ("resident", "neighbour", "tenant"):
        signin.issue(cast[key], "")
    answer = administrator.post(page(Person), {
        "action": "sign_out", "_selected_action": [cast["resident"].pk, cast["neighbour"].pk],
    }, follow=True)  # fmt: skip
    assert "已退出 2 人。" in answer.content.decode()
    assert [token.person for token in SignInToken.objects.all()] == [cast["tenant"]]


def test_a_clerk_does_not_change_or_delete_a_colleague_on_the_staff(clerk, cast):
    given_all(cast["desk_officer"])
    Person.objects.filter(pk=cast["property_officer"].pk).update(is_staff=True)
    address = page(Person, "change", cast["property_officer"].pk)
    form = {"phone": "19900008001", "name": "新名字", "language": "zh-hans", "is_active": "on"}
    assert clerk.post(address, form).status_code == 403
    assert clerk.post(page(Person, "delete", cast["property_officer"].pk), {"post": "yes"}).status_code == 403
    assert clerk.post(page(Person, "change", cast["desk_officer"].pk), form).status_code == 403
    assert not Person.objects.filter(name="新名字").exists()


def test_a_clerk_does_not_change_or_delete_staff(clerk, cast):
    administrator = cast["administrator"]
    answer = clerk.post(page(Person, "change", administrator.pk), {
        "phone": "19900008001", "name": administrator.name, "language": "zh-hans", "is_active": "on",
    })  # fmt: skip
    assert answer.status_code == 302
    assert answer["Location"] == "/admin/"
    assert clerk.post(page(Person, "delete", administrator.pk), {"post": "yes"}).status_code == 302
    clerk.post(page(Person), {"action": "delete_selected", "_selected_action": [administrator.pk], "post": "yes"})
    assert Person.objects.get(pk=administrator.pk).phone == administrator.phone
