import uuid
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from django.utils import translation

from web.renderers import JSONRenderer, dumps
from web.words import bilingual


def test_values_of_the_domain_are_written_as_people_expect():
    at = datetime(2026, 11, 2, 8, 30, tzinfo=UTC)
    row = {"at": at, "on": date(2026, 11, 2), "area": Decimal("89.50"), "id": uuid.UUID(int=1), "name": "三号楼"}
    assert dumps(row).decode() == (
        '{"at":"2026-11-02T08:30:00+00:00","on":"2026-11-02","area":"89.50",'
        '"id":"00000000-0000-0000-0000-000000000001","name":"三号楼"}'
    )


def test_words_are_written_in_the_active_language():
    words = {"title": bilingual("待受理", "Awaiting triage")}
    assert dumps(words).decode() == '{"title":"待受理"}'
    with translation.override("en"):
        assert dumps(words) == b'{"title":"Awaiting triage"}'


def test_what_is_no_json_is_a_bug_not_a_guess():
    with pytest.raises(TypeError):
        dumps({"x": object()})


def test_an_answer_without_data_has_no_body():
    assert JSONRenderer().render(None) == b""
    assert JSONRenderer().render([]) == b"[]"
