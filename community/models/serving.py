"""What tells that an answer to who serves a place may have changed."""

from django.db import models


class ServingVersion(models.Model):
    """A mark that PostgreSQL replaces in the transaction that changes a place, an organisation, its members or its contracts.

    All marks together are the version. There are several, so that two who change something at the same time need not wait.
    """

    id = models.PositiveSmallIntegerField(primary_key=True)
    version = models.UUIDField()

    def __str__(self) -> str:
        return str(self.version)
