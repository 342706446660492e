"""The addresses of tickets under /api/v1/."""

from django.urls import include, path

from tickets.api import photos
from tickets.api.callbacks import Callbacks
from tickets.api.people import Callers, Members
from tickets.api.policies import NoticeOfVersion, OneVersion, PreviewOfVersion, PublishVersion, Versions
from tickets.api.pressing import AtRisk, AtRiskCounts, Overdue, OverdueCounts
from tickets.api.preview import Preview
from tickets.api.reference import Categories, Duplicates
from tickets.api.tickets import (
    MOVES,
    OneTicket,
    PublicFace,
    Queue,
    QueueCounts,
    Refiling,
    TicketCounts,
    TicketEvents,
    TicketMoves,
    Tickets,
)
from web import identifiers as identifiers  # registers <id:…>

urlpatterns = [
    path("tickets", Tickets.as_view(), name="tickets"),
    path("tickets/counts", TicketCounts.as_view(), name="ticket-counts"),
    path("tickets/face", PublicFace.as_view(), name="tickets-face"),
    path("tickets/<id:ticket_id>", OneTicket.as_view(), name="ticket"),
    path("tickets/<id:ticket_id>/refiling", Refiling.as_view(), name="ticket-refiling"),
    path("tickets/<id:ticket_id>/events", TicketEvents.as_view(), name="ticket-events"),
    path("tickets/<id:ticket_id>/moves", TicketMoves.as_view(), name="ticket-moves"),
    # Together, so that an address that is none of theirs is compared with one pattern.
    path(
        "tickets/<id:ticket_id>/moves/",
        include([path(name, view, name=f"ticket-move-{name}") for name, view in MOVES.items()]),
    ),
    path("callbacks", Callbacks.as_view(), name="callbacks"),
    path("callers", Callers.as_view(), name="callers"),
    path("organisations/<id:organisation_id>/members", Members.as_view(), name="organisation-members"),
    path("categories", Categories.as_view(), name="categories"),
    path("duplicates", Duplicates.as_view(), name="duplicates"),
    path("at-risk", AtRisk.as_view(), name="at-risk"),
    path("at-risk/counts", AtRiskCounts.as_view(), name="at-risk-counts"),
    path("overdue", Overdue.as_view(), name="overdue"),
    path("overdue/counts", OverdueCounts.as_view(), name="overdue-counts"),
    path("queue", Queue.as_view(), name="queue"),
    path("queue/counts", QueueCounts.as_view(), name="queue-counts"),
    path("service-levels/preview", Preview.as_view(), name="service-levels-preview"),
    path("policies/<str:kind>", Versions.as_view(), name="policies"),
    path("policies/<str:kind>/<int:number>", OneVersion.as_view(), name="policy"),
    path("policies/<str:kind>/<int:number>/preview", PreviewOfVersion.as_view(), name="policy-preview"),
    path("policies/<str:kind>/<int:number>/publish", PublishVersion.as_view(), name="policy-publish"),
    path("policies/<str:kind>/<int:number>/notice", NoticeOfVersion.as_view(), name="policy-notice"),
    *photos.urlpatterns,
]
