"""Comparisons for statements whose plan holds for all values."""

from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import CharField, IntegerField, Lookup, UUIDField
from django.db.models.expressions import BaseExpression
from django.db.models.sql.compiler import SQLCompiler


@UUIDField.register_lookup
class AnyOf(Lookup):
    """`id__any_of=ids`: equal to one of many ids, which are one parameter: a list, or an expression that is an array."""

    lookup_name = "any_of"
    prepare_rhs = False

    def as_sql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> tuple[str, tuple[Any, ...]]:
        """The comparison with an array."""
        column, parameters = self.process_lhs(compiler, connection)
        if isinstance(self.rhs, BaseExpression):
            array, values = compiler.compile(self.rhs)
            return f"{column} = ANY({array})", (*parameters, *values)
        return f"{column} = ANY(%s)", (*parameters, self.rhs)


@CharField.register_lookup
class Constant(Lookup):
    """`verb__constant="urge"`: equal to a word of the code's own, or to an empty text, which stands in the statement.

    A plan that is made for any parameters can use an index on the rows with this word, or without it, as it cannot where the word is one
    of them.
    """

    lookup_name = "constant"
    prepare_rhs = False

    def as_sql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> tuple[str, tuple[str | int, ...]]:
        """The comparison. Raises ValueError for what is no plain word."""
        column, parameters = self.process_lhs(compiler, connection)
        word = str(self.rhs)
        if word and not word.isidentifier():
            raise ValueError(f"{word!r} is no word of the code's own.")
        return f"{column} = '{word}'", parameters


@ArrayField.register_lookup
class Empty(Lookup):
    """`accused__empty=True`: an array without anything in it, written into the statement, so that its plan knows how many rows that are."""

    lookup_name = "empty"
    prepare_rhs = False

    def as_sql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> tuple[str, tuple[str | int, ...]]:
        """The comparison."""
        column, parameters = self.process_lhs(compiler, connection)
        return f"{column} {'=' if self.rhs else '<>'} '{{}}'", parameters


@IntegerField.register_lookup
class Positive(Lookup):
    """`failures__positive=True`: more than nothing, written into the statement, so that an index on these rows is found."""

    lookup_name = "positive"
    prepare_rhs = False

    def as_sql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> tuple[str, tuple[str | int, ...]]:
        """The comparison."""
        column, parameters = self.process_lhs(compiler, connection)
        return f"{column} {'>' if self.rhs else '<='} 0", parameters
