"""The Celery tasks of the console."""

import logging
import uuid

from celery import shared_task
from kombu.exceptions import OperationalError

from console import exports

logger = logging.getLogger(__name__)


@shared_task(name="console.export")
def export(export_id: str) -> None:
    """Write the file of an export."""
    exports.run(uuid.UUID(export_id))


@shared_task(name="console.exports")
def keep_exports() -> None:
    """Write what nobody has written yet, and delete the files that have expired."""
    for one in exports.waiting():
        nudge(one)
    exports.purge()


def nudge(export_id: uuid.UUID) -> None:
    """Ask a worker to write the file. Where the broker is away it waits for the next look."""
    try:
        # Without this policy a publisher keeps connecting for seconds.
        export.apply_async([str(export_id)], retry=True, retry_policy={"max_retries": 0})
    except OperationalError as error:
        logger.warning("nobody was nudged for export %s: %s", export_id, type(error).__name__)
