"""Prove that no ticket's history was changed, cut or added to behind Linli's back."""

import time
import uuid
from typing import Any

from django.core.management.base import CommandParser
from django.utils.translation import override

from tickets import photos, sealing
from tickets.models import Ticket, TicketEvent
from web.management.speaking import OperatorCommand
from web.words import Words, bilingual, en, zh
from workflow.seals import Head
from workflow.verification import Flaw, verify

_EVERY = 500


class Command(OperatorCommand):
    """`manage.py verify_audit`: leaves with 1 at the first flaw, or with --all after telling every one."""

    help = (
        "Prove with AUDIT_KEY every ticket's chain of events, its row and what belongs to it, and that no ticket is missing of those "
        "that were sealed. Names the first bad row and leaves with 1; it may run beside the work."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Whether to go on after the first flaw, and the heads that were kept elsewhere."""
        super().add_arguments(parser)
        parser.add_argument("--all", action="store_true", help="tell the flaw of every bad ticket, not the first alone")
        parser.add_argument(
            "--head",
            action="append",
            default=[],
            metavar="STREET:NUMBER:DIGEST",
            help="a head that `seal_audit` printed and that was kept elsewhere; may be given again",
        )

        parser.add_argument(
            "--photos", action="store_true", help="read the file of every attached photo as well, which takes a while"
        )

    def handle(self, **options: Any) -> None:
        """Prove them all, as far as asked."""
        started, proved, flaws = time.monotonic(), 0, 0
        heads = self._heads(options)
        for proved, flaw in verify(Ticket, heads=heads):
            self._progress(proved)
            if flaw is None:
                continue
            flaws += 1
            self.complain(self._told(flaw))
            if not options["all"]:
                raise self.refusal(
                    bilingual(
                        f"第 {proved} 件工单未通过审计；--all 列出全部问题。",
                        f"The audit failed at ticket number {proved}; --all tells every flaw.",
                    )
                )
        seconds = max(time.monotonic() - started, 0.001)
        events = TicketEvent.objects.count()
        self.say(
            bilingual(
                f"{proved} 件工单、{events} 个事件，用时 {seconds:.1f} 秒：每秒 {proved / seconds:.0f} 件、"
                f"{events / seconds:.0f} 个事件。",
                f"{proved} tickets with {events} events in {seconds:.1f} s: "
                f"{proved / seconds:.0f} tickets/s, {events / seconds:.0f} events/s.",
            )
        )
        if flaws:
            raise self.refusal(
                bilingual(f"{proved} 件工单中有 {flaws} 件有问题。", f"{flaws} of {proved} tickets are flawed.")
            )
        if options["photos"]:
            self._photos()
        self.say(bilingual("全部历史记录完好。", "Every history holds."))

    def _heads(self, options: dict[str, Any]) -> dict[uuid.UUID, tuple[int, bytes]]:
        try:
            heads, flaws = sealing.read_all(Head.parse(text) for text in options["head"])
        except ValueError:
            raise self.refusal(
                bilingual(
                    "链首写作 STREET:NUMBER:DIGEST，如 `seal_audit` 所输出。",
                    "A head is written STREET:NUMBER:DIGEST, as `seal_audit` prints it.",
                )
            ) from None
        except LookupError as unknown:
            raise self.refusal(bilingual(f"没有街道 {unknown}。", f"There is no street {unknown}.")) from None
        for street, reason in flaws:
            self.complain(bilingual(f"{street}：{zh(reason)}", f"{street}: {en(reason)}"))
        if flaws:
            raise self.refusal(bilingual("封印链不完整。", "The chain of seals does not hold."))
        return heads

    def _photos(self) -> None:
        changed = list(photos.changed_files())
        for photo, reason in changed:
            self.complain(
                bilingual(
                    f"{photo.ticket_id}：照片 {photo.pk} 的文件{zh(reason)}",
                    f"{photo.ticket_id}: the file of photo {photo.pk} {en(reason)}",
                )
            )
        if changed:
            raise self.refusal(
                bilingual(
                    f"{len(changed)} 张照片与上传时不符。", f"{len(changed)} photos are not as they were uploaded."
                )
            )

    def _told(self, flaw: Flaw) -> Words:
        ticket = flaw.subject
        if ticket is None:
            return flaw.reason
        assert isinstance(ticket, Ticket)
        return bilingual(
            f"{ticket.code}（{ticket.pk}），第 {flaw.seq} 个事件：{zh(flaw.reason)}",
            f"{ticket.code} ({ticket.pk}), event {flaw.seq}: {en(flaw.reason)}",
        )

    def _progress(self, proved: int) -> None:
        """One line that is written over, on a terminal; a log is spared it."""
        if proved % _EVERY == 0 and self.stdout.isatty():
            with override(self.language):
                self.stdout.write(str(bilingual(f"\r{proved} 件工单…", f"\r{proved} tickets …")), ending="\r")
            self.stdout.flush()
