"""Subjects for the clerk who looks after the data: all of it to read with its history, nothing to change.

A kind has such a page by itself; its app writes one of its own, as a subclass, where it shows more.
"""

from typing import Any

from django.contrib import admin
from django.db.models import Model, OuterRef, QuerySet, Subquery
from django.http import HttpRequest

from casework.kinds import kind_of, kinds
from community.authentication import session_caller
from community.models import Organisation, Person
from community.models.organisations import STREET_KINDS
from web.admin import AdminPage, ReadOnly
from web.words import bilingual
from workflow.models import Event, Subject


class HistoryInline(ReadOnly, admin.TabularInline):  # type: ignore[type-arg]
    """What happened to a subject, in the words of those who did it."""

    extra = 0
    can_delete = False
    ordering = ["seq"]
    fields = ["seq", "at", "move", "led_to", "organisation", "person", "stood_in_for", "visibility", "said"]
    readonly_fields = ["move", "led_to", "organisation", "person", "stood_in_for", "said"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Model]:
        """Events with their words and the names of the organisations that acted."""
        name = Organisation.objects.filter(pk=OuterRef("actor_organisation_id")).values("name")[:1]
        rows = super().get_queryset(request).select_related("words", "actor")
        found: QuerySet[Model] = rows.annotate(acting=Subquery(name))
        return found

    def stood_in(self, event: Event) -> str:
        """What the party is called that somebody stood in for."""
        return str(event.on_behalf)

    def of_staff(self, event: Event) -> bool:
        """Whether one of an organisation's people did it for the organisation; of others nobody is named."""
        return event.actor_organisation_id is not None

    @admin.display(description=bilingual("动作", "move"))
    def move(self, event: Event) -> str:
        """The move's label."""
        return str(kind_of(self.parent_model).event_label(event.verb))

    @admin.display(description=bilingual("到达状态", "to"))
    def led_to(self, event: Event) -> str:
        """The state that followed."""
        states: Any = self.parent_model._meta.get_field("state")
        return str(dict(states.flatchoices).get(event.target, event.target))

    @admin.display(description=bilingual("代办", "on behalf of"), empty_value="-")
    def stood_in_for(self, event: Event) -> str | None:
        """The party that somebody stood in for."""
        return self.stood_in(event) if event.on_behalf else None

    @admin.display(description=bilingual("单位", "organisation"), empty_value="-")
    def organisation(self, event: Any) -> str | None:
        """In whose name it was done; none for somebody who acts for themselves, and for the clock."""
        acting: str | None = event.acting
        return acting

    @admin.display(description=bilingual("人员", "person"), empty_value="-")
    def person(self, event: Event) -> str | None:
        """Which of the organisation's people."""
        return event.actor.name if event.actor and self.of_staff(event) else None

    @admin.display(description=bilingual("说明", "words"))
    def said(self, event: object) -> str:
        """People's own words, unless they have been erased."""
        words = getattr(event, "words", None)
        return " / ".join(str(each) for each in words.body.values()) if words else ""


class SubjectAdmin(ReadOnly, AdminPage):
    """Subjects of a kind with all that happened to them: of the street in whose office the clerk sits; a superuser sees all."""

    list_display = ["__str__", "state", "last_event_at"]
    list_per_page = 50
    show_full_result_count = False
    ordering = ["-id"]
    actions = None
    history: type[HistoryInline] = HistoryInline

    def __init__(self, model: type[Subject], admin_site: admin.AdminSite):
        super().__init__(model, admin_site)
        self._events = type(f"{model.__name__}History", (self.history,), {"model": model.EVENTS})

    def get_inlines(self, request: HttpRequest, obj: Subject | None) -> list[Any]:
        """The page's own, and the history."""
        return [*super().get_inlines(request, obj), self._events]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Model]:
        """Those that the clerk sees."""
        rows = super().get_queryset(request)
        if isinstance(request.user, Person) and request.user.is_superuser:
            return rows
        caller = session_caller(request)
        seats = caller.actor.seats if caller else ()
        return rows.filter(street__in={seat.street_id for seat in seats if seat.kind in STREET_KINDS})


def register_histories() -> None:
    """Give every kind a page that has none of its own."""
    for kind in kinds():
        if not admin.site.is_registered(kind.model):
            admin.site.register(kind.model, SubjectAdmin)
