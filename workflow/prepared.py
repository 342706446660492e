"""A SELECT that the ORM words once in a process; afterwards only its parameters change.

Statement a query costs the ORM more than PostgreSQL needs to answer a small one. What every move runs is therefore worded with
stand-ins for its parameters and kept; the rows come back as the model's instances, with their annotations.
"""

import uuid
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db import connection, models

from workflow.instances import stored


def array_of(keys: Iterable[uuid.UUID]) -> str:
    """The keys as PostgreSQL reads an array of them from a string; the driver asks each of them twice what it is."""
    return f"{{{','.join([one.hex for one in keys])}}}"


@dataclass(frozen=True, slots=True)
class Statement:
    """The statement, its parameters in order (each by its name, or a constant), and how a row becomes an instance."""

    sql: str
    parameters: tuple[tuple[str | None, Any], ...]
    columns: tuple[str, ...]
    annotations: tuple[str, ...]


class Prepared[M: models.Model]:
    """The query that `words` builds from named parameters, worded at its first use.

    `samples` gives each parameter a value that occurs nowhere else in the query, such as a UUID of its own. Only whole instances
    whose columns PostgreSQL's driver reads as they are can be prepared; TypeError at the first use otherwise. Every parameter must
    occur in the query, but for those that are `optional`.
    """

    def __init__(self, words: Callable[..., models.QuerySet[M]], optional: Collection[str] = (), **samples: object):
        self.words, self.optional, self.samples = words, optional, samples
        self._wording: Statement | None = None
        self._model: type[M] | None = None

    def rows(self, **values: Any) -> list[M]:
        """The instances that the query finds with these values of its parameters, None among them."""
        wording, model = self.statement(), self._model
        assert model is not None
        with connection.cursor() as cursor:
            sent = {name: array_of(one) if type(one) is list else one for name, one in values.items()}
            cursor.execute(wording.sql, [sent[name] if name else constant for name, constant in wording.parameters])
            found = cursor.fetchall()
        names = wording.columns + wording.annotations
        return stored(model, names, found)

    def statement(self) -> Statement:
        """The statement as it is worded."""
        if self._wording is None:
            self._wording = self._word()
        return self._wording

    def _word(self) -> Statement:
        query = self.words(**self.samples)
        compiler = query.query.get_compiler(connection=connection)
        sql, parameters = compiler.as_sql()
        fields = [compiler.select[index][0].target for index in compiler.klass_info["select_fields"]]
        annotations: Mapping[str, int] = compiler.annotation_col_map or {}
        if compiler.get_converters([expression for expression, *_ in compiler.select]):
            raise TypeError(f"{query.model.__name__} has columns that need converting; it cannot be prepared.")
        if list(annotations.values()) != list(range(len(fields), len(compiler.select))):
            raise TypeError("Only a model's own columns and annotations can be prepared.")
        named = tuple((self._name(one), one) for one in parameters)
        if missing := set(self.samples) - {name for name, _ in named} - set(self.optional):
            raise TypeError(f"The query does not use {', '.join(sorted(missing))}.")
        self._model = query.model
        return Statement(sql, named, tuple(field.attname for field in fields), tuple(annotations))

    def _name(self, parameter: object) -> str | None:
        same = (
            name for name, sample in self.samples.items() if type(sample) is type(parameter) and sample == parameter
        )
        return next(same, None)
