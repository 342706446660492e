"""Constraints that a later release changes while people work."""

from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.models import CheckConstraint, Model


class KnownValues(CheckConstraint):
    """A check that a column has one of the known values. Later releases know more of them, and never fewer.

    The migration that adds a value, as `makemigrations` writes it, reads no row under the table's lock: PostgreSQL checks what is written
    from then on. The rows that are there were checked against a shorter list.
    """

    def create_sql(self, model: type[Model] | None, schema_editor: BaseDatabaseSchemaEditor | None) -> str:
        """The statement that adds the constraint to a table that is there."""
        return f"{super().create_sql(model, schema_editor)} NOT VALID"
