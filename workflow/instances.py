"""Instances of models, made without the round through every field that `Model.__init__` makes.

A sweep makes ten of them for each subject it touches, and every move a handful; the round costs more than PostgreSQL needs for the
rows. No signal is sent, which Linli has none of, and no value is checked, since they come from the database or go there.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import cache

from django.db import DEFAULT_DB_ALIAS, models
from django.db.models.base import ModelState


class _State:
    """What Django's `ModelState` holds, without its `__del__`, which costs as much as all else that an instance needs."""

    db: str | None = None
    adding = True
    fields_cache = ModelState.fields_cache
    fetch_mode = ModelState.fetch_mode
    peers = ()


class _Stored(_State):
    """Of a row that is there."""

    db = DEFAULT_DB_ALIAS
    adding = False


def stored[M: models.Model](model: type[M], names: Sequence[str], rows: Iterable[Sequence[object]]) -> list[M]:
    """The instances of rows that have been read: `names` are all attributes of their columns, and of what was annotated."""
    new, state, blank = model.__new__, _Stored, dict.fromkeys((*names, "_state"))
    made = []
    for values in rows:
        one = new(model)
        # A copy has its size already, and need not grow.
        held = blank.copy()
        held.update(zip(names, values, strict=True), _state=state())
        one.__dict__ = held
        made.append(one)
    return made


def fresh[M: models.Model](model: type[M], **values: object) -> M:
    """A new instance, with the fields' defaults for what is not given; related rows are given by their ids."""
    constants, callables = _defaults(model)
    held = constants.copy()
    for name, default in callables:
        if name not in values:
            held[name] = default()
    held.update(values)
    held["_state"] = _State()
    one = model.__new__(model)
    one.__dict__ = held
    return one


@cache
def _defaults(model: type[models.Model]) -> tuple[dict[str, object], tuple[tuple[str, Callable[[], object]], ...]]:
    """The defaults of a model's attributes: those that are the same for all instances, and those that are made anew."""
    constants: dict[str, object] = {}
    callables = []
    for field in model._meta.concrete_fields:
        if field.has_default() and callable(field.default):
            callables.append((field.attname, field.default))
        else:
            # What the database fills in is one and the same mark.
            constants[field.attname] = field.get_default()
    return constants, tuple(callables)
