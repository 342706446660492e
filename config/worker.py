"""What a Celery worker makes sure of before its first task, and how it comes to its end. Imported when the apps are there."""

from celery.signals import heartbeat_sent, worker_init, worker_shutting_down

from config import pulse
from config.startup import refuse_bad_channels, refuse_old_postgresql
from notifications.delivery import workers


@worker_init.connect
def before_the_first_task(**_: object) -> None:
    """A worker starts on a database that Linli can run on and with channels that can work, or not at all."""
    refuse_old_postgresql()
    refuse_bad_channels()


@heartbeat_sent.connect
def show_pulse(**_: object) -> None:
    """The worker's own loop goes round."""
    pulse.touch()


@worker_shutting_down.connect
def stop_sending(**_: object) -> None:
    """The postman ends with what is being sent now, and does not wait for all that is due."""
    workers.of_this_process().stop()
