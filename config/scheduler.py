"""Beat's scheduler. Apart from the pulse, which the probe reads without loading Celery."""

from celery.beat import PersistentScheduler

from config import pulse


class Scheduler(PersistentScheduler):
    """Celery's own scheduler, with a pulse."""

    def tick(self, *arguments: object, **options: object) -> float:
        """Ask for what is due."""
        pulse.touch()
        return float(super().tick(*arguments, **options))
