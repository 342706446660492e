"""Making a move from a page: read the form, and make it once, by the engine's own way."""

import hashlib
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from django.http import QueryDict
from rest_framework.exceptions import ValidationError
from rest_framework.response import Response

from casework.acting import make_move
from casework.api.inputs import STANDING_IN, validated
from community.actors import Caller
from console.moves.fields import read
from tickets.kind import TICKETS
from web.idempotency import once
from web.problems import Problem, faults
from web.words import Words
from workflow.errors import InvalidInput, Refusal
from workflow.moves import Move


@dataclass(frozen=True, slots=True)
class NotMade:
    """Why a move was not made: what is wrong by field, or a reason for the whole.

    `overtaken` where the ticket is no longer as it was read.
    """

    errors: Mapping[str, Sequence[Words]] = field(default_factory=dict)
    reason: Words = ""
    overtaken: bool = False


def make(caller: Caller, move: Move, ticket_id: uuid.UUID, sent: QueryDict) -> NotMade | None:
    """Make the move that a form asks for, once for its key; None where it was made. Raises Ticket.DoesNotExist.

    The form holds the `version` that was read and a `key`. NotMade, nothing has changed.
    """
    input = move.input
    try:
        inputs = validated(input, read(input(), sent))  # type: ignore[arg-type]
    except ValidationError as error:
        return NotMade(by_field(error))
    by = replace(caller.actor, on_behalf=str(inputs.pop(STANDING_IN, "")))
    version = _version(sent) if move.guarded else None

    def act() -> Response:
        made = make_move(TICKETS, move.name, ticket_id, by=by, version=version, inputs=inputs)
        return Response({"seq": made.event.seq})

    try:
        once(
            caller.person.pk,
            f"console {ticket_id} {move.name}",
            sent.get("key") or str(uuid.uuid4()),
            digest_of(sent),
            act,
        )
    except InvalidInput as refusal:
        return NotMade({refusal.field: [refusal.reason]})
    except Refusal as refusal:
        return NotMade(reason=refusal.reason, overtaken=True)
    except Problem as problem:
        return NotMade(reason=str(problem.detail or problem.title))
    return None


def _version(sent: QueryDict) -> int:
    """The version that was read; none that there is where the form holds none."""
    text = sent.get("version", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else -1


def by_field(error: ValidationError) -> dict[str, list[Words]]:
    """What is wrong, by field."""
    found: dict[str, list[Words]] = {}
    for fault in faults(error.detail):
        found.setdefault(fault.field.partition(".")[0], []).append(fault.reason)
    return found


def digest_of(sent: QueryDict) -> bytes:
    """What stands for the content of a form."""
    told = sorted((name, values) for name, values in sent.lists() if name != "csrfmiddlewaretoken")
    return hashlib.sha256(repr(told).encode()).digest()
