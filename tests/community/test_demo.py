"""The demo street as it is loaded."""

from datetime import date, timedelta
from decimal import Decimal
from io import StringIO

import pytest
from django.apps import apps
from django.core.management import CommandError, call_command
from django.utils import timezone

from community import demo
from community.models import (
    Area,
    Building,
    Compound,
    Household,
    Membership,
    Organisation,
    Person,
    Residency,
    ServiceContract,
    Street,
)
from tests.commands import printed

pytestmark = pytest.mark.django_db


def everything():
    """Every row of the community, as it stands."""
    return {
        model: list(model.objects.order_by("pk").values()) for model in apps.get_app_config("community").get_models()
    }


def test_loading_again_changes_nothing():
    before = everything()
    said = printed("load_demo")
    assert everything() == before
    assert said.count("nothing new") == len(said.splitlines())


def test_loading_again_brings_back_what_is_missing_and_keeps_what_was_changed():
    Street.objects.update(name="改名街道")
    ServiceContract.objects.filter(code="P-A02").delete()
    call_command("load_demo", stdout=StringIO())
    assert Street.objects.get().name == "改名街道"
    assert ServiceContract.objects.get(code="P-A02").provider.code == "po-a02"


def test_it_is_refused_in_production(settings):
    settings.PRODUCTION = True
    with pytest.raises(CommandError, match="not in production"):
        call_command("load_demo")


def test_the_street_has_the_figures_of_the_survey(street):
    assert Compound.objects.filter(street=street).count() == 75
    assert Area.objects.filter(street=street).count() == 58
    assert Organisation.objects.filter(kind="project_office").count() == 47
    assert Area.objects.filter(committee__kind="pmc").count() == 44
    assert Area.objects.filter(committee__kind="owners_committee").count() == 10
    assert Area.objects.filter(committee=None).count() == 4


def test_every_area_has_a_compound_and_one_lies_in_two_communities(street):
    assert not Area.objects.filter(compounds=None).exists()
    spanning = [
        area.name
        for area in Area.objects.prefetch_related("compounds")
        if len({compound.community_id for compound in area.compounds.all()}) == 2
    ]
    assert spanning == ["银杏西里"]


def test_somebody_has_two_seats_as_the_residents_committees_representative(cast):
    seats = Membership.objects.filter(person=cast["pmc-a06-chair"], ends_on=None).select_related("organisation")
    assert {seat.organisation.name for seat in seats} == {"北科大社区物管会", "北科大社区居委会"}


def test_the_places_and_bodies_of_the_article_are_there(street):
    for name in ["双泉堡125号院", "五道口嘉园", "健翔园", "清林苑", "竹溪园", "逸成东苑"]:
        assert Area.objects.get(name=name).committee.kind == "owners_committee", name
    converted = Area.objects.get(name="志新西路1号院").committee
    assert converted.kind == "pmc"
    old = Organisation.objects.get(name="志新西路1号院业主委员会")
    assert not old.active
    assert old.dissolved_on == converted.founded_on
    assert Organisation.objects.get(name="北京天岳恒房屋经营管理有限公司").kind == "company"
    assert Organisation.objects.get(name="北科大社区物管会").party_coverage == "branch"
    for name in ["学院路14号院", "西王庄小区", "逸成社区小区", "建清园社区小区"]:
        assert Compound.objects.filter(name=name).exists(), name


def test_14_xueyuan_road_has_8_buildings_and_434_households_with_their_areas(street):
    home = Compound.objects.get(name="学院路14号院")
    assert Building.objects.filter(compound=home).count() == 8
    households = Household.objects.filter(building__compound=home)
    assert households.count() == 434
    assert all(Decimal(40) < household.exclusive_area < Decimal(90) for household in households)


def test_14_xueyuan_road_remembers_how_it_was_served(street):
    home = Compound.objects.get(name="学院路14号院")
    operator, emergency = ServiceContract.objects.filter(compound=home).order_by("starts_on")
    assert operator.ends_on == date(2020, 12, 31)
    assert (emergency.mode, emergency.starts_on) == ("emergency", date(2020, 10, 31))
    assert ServiceContract.objects.get(area=home.area, kind="property").starts_on == date(2021, 4, 1)


def test_the_pmc_of_14_xueyuan_road_has_an_odd_number_of_members_seven_or_more(street):
    seats = Membership.objects.filter(organisation__code="pmc-a01", ends_on=None)
    assert seats.count() == 7
    assert seats.filter(role="chair").count() == 1


def test_the_emergency_service_is_live_on_the_day_of_loading(street):
    service = ServiceContract.objects.get(mode="emergency", compound__name="双泉堡甲4号院")
    today = timezone.localdate()
    assert service.starts_on == today - timedelta(days=60)
    assert service.ends_on == today + timedelta(days=120)


def test_the_emergency_service_is_live_again_when_the_demo_is_loaded_after_it_has_run_out():
    service = ServiceContract.objects.filter(code="E-X55")
    service.update(starts_on=date(2021, 1, 1), ends_on=date(2021, 6, 30))
    call_command("load_demo", stdout=StringIO())
    today = timezone.localdate()
    assert service.get().starts_on == today - timedelta(days=60)
    assert service.get().ends_on == today + timedelta(days=120)
    # One that runs stays as somebody has dated it; so does a contract of the past.
    service.update(ends_on=today)
    call_command("load_demo", stdout=StringIO())
    assert service.get().ends_on == today
    assert ServiceContract.objects.get(code="E-A01-2020").ends_on == date(2021, 3, 31)


def test_every_body_but_one_project_office_has_a_member(street):
    unstaffed = Organisation.objects.filter(kind="project_office", memberships=None)
    assert [office.code for office in unstaffed] == ["po-a22"]
    assert unstaffed.get().parent.memberships.exists()


def test_no_row_of_the_demo_crosses_a_street_or_breaks_a_rule():
    for model in apps.get_app_config("community").get_models():
        relations = [field.name for field in model._meta.fields if field.is_relation]
        for row in model.objects.select_related(*relations or [None]):
            row.clean_fields(exclude=relations)
            row.clean()


def test_the_cast_is_fetched_in_one_statement(django_assert_num_queries):
    with django_assert_num_queries(1):
        cast = demo.cast()
    assert {
        "resident", "neighbour", "resident_yicheng", "resident_jianqingyuan", "resident_quasi", "resident_backstop",
        "resident_emergency", "chair", "member", "dispatcher", "manager", "worker", "head_manager", "lift_dispatcher",
        "water_dispatcher", "street_lead", "desk_officer", "property_officer", "safety_officer", "traffic_liaison",
        "residents_committee_worker", "outsider", "administrator",
    } <= set(cast)  # fmt: skip


def test_the_people_are_invented(cast):
    assert all(phone.startswith("1990000") for phone in Person.objects.values_list("phone", flat=True))
    # The two people that the article names.
    assert not {"刘佳", "郑鹏"} & set(Person.objects.values_list("name", flat=True))


def test_only_the_administrator_has_a_password(cast):
    with_password = [person for person in cast.values() if person.has_usable_password()]
    assert with_password == [cast["administrator"]]
    assert cast["administrator"].check_password(demo.ADMINISTRATOR_PASSWORD)
    assert {key for key, person in cast.items() if person.is_superuser} == {"administrator"}
    assert {key for key, person in cast.items() if person.is_staff} == {"administrator", "general_officer"}


def test_the_resident_and_the_neighbour_live_behind_different_doors_of_one_compound(cast):
    doors = Residency.objects.filter(person__in=[cast["resident"], cast["neighbour"]]).select_related("household")
    assert len({home.compound_id for home in doors}) == 1
    assert len({home.household for home in doors}) == 2


def test_the_table_of_people_says_who_they_are_and_how_to_sign_in(cast):
    said = printed("demo_people")
    lines = {line.split()[0]: line for line in said.splitlines() if line}
    assert set(cast) >= {key for key in lines if key in cast}
    assert cast["dispatcher"].phone in lines["dispatcher"]
    assert "调度员" in lines["dispatcher"]
    assert "学院路14号院 业主" in lines["resident"]
    assert "已卸任" in lines["former_member"]
    assert "可进入管理后台" in lines["general_officer"]
    assert demo.ADMINISTRATOR_PASSWORD in said


def test_the_table_of_people_needs_the_demo_street():
    Person.objects.all().delete()
    with pytest.raises(CommandError, match="load_demo"):
        call_command("demo_people")
