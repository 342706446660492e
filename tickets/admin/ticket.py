"""Tickets for the clerk who maintains the data: read-only.

A clerk needs `is_staff`, a live seat in the street's office or one of its sections, and the permissions `tickets.view_ticket`,
`tickets.view_assignment` and `tickets.view_ticketevent`. They see their own street, as through the API: not what accuses
somebody, which superusers alone see here, and no contact in the clear, which `reveal` shows on record.
"""

from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.utils import timezone

from casework.admin import HistoryInline, SubjectAdmin
from community.authentication import session_caller
from community.models import Person
from community.phones import masked_phone
from tickets import catalogue
from tickets.access import OF_RESIDENTS
from tickets.admin import messages
from tickets.catalogue import NoCatalogue
from tickets.masks import masked_name
from tickets.models import Assignment, Ticket
from tickets.models.ticket import TicketQuerySet
from tickets.moves.inputs import Party
from tickets.queries import in_street
from tickets.search import Search, Wanted
from tickets.states import HIGHEST_LEVEL, Secrecy
from web.admin import ReadOnly
from web.words import bilingual
from workflow.models import Event


class AssignmentInline(ReadOnly, admin.TabularInline):
    """Who had a part in the ticket."""

    model = Assignment
    extra = 0
    can_delete = False
    ordering = ["id"]
    fields = [
        "organisation", "role", "step", "worker", "open", "outcome", "opened_at", "signed_at", "contacted_at", "closed_at",
    ]  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> QuerySet[Assignment]:
        """Assignments with their organisations and workers."""
        return super().get_queryset(request).select_related("organisation", "worker")


class EventInline(HistoryInline):
    """What happened to the ticket, in the words of those who did it."""

    def stood_in(self, event: Event) -> str:
        """The party that the street stood in for."""
        return str(Party(event.on_behalf).label)

    def of_staff(self, event: Event) -> bool:
        """What an organisation did, but for what people do for themselves."""
        return super().of_staff(event) and (event.on_behalf != "" or event.verb not in OF_RESIDENTS)


class GroupFilter(admin.SimpleListFilter):
    """The groups of the catalogue in force."""

    title = bilingual("大类", "category group")
    parameter_name = "group"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> list[tuple[str, str]]:
        """Each group by its code."""
        try:
            return [(group.code, str(group.name)) for group in catalogue.current(timezone.now()).groups]
        except NoCatalogue:
            return []

    def queryset(self, request: HttpRequest, queryset: QuerySet[Ticket]) -> QuerySet[Ticket]:
        """Tickets of the group."""
        return queryset.filter(category__group=self.value()) if self.value() else queryset


class LevelFilter(admin.SimpleListFilter):
    """The levels, whether or not a ticket is there."""

    title = bilingual("层级", "level")
    parameter_name = "level"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> list[tuple[str, str]]:
        """L0 to L5."""
        return [(str(level), f"L{level}") for level in range(HIGHEST_LEVEL + 1)]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Ticket]) -> QuerySet[Ticket]:
        """Tickets at the level."""
        level = self.value()
        return queryset.filter(level=int(level)) if level in dict(self.lookup_choices) else queryset


def seen_by(request: HttpRequest) -> TicketQuerySet:
    """All tickets for a superuser; for others those of the street in whose office they sit that accuse nobody."""
    if isinstance(request.user, Person) and request.user.is_superuser:
        return Ticket.objects.all()
    caller = session_caller(request)
    return in_street(caller.actor).filter(accused=[]) if caller else Ticket.objects.none()


# What a ticket's page names by its name.
NAMED = [
    "category", "street", "compound", "area", "community", "holder", "coordinator", "desk", "committee",
    "residents_committee", "merged_into", "account_owner", "inspector",
]  # fmt: skip


@admin.register(Ticket)
class TicketAdmin(SubjectAdmin):
    """Tickets with all that happened to them."""

    list_display = [
        "code",
        "title",
        "state",
        "category",
        "place",
        "holder",
        "level",
        "urgent",
        "submitted_at",
        "next_due_at",
    ]
    list_select_related = ["category", "holder"]
    list_filter = ["state", LevelFilter, GroupFilter, "type", "secrecy", "channel"]
    search_fields = ["code", "title"]
    inlines = [AssignmentInline]
    history = EventInline
    readonly_fields = ["contact"]
    fieldsets = [
        (
            None,
            {
                "fields": [
                    *("code", "state", "title", "text", "type", "secrecy", "channel", "hotline_number", "contact"),
                    "inspector",
                ]
            },
        ),
        (
            bilingual("邻里公开", "Public face"),
            {"fields": ["words_hidden", "public_title", "public_text", "redacted_events"]},
        ),
        (bilingual("事项", "Matter"), {"fields": ["category", "disposal_class", "response_class", "urgent"]}),
        (bilingual("地点", "Place"), {"fields": ["street", "compound", "area", "community", "spot"]}),
        (
            bilingual("承办", "Who has it"),
            {"fields": ["holder", "coordinator", "desk", "committee", "residents_committee", "merged_into"]},
        ),
        (
            bilingual("时限", "Time"),
            {"fields": ["submitted_at", "state_since", "due_at", "next_due_at", "closed_at", "level", "supervised"]},
        ),
        (
            bilingual("结果", "Outcome"),
            {
                "fields": [
                    "cosigns",
                    "disputes",
                    "reopenings",
                    "urges",
                    "resolved",
                    "rating",
                    "rated_on_behalf",
                    "called_back_at",
                ]
            },
        ),
        (bilingual("挂账", "On account"), {"fields": ["account_kind", "account_owner", "account_plan_on"]}),
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Ticket]:
        """Those that the caller sees."""
        return seen_by(request).order_by(*self.ordering)

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Ticket | None:
        """One ticket with everything that its page names, in one statement."""
        try:
            key = Ticket._meta.pk.to_python(object_id)
            return self.get_queryset(request).select_related(*NAMED).get(pk=key)
        except (Ticket.DoesNotExist, ValidationError):
            return None

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Model], search_term: str
    ) -> tuple[QuerySet[Model], bool]:
        """Tickets that hold every word, or have the number that is spelled, found as the API finds them."""
        assert isinstance(queryset, TicketQuerySet)
        search = Search.whole(Wanted.read(search_term[:50]))
        return (search.matching(queryset) if search else queryset), False

    @admin.display(description=bilingual("联系人", "contact"))
    def contact(self, ticket: Ticket) -> str:
        """The reporter's name and phone, masked; empty for anonymous reporters and where no resident reported it."""
        if ticket.inspector_id:
            return "-"
        if ticket.secrecy == Secrecy.ANONYMOUS:
            return str(bilingual("匿名", "Anonymous"))
        return f"{masked_name(ticket.contact_name)} {masked_phone(ticket.contact_phone)}"

    def get_urls(self) -> list[URLPattern]:
        """The admin's own, and the page of a ticket's messages."""
        view = self.admin_site.admin_view(self.messages)
        return [path("<path:object_id>/messages/", view, name="tickets_ticket_messages"), *super().get_urls()]

    def messages(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """What was sent to whom about the ticket, for people who see the ticket here; no such page for others."""
        ticket = self.get_object(request, object_id)
        if ticket is None or not self.has_view_permission(request, ticket):
            raise Http404
        return messages.page(self.admin_site, request, ticket)
