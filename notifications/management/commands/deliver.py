"""`manage.py deliver`: send due messages without a broker, once or in a loop."""

from concurrent.futures import ThreadPoolExecutor
from functools import partial

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import CommandError
from django.db import connection

from notifications.delivery import workers
from notifications.topics import ChannelName
from web.management.looping import Duty, LoopingCommand
from web.words import bilingual


class Command(LoopingCommand):
    """`manage.py deliver`: any number of them may run at once, beside Celery's workers or instead of them."""

    help = (
        "Send the due messages of every channel that is set up. With --loop, do it again every second until stopped. "
        "Ctrl-C finishes the messages that are being sent. A second Ctrl-C ends at once; those messages are sent again "
        "later, under the same key."
    )

    def handle(self, *, loop: bool, every: float, **options: object) -> None:
        """Send the due messages, and print how many were tried by each channel."""
        try:
            sending = workers.of_this_process()
        except ImproperlyConfigured as error:
            raise CommandError(str(error)) from error
        if not sending.channels:
            raise self.refusal(
                bilingual(
                    "尚未配置任何发送渠道，设置见 docs/operations.md。",
                    "No channel is set up; docs/operations.md names the settings.",
                )
            )
        # One thread per slot, so a channel that hangs blocks only its own threads.
        threads = sum(channel.slots for channel in sending.channels.values())
        with ThreadPoolExecutor(threads) as pool:
            if loop:
                self.go_on(sending.stopping, [Duty(partial(self.hand_out, sending, pool), every)])
            else:
                names = sending.sweep()
                tried = list(pool.map(lambda name: self.go(sending, name), names))
                count, channels = sum(tried), len(names)
                self.say(
                    bilingual(
                        f"{channels} 个渠道，已尝试发送 {count} 条。",
                        f"{count} deliveries tried by {channels} channels.",
                    )
                )

    def hand_out(self, sending: workers.Workers, pool: ThreadPoolExecutor) -> None:
        """Start a thread of the pool for each channel that has something due."""
        for name in sending.sweep():
            pool.submit(self.attempt, self.go, sending, name)

    def go(self, sending: workers.Workers, name: ChannelName) -> int:
        """Send the due messages of one channel, and print how many were tried. Returns that number."""
        try:
            tried = sending.deliver(name)
        finally:
            connection.close()
        if tried:
            self.say(bilingual(f"{name}：已尝试 {tried} 条。", f"{name}: {tried} tried."))
        return tried
