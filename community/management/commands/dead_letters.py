"""List the deliveries that failed for good, and send them again."""

import re
import uuid
from argparse import ArgumentTypeError
from datetime import datetime, timedelta
from itertools import batched

from django.core.management.base import CommandParser
from django.db.models import Q
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.timesince import timesince
from django.utils.translation import override

from community.models import Street
from notifications.delivery.replay import replay, switched_off
from notifications.models import Delivery
from notifications.topics import ChannelName
from web.management.speaking import OperatorCommand
from web.words import bilingual

_UNITS = {"m": "minutes", "h": "hours", "d": "days"}
_BATCH = 1000


def moment(text: str) -> datetime:
    """The moment that `text` names: so long ago (`90m`, `6h`, `2d`), or a day or moment by ISO 8601 in the street's own time."""
    if ago := re.fullmatch(r"([0-9]{1,4})([mhd])", text):
        return timezone.now() - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise ArgumentTypeError(f"{text!r} is no moment: give 90m, 6h, 2d or 2026-03-01T08:00") from error
    return found if timezone.is_aware(found) else timezone.make_aware(found)


class Command(OperatorCommand):
    """`manage.py dead_letters`: without --replay it changes nothing."""

    help = (
        "List the deliveries that failed for good (dead letters): their keys, channels, recipients, attempts and reasons; "
        "no phone, name or address. With --replay, queue all that match again: each keeps its key, by which a receiver "
        "recognises a repeat. A phone cannot: text messages that may have arrived are queued only with --unknown-too. "
        "Deliveries for a webhook or robot that is switched off wait until it is switched on. "
        "First fix what the reason names."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Which deliveries, and whether to send them again."""
        super().add_arguments(parser)
        parser.add_argument("keys", nargs="*", type=uuid.UUID, metavar="KEY", help="only deliveries with these keys")
        parser.add_argument("--channel", choices=ChannelName.values, help="only one channel")
        parser.add_argument(
            "--since", type=moment, help="only deliveries that failed since: 90m, 6h, 2d ago, or 2026-03-01T08:00"
        )
        parser.add_argument("--street", metavar="CODE", help="only one street")
        parser.add_argument("--limit", type=int, default=50, help="list at most this many (default: 50)")
        act = parser.add_mutually_exclusive_group()
        act.add_argument("--dry-run", action="store_true", help="change nothing (the default without --replay)")
        act.add_argument("--replay", action="store_true", help="queue all matching deliveries again, listed or not")
        parser.add_argument("--all", action="store_true", help="let --replay queue every dead delivery")
        parser.add_argument(
            "--unknown-too", action="store_true", help="let --replay also queue text messages that may have arrived"
        )

    def handle(
        self,
        *,
        keys: list[uuid.UUID],
        channel: str | None,
        since: datetime | None,
        street: str | None,
        limit: int,
        **options: object,
    ) -> None:
        """List them; replay them where asked to."""
        found = Delivery.objects.dead().order_by("-id")
        if keys:
            found = found.filter(pk__in=keys)
        if channel:
            found = found.filter(channel=channel)
        if since:
            found = found.filter(finished_at__gte=since)
        if street:
            found = found.filter(street_id=self.street_id(street))
        if options["replay"] and not (keys or channel or since or street or options["all"]):
            raise self.refusal(
                bilingual(
                    "请指明哪些：编号、--channel、--since、--street 或 --all。",
                    "Say which: KEY …, --channel, --since, --street, or --all.",
                )
            )
        with override(self.language):
            for delivery in found[: max(0, limit)]:
                self.stdout.write(line(delivery))
        if not options["replay"]:
            self.say(bilingual(f"共 {found.count()} 条发送失败。", f"{found.count()} dead letters."))
            return
        unknown = Q(channel=ChannelName.SMS, unsure=True)
        if not options["unknown_too"] and (left := found.filter(unknown).count()):
            self.say(
                bilingual(
                    f"{left} 条短信可能已送达，未重发；见 --unknown-too。",
                    f"{left} text messages may have arrived and are left alone; see --unknown-too.",
                )
            )
            found = found.exclude(unknown)
        if left := found.filter(switched_off()).count():
            self.say(
                bilingual(
                    f"{left} 条的接收方（Webhook 或群机器人）已停用，请先启用。",
                    f"{left} are for a webhook or robot that is switched off; switch it on first.",
                )
            )
            found = found.exclude(switched_off())
        self.say(self.replayed(list(found.values_list("pk", flat=True))))

    def street_id(self, code: str) -> uuid.UUID:
        """The street of that code."""
        found = Street.objects.filter(code=code).values_list("pk", flat=True).first()
        if found is None:
            raise self.refusal(bilingual(f"没有街道 {code!r}。", f"There is no street {code!r}."))
        return found

    def replayed(self, ids: list[uuid.UUID]) -> Promise:
        """Queue them again, and say how many that were."""
        queued = sum(map(replay, batched(ids, _BATCH)))
        return bilingual(f"{queued} 条已重新排队。", f"{queued} queued again.")


def line(delivery: Delivery) -> str:
    """What can be shown of one: of its recipient the end of an id."""
    age = timesince(delivery.finished_at or delivery.created_at, depth=1).replace("\xa0", " ")
    recipient = f"…{delivery.recipient.hex[-8:]}"
    told = bilingual(f"{age}前  尝试 {delivery.attempts} 次", f"{age} ago  {delivery.attempts} attempts")
    return f"{delivery.pk}  {delivery.channel:8}  {recipient}  {told}  {delivery.error}"
