"""Open tickets that may be about the matter that somebody is going to report."""

import uuid
from typing import Any

from tickets import queries
from tickets.access import READS_FACE, Relation
from tickets.duplicates import ranked
from tickets.face import face_text, face_title
from tickets.models import Ticket
from tickets.reading.lists import Listing
from web.paging import PageRequest
from workflow.actor import Actor

_SAID = ("pk", "submitted_at", "title", "text", "words_hidden", "public_title", "public_text")


def alike(
    compound: uuid.UUID, category: str, text: str, actor: Actor, *, besides: uuid.UUID | None = None
) -> list[dict[str, Any]]:
    """Up to five open tickets of the compound and category, most alike first, each with its likeness; the ticket `besides` is left out."""
    seen = queries.similar_as(compound, actor)
    rows = queries.similar(compound, category, actor).values_list(*_SAID, named=True)
    candidates = [(one.pk, _said(one, seen), one.submitted_at) for one in rows if one.pk != besides]
    found = ranked(text, actor.at, candidates)
    shown = Listing(Ticket.objects.filter(pk__in=[key for _, key in found]), seen, ("id",)).read(actor, PageRequest())
    rows_by_key = {one["id"]: one for one in shown.rows}
    return [{"likeness": score, "ticket": rows_by_key[key]} for score, key in found]


def _said(one: Any, seen: Relation) -> str:
    """What a report says, as far as the reader may know it: likeness would tell the rest."""
    if seen not in READS_FACE:
        return f"{one.title} {one.text}"
    return f"{face_title(one)}\n{face_text(one) or ''}"
