"""Instances of models, made without the round through every field that `Model.__init__` makes.

A sweep makes ten of them for each subject it touches, and every move a handful; the round costs more than PostgreSQL needs for the
rows. No signal is sent, which Linli has none of, and no value is checked, since they come from the database or go there.
"""

from collections.abc import Callable, Sequence
from functools import cache

from django.db import connection, models
from django.db.models.base import ModelState


def stored[M: models.Model](model: type[M], names: Sequence[str], values: Sequence[object]) -> M:
    """The instance of a row that has been read: `names` are all attributes of its columns, and of what was annotated."""
    one = model.__new__(model)
    state = ModelState()
    state.adding, state.db = False, connection.alias
    one.__dict__.update(zip(names, values, strict=True), _state=state)
    return one


def fresh[M: models.Model](model: type[M], **values: object) -> M:
    """A new instance, with the fields' defaults for what is not given; related rows are given by their ids."""
    constants, callables = _defaults(model)
    one = model.__new__(model)
    one.__dict__.update(constants)
    for name, default in callables:
        if name not in values:
            one.__dict__[name] = default()
    one.__dict__.update(values)
    one.__dict__["_state"] = ModelState()
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
