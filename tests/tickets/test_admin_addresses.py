"""What the admin takes from its addresses, over every registered page: filters it offers, and no junk that it cannot answer."""

from contextlib import suppress

import pytest
from django.apps import apps
from django.contrib.admin import site
from django.contrib.admin.exceptions import DisallowedModelAdminLookup, DisallowedModelAdminToField
from django.contrib.admin.options import IncorrectLookupParameters
from django.core.exceptions import BadRequest, PermissionDenied
from django.http import Http404
from django.test import RequestFactory
from django.urls import reverse

from notifications.models import Wording
from tickets.models import Ticket
from web.admin import AdminPage

PAGES = sorted(site._registry, key=lambda model: model._meta.label)
JUNK = ["x", "-1", "9" * 30, "\0", "(", "%", "9999-12-31", "0001-01-01", "a " * 2000]
LOOKUPS = ["startswith", "iregex", "in", "gt", "isnull", "year", "range", "no_such"]
REFUSALS = (DisallowedModelAdminLookup, DisallowedModelAdminToField, IncorrectLookupParameters, BadRequest)
# Django's filters by date say so of each date without a zone.
pytestmark = pytest.mark.filterwarnings("ignore:DateTimeField .* received a naive datetime")
# What an address may end in: an answer, Django's way back to the list without the filters, or a refusal.
ANSWERS = {200, 302, 400, 403, 404}


def of(model, action="changelist", *args):
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{action}", args=args)


def listed(page, person, given):
    """The status of a list without its page, with its rows and its count read: drawing is most of what a page costs."""
    request = RequestFactory().get(of(page.model), given)
    request.user = person
    try:
        answer = page.changelist_view(request)
    except REFUSALS:
        return 400
    except PermissionDenied:
        return 403
    except Http404:
        return 404
    if "cl" in getattr(answer, "context_data", {}):
        list(answer.context_data["cl"].result_list)
    return answer.status_code


@pytest.fixture(autouse=True)
def short_pages(monkeypatch):
    """Pages of two rows, so that there is more than one, without the bar at the side: what says nothing here need not be drawn."""
    monkeypatch.setattr("community.office.Office.get_app_list", lambda *_: [])
    for page in site._registry.values():
        monkeypatch.setattr(page, "list_per_page", 2)


def ids(model):
    return model._meta.label


def test_every_page_is_ours():
    assert not [page for page in site._registry.values() if not isinstance(page, AdminPage)]


@pytest.mark.parametrize("model", PAGES, ids=ids)
def test_no_column_is_looked_up_that_is_not_offered(cast, model):
    page = site._registry[model]
    offered = {one if isinstance(one, str) else one[0] for one in page.list_filter if not isinstance(one, type)}
    for field in model._meta.get_fields():
        paths = [field.name]
        if field.is_relation and field.related_model:
            others = field.related_model._meta.get_fields()
            paths += [f"{field.name}__{other.name}" for other in others if not other.is_relation]
        for path in paths:
            for lookup in ("startswith", "exact") if path == field.name else ("startswith",):
                if lookup == "exact" and (path in offered or path in {f"{one}__id" for one in offered}):
                    continue
                if lookup == "exact" and path == model._meta.pk.name:
                    continue
                given = {f"{path}__{lookup}": "1"}
                if path != field.name:
                    # The list itself, without its page: there are hundreds of these.
                    request = RequestFactory().get(of(model), given)
                    request.user = cast["administrator"]
                    with pytest.raises(REFUSALS):
                        page.get_changelist_instance(request)
                    continue
                if model is Wording:
                    return  # A page of its own, which looks nothing up.
                assert listed(page, cast["administrator"], given) in {302, 400}, (path, lookup)


@pytest.mark.django_db
def test_a_phone_is_not_guessed_digit_by_digit(staff, api, filed):
    clerk = staff("general_officer", "tickets.view_ticket")
    ticket = Ticket.objects.get(pk=filed["id"])
    for lookup in (
        "contact_phone__startswith",
        "contact_phone",
        "contact_name__contains",
        "reporter__phone__startswith",
    ):
        for guess in (ticket.contact_phone[:3], "0"):
            assert clerk.get(of(Ticket), {lookup: guess}).status_code == 400


@pytest.mark.parametrize("model", PAGES, ids=ids)
def test_no_list_stumbles_over_junk(administrator, cast, model):
    page = site._registry[model]
    keys = {"q", "p", "o", "e", "all", "_to_field", "_popup", "_facets", "_changelist_filters", "head", "code", "a__b"}
    keys |= {f"{model._meta.pk.name}__exact", f"{model._meta.pk.name}__in"}
    answer = administrator.get(of(model))
    if "cl" in answer.context:
        keys |= {name for spec in answer.context["cl"].filter_specs for name in spec.expected_parameters()}
    else:
        keys = {"street", "q"}  # A page of its own.
    if page.date_hierarchy:
        keys |= {f"{page.date_hierarchy}__{part}" for part in ("year", "month", "day", "gte", "lt")}
    free = {"q", "p", "o", "_to_field"} | {
        key for key in keys if page.date_hierarchy and key.startswith(page.date_hierarchy)
    }
    for value in JUNK:
        # What a filter takes has one way for all that it does not know.
        for key in keys if value == "x" else free:
            if value == "\0":
                assert administrator.get(of(model), {key: value}).status_code == 400, key
            else:
                assert listed(page, cast["administrator"], {key: value}) in ANSWERS, (key, value)
    # What a page draws of what it was given.
    for key in free:
        assert administrator.get(of(model), {key: "x"}).status_code in ANSWERS, key


@pytest.mark.parametrize("model", PAGES, ids=ids)
def test_no_list_stumbles_over_a_lookup(cast, model):
    fields = model._meta.get_fields()
    for number, lookup in enumerate(LOOKUPS * 2 if model is not Wording else []):
        name = fields[number % len(fields)].name
        given = {f"{name}__{lookup}": "(" if number < len(LOOKUPS) else "9" * 30}
        assert listed(site._registry[model], cast["administrator"], given) in ANSWERS, (name, lookup)


@pytest.mark.parametrize("years", ["9999", "1", "0", "-1", "x"])
def test_dates_beyond_the_calendar_are_no_dates(administrator, years):
    for model in PAGES:
        if by := site._registry[model].date_hierarchy:
            for more in ({}, {f"{by}__month": "12"}, {f"{by}__month": "12", f"{by}__day": "31"}):
                assert administrator.get(of(model), {f"{by}__year": years, **more}).status_code in {200, 302}


@pytest.mark.parametrize("model", PAGES, ids=ids)
def test_no_form_stumbles_over_junk(administrator, model):
    row = model._default_manager.first()
    keys = [field.name for field in model._meta.get_fields()] + ["_to_field", "_popup", "_changelist_filters"]
    pages = [of(model, "add")] + ([of(model, "change", row.pk), of(model, "history", row.pk)] if row else [])
    for page in pages:
        for asked in (dict.fromkeys(keys, "9" * 30), dict.fromkeys(set(keys) - {"_to_field"}, "x"), {keys[0]: "\0"}):
            assert administrator.get(page, asked).status_code in ANSWERS, (page, asked)
    for key in JUNK:
        for action in ("change", "history", "delete"):
            answer = administrator.get(of(model, action, key[:200]))
            assert answer.status_code in ANSWERS, (action, key)


@pytest.mark.parametrize("model", PAGES, ids=ids)
def test_no_action_stumbles_over_a_key_that_is_none(administrator, model):
    for key in ("x", "9" * 30):
        for action in ("delete_selected", "no_such", ""):
            answer = administrator.post(of(model), {"action": action, "index": "0", "_selected_action": key})
            assert answer.status_code in ANSWERS, (action, key)


def test_rows_are_offered_for_fields_that_are_filled_in_by_looking_up_alone(administrator, cast):
    offered = 0
    for model in apps.get_models():
        opts = model._meta
        for field in opts.get_fields(include_hidden=True):
            for term in ("学", "a " * 2000) if field.name in {"person", "street"} else ("",):
                asked = {
                    "app_label": opts.app_label,
                    "model_name": opts.model_name,
                    "field_name": field.name,
                    "term": term,
                }
                # The answer itself, without a browser: there are hundreds of these.
                request = RequestFactory().get(reverse("admin:autocomplete"), asked)
                request.user = cast["administrator"]
                with suppress(PermissionDenied):
                    assert site.autocomplete_view(request).status_code == 200, asked
                    offered += 1
    assert offered >= 15
    wanted = {"app_label": "community", "model_name": "membership", "field_name": "person"}
    assert administrator.get(reverse("admin:autocomplete"), {**wanted, "term": "\0"}).status_code == 400
    for page in ("x", "9" * 30, "-1", "0"):
        assert administrator.get(reverse("admin:autocomplete"), {**wanted, "page": page}).status_code == 404
    assert administrator.get(reverse("admin:autocomplete"), wanted | {"field_name": "id"}).status_code == 403
    assert administrator.get(reverse("admin:autocomplete")).status_code == 403


def test_no_row_is_looked_up_by_the_kind_of_its_table(administrator):
    assert administrator.get("/admin/r/1/x/").status_code in {302, 404}
