"""A prepared query answers as the ORM does, and refuses what it cannot carry."""

import uuid

import pytest

from community.models import Compound, Membership, Organisation
from tests.statements import statements
from tickets.models import TicketWords
from workflow.prepared import Prepared

KEY = uuid.UUID(int=1)


def test_it_answers_as_the_orm_does_with_one_statement_each(street):
    prepared = Prepared(
        lambda area: Compound.objects.filter(area=area, street=street.pk).order_by("name"), area=uuid.UUID(int=1)
    )
    areas = list(Compound.objects.values_list("area", flat=True).distinct())
    for area in areas:
        with statements() as made:
            found = prepared.rows(area=area)
        assert len(made) == 1
        expected = list(Compound.objects.filter(area=area).order_by("name"))
        assert [vars(one) | {"_state": None} for one in found] == [vars(one) | {"_state": None} for one in expected]


def test_nothing_is_found_for_none(street):
    prepared = Prepared(lambda parent: Organisation.objects.filter(parent_id=parent), parent=KEY)
    assert prepared.rows(parent=None) == []


def test_a_parameter_that_the_query_does_not_use_is_refused(street):
    prepared = Prepared(lambda area: Compound.objects.filter(street=street.pk), area=KEY)
    with pytest.raises(TypeError, match="area"):
        prepared.rows(area=KEY)


def test_columns_that_need_converting_are_refused(db):
    with pytest.raises(TypeError, match="converting"):
        Prepared(lambda event: TicketWords.objects.filter(event=event), event=KEY).rows(event=KEY)


def test_rows_of_other_tables_are_refused(db):
    prepared = Prepared(
        lambda person: Membership.objects.filter(person=person).select_related("organisation"), person=KEY
    )
    with pytest.raises(TypeError, match="own columns"):
        prepared.rows(person=KEY)
