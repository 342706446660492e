"""The one way in which a person's move is made, whether the API, a page or a simulation asks for it. The clock's moves are the sweep's."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace

from casework.kinds import Kind
from workflow.actor import Actor
from workflow.models import Event, Subject


@dataclass(frozen=True, slots=True)
class Made[S: Subject]:
    """A move that was made: the subject as it stands after it, still locked, and the event that it left.

    `inputs` are those of the move; where one was the id of another subject, the locked subject stands in its place.
    """

    subject: S
    event: Event
    inputs: Mapping[str, object]


def make_move[S: Subject](
    kind: Kind[S], move: str, key: uuid.UUID, *, by: Actor, version: int | None, inputs: Mapping[str, object]
) -> Made[S]:
    """Lock the subject, see whether `by` may see it, and make the move; the caller has opened the transaction.

    `inputs` are validated; `version` is what the caller last read, None where the move needs none. Whom `by` stands in for decides
    what they may do, not what they see. Raises the model's DoesNotExist for what is not there or not theirs to see, and StaleVersion,
    IllegalMove, NotPermitted or InvalidInput; then nothing has changed.
    """
    own = replace(by, on_behalf="") if by.on_behalf else by
    try:
        subject, given = kind.hold(move, key, inputs, by=own)
    except kind.model.DoesNotExist:
        kind.absent(key, own)
        raise
    if not kind.sees(subject, own):
        raise kind.model.DoesNotExist
    return Made(subject, kind.act(move, subject, by=by, version=version, inputs=given), given)
