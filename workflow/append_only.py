"""A table of history that only grows, as an operation for migrations."""

from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState

# Who may switch triggers off for a session (a superuser, as restores do with session_replication_role) can still change rows; the
# keyed chain of digests shows it.
_FUNCTION = """
CREATE OR REPLACE FUNCTION refuse_change_of_history() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'History is append-only: % on % is refused.', TG_OP, TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;
"""
_TRIGGERS = """
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION refuse_change_of_history();
CREATE TRIGGER append_only_whole BEFORE TRUNCATE ON {table} FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_history();
"""
_NO_TRIGGERS = """
DROP TRIGGER append_only_whole ON {table};
DROP TRIGGER append_only ON {table};
"""


class AppendOnly(Operation):
    """Let PostgreSQL refuse UPDATE, DELETE and TRUNCATE on the table of `model_name`, for its events and its seals."""

    reduces_to_sql = True
    reversible = True

    def __init__(self, model_name: str):
        self.model_name = model_name

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        """Triggers are no part of Django's state."""

    def database_forwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        """Add the triggers."""
        # Without parameters: the text has per cent signs of its own.
        schema_editor.execute(_FUNCTION, params=None)
        schema_editor.execute(_TRIGGERS.format(table=self._table(app_label, schema_editor, to_state)))

    def database_backwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        """Drop them again; the function stays, since other tables use it."""
        schema_editor.execute(_NO_TRIGGERS.format(table=self._table(app_label, schema_editor, from_state)))

    def describe(self) -> str:
        """As `migrate` shows it."""
        return f"Let {self.model_name} only grow"

    def _table(self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, state: ProjectState) -> str:
        table = state.apps.get_model(app_label, self.model_name)._meta.db_table
        return str(schema_editor.quote_name(table))
