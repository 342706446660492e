"""What a move is: a django-fsm transition that carries its label, its input and who reads of it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, partial
from typing import Any, Protocol

from django.db import models
from django.utils.functional import Promise
from django_fsm import FSMField, FSMFieldMixin, FSMMeta
from django_fsm import transition as of_field

from web.words import bilingual
from workflow.actor import Actor
from workflow.errors import IllegalMove, NotPermitted


class Visibility(models.TextChoices):
    """Who may read an event: everyone who sees the subject, the parties, those who work on it, or the office that oversees it alone."""

    PUBLIC = "public", bilingual("公开", "Public")
    PARTIES = "parties", bilingual("参与方", "Parties")
    INTERNAL = "internal", bilingual("内部", "Internal")
    OFFICE = "office", bilingual("仅街道", "Street office only")


class StateField(FSMField):
    """django-fsm's field, whose state is read as fast as another attribute: each event reads it eight times."""

    def get_state(self, instance: models.Model) -> Any:
        """The state as it is in memory, or else as the database has it."""
        held = instance.__dict__
        return held[self.name] if self.name in held else super().get_state(instance)

    def deconstruct(self) -> Any:
        """As migrations know it: the column is the same."""
        name, _, args, kwargs = super().deconstruct()
        return name, "django_fsm.FSMField", args, kwargs


transition = partial(of_field, "state")
"""django-fsm's transition, of the column `state`. Without a `target` the state stays."""


def clock_alone(subject: models.Model, actor: Actor) -> bool:
    """The permission of moves that no person may make. They have no address in the API."""
    return actor.clock


class MoveInput(Protocol):
    """The class that validates a move's inputs and knows which of them are people's own words."""

    @classmethod
    def own_words(cls) -> frozenset[str]: ...

    @classmethod
    def names(cls) -> frozenset[str]: ...


@dataclass(frozen=True, slots=True)
class Move:
    """A move as a client sees it, and the `news` that its app makes of it.

    `guarded` moves need the version that the caller last read; the others (a cosign, an urge) may come from anyone's old copy.
    """

    name: str
    method: str
    label: Promise
    input: type[MoveInput]
    visibility: Visibility
    guarded: bool
    meta: FSMMeta
    news: tuple[Any, ...] | None = None

    @property
    def sources(self) -> tuple[str, ...]:
        """The states from which the move is possible."""
        return tuple(str(source) for source in self.meta.transitions)

    def targets(self, source: str) -> tuple[str, ...]:
        """The states to which the move may lead from `source`; `source` itself where it stays."""
        target = self.meta.transitions[source].target
        return (source,) if target is None else tuple(map(str, getattr(target, "allowed_states", (target,))))

    def refusal(self, subject: models.Model, state: str, actor: Actor) -> IllegalMove | NotPermitted | None:
        """Why `actor` may not make this move on `subject` in `state`; None when it is free. Costs no SQL."""
        if not self.meta.has_transition(state):
            return IllegalMove()
        if not self.meta.has_transition_perm(subject, state, actor):  # type: ignore[arg-type]
            return NotPermitted()
        for condition in self.meta.transitions[state].conditions:
            if not condition(subject):
                return IllegalMove(*condition.refusal)  # type: ignore[attr-defined]
        return None


def move(
    zh: str,
    en: str,
    input: type[MoveInput],
    *,
    visibility: Visibility = Visibility.PUBLIC,
    guarded: bool = True,
    news: tuple[Any, ...] | None = None,
) -> dict[str, object]:
    """What a move says of itself, for its `custom=`; of several transitions of a move, the last one written says it for all."""
    return {"label": bilingual(zh, en), "input": input, "visibility": visibility, "guarded": guarded, "news": news}


def condition(code: str, zh: str, en: str) -> Callable[[Callable[[Any], bool]], Callable[[Any], bool]]:
    """Mark a transition's condition with the refusal that its failure means."""

    def mark(check: Callable[[Any], bool]) -> Callable[[Any], bool]:
        check.refusal = (code, bilingual(zh, en))  # type: ignore[attr-defined]
        return check

    return mark


@cache
def moves(model: type[models.Model]) -> Mapping[str, Move]:
    """Every move of `model` by name, in the order in which they are written down: its own, then those of each base in turn.

    Raises TypeError for a move that does not say who may make it: django-fsm would let everybody.
    """
    field = next(field for field in model._meta.fields if isinstance(field, FSMFieldMixin))
    order = list(dict.fromkeys(name for base in model.__mro__ for name in vars(base)))
    transitions = sorted(field.transitions[model].items(), key=lambda item: order.index(item[0]))
    found = {}
    for name, method in transitions:
        meta = method._django_fsm
        if not all(one.permission for one in meta.transitions.values()):
            raise TypeError(f"The move {name} of {model.__name__} does not say who may make it.")
        said = next(iter(meta.transitions.values())).custom
        # `return` is a word of Python's, so its method carries an underscore; the move does not.
        found[name.rstrip("_")] = Move(name=name.rstrip("_"), method=name, meta=meta, **said)
    return found
