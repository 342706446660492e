"""What an admin page accepts in its URL: the filters that it offers and a short search. Everything else is refused.

Django's own pages filter by any column that the URL names. A phone that a page masks could then be guessed digit by
digit.
"""

from typing import Any

from django.contrib import admin
from django.contrib.admin import ActionLocation, helpers
from django.contrib.admin.exceptions import DisallowedModelAdminLookup
from django.contrib.admin.options import BaseModelAdmin, IncorrectLookupParameters
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import BadRequest, ValidationError
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse

from web.forms import WRITTEN

LONGEST_SEARCH = 100
"""Characters of a search that count; every word of it is one more condition."""


class OfferedFilters(ChangeList):
    """A list that can be filtered only by what its page offers, and by a row's id."""

    def get_filters(self, request: HttpRequest) -> Any:
        """The filters in the URL. Refuses what no filter of the page has used."""
        try:
            found = super().get_filters(request)
        except (ValueError, OverflowError) as error:  # A date beyond the calendar.
            raise IncorrectLookupParameters(error) from error
        taken = {f"{self.opts.pk.name}__exact"}
        if self.date_hierarchy:
            taken |= {f"{self.date_hierarchy}__{part}" for part in ("year", "month", "day", "gte", "lt")}
        remaining = found[2]
        if other := sorted(remaining.keys() - taken):
            raise DisallowedModelAdminLookup(f"Filtering by {other[0]} not allowed")
        return found


class ReadOnly(BaseModelAdmin):  # type: ignore[type-arg]
    """Rows to look at: seen with Django's view permission, changed by nobody, not by superusers either."""

    def has_add_permission(self, request: HttpRequest, *args: object) -> bool:
        """Nobody."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Nobody."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Nobody."""
        return False


class AdminPage(admin.ModelAdmin):  # type: ignore[type-arg]
    """An admin page whose URL accepts only the filters that it offers, and whose text fields follow `web.texts`."""

    formfield_overrides = WRITTEN

    def get_changelist(self, request: HttpRequest, **kwargs: object) -> type[ChangeList]:
        """The list class that accepts only offered filters."""
        return OfferedFilters

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Model], search_term: str
    ) -> tuple[QuerySet[Model], bool]:
        """Django's search, for a term of limited length."""
        return super().get_search_results(request, queryset, search_term[:LONGEST_SEARCH])

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, str | list[str]]:
        """Nothing: a URL cannot fill in a form."""
        return {}

    def response_action(
        self,
        request: HttpRequest,
        queryset: QuerySet[Model],
        action_location: ActionLocation = ActionLocation.CHANGE_LIST,
    ) -> HttpResponse | None:
        """Django's action, for rows that are chosen by id."""
        try:
            for key in request.POST.getlist(helpers.ACTION_CHECKBOX_NAME):
                self.opts.pk.to_python(key)
        except ValidationError as error:
            raise BadRequest("A row is chosen by its key.") from error
        return super().response_action(request, queryset, action_location)
