"""Prove that no subject's history was changed, cut or added to behind Linli's back."""

import time
import uuid
from collections.abc import Mapping
from typing import Any

from django.core.management.base import CommandParser
from django.utils.text import format_lazy
from django.utils.translation import override

from casework import sealing
from casework.kinds import Kind, kinds
from web.management.speaking import OperatorCommand
from web.words import Words, bilingual, en, zh
from workflow.models import Subject
from workflow.references import orphans
from workflow.seals import Head
from workflow.verification import Flaw, verify

_EVERY = 500


class Command(OperatorCommand):
    """`manage.py verify_audit`: exits with 1 at the first flaw, or with --all after naming every flaw."""

    help = (
        "Verify with AUDIT_KEY the chain of events of every ticket and other subject, its row and the rows that belong to it, "
        "that no sealed subject is missing, and that no row names one that is not there. Names the first bad row and exits with 1. "
        "It may run while the server works."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Whether to go on after the first flaw, and the heads that were kept elsewhere."""
        super().add_arguments(parser)
        parser.add_argument("--all", action="store_true", help="name the flaw of every bad subject, not only the first")
        parser.add_argument(
            "--head",
            action="append",
            default=[],
            metavar="STREET:NUMBER:DIGEST",
            help="a head that `seal_audit` printed and that was kept elsewhere; may be repeated",
        )

        parser.add_argument(
            "--photos", action="store_true", help="also read the file of every attached photo, which takes a while"
        )

    def handle(self, **options: Any) -> None:
        """Prove them all, as far as asked."""
        heads = self._heads(options)
        flawed = [said for kind in kinds() if (said := self._prove(kind, heads[kind.name], every=options["all"]))]
        flawed += self._orphans()
        if flawed:
            raise self.refusal(format_lazy("{}" * len(flawed), *flawed))
        if options["photos"]:
            self._photos()
        self.say(bilingual("全部历史记录完好。", "Every history holds."))

    def _prove[S: Subject](
        self, kind: Kind[S], heads: dict[uuid.UUID, tuple[int, bytes]], *, every: bool
    ) -> Words | None:
        """Prove the subjects of a kind; what is to be said in the end where some are flawed."""
        started, proved, flaws = time.monotonic(), 0, 0
        one, several = zh(kind.singular), en(kind.plural)
        for proved, flaw in verify(kind.model, heads=heads):
            self._progress(proved, one, several)
            if flaw is None:
                continue
            flaws += 1
            self.complain(self._told(kind, flaw))
            if not every:
                raise self.refusal(
                    bilingual(
                        f"第 {proved} 件{one}未通过审计；--all 列出全部问题。",
                        f"The audit failed at {en(kind.singular)} number {proved}; --all tells every flaw.",
                    )
                )
        seconds = max(time.monotonic() - started, 0.001)
        events: Any = kind.model.EVENTS._base_manager
        number = events.count()
        self.say(
            bilingual(
                f"{proved} 件{one}、{number} 个事件，用时 {seconds:.1f} 秒：每秒 {proved / seconds:.0f} 件、"
                f"{number / seconds:.0f} 个事件。",
                f"{proved} {several} with {number} events in {seconds:.1f} s: "
                f"{proved / seconds:.0f} {several}/s, {number / seconds:.0f} events/s.",
            )
        )
        if not flaws:
            return None
        return bilingual(f"{proved} 件{one}中有 {flaws} 件有问题。", f"{flaws} of {proved} {several} are flawed.")

    def _orphans(self) -> list[Words]:
        """Name every row that names a row which is not there; what is to be said in the end where there are some."""
        lost = 0
        for one in orphans():
            self.complain(one.reason)
            lost += 1
        return [bilingual(f"{lost} 处所指的记录不存在。", f"{lost} rows name a row that is not there.")] if lost else []

    def _heads(self, options: dict[str, Any]) -> Mapping[str, dict[uuid.UUID, tuple[int, bytes]]]:
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
        changed = [found for kind in kinds() for found in kind.changed_photos()]
        for subject, photo, reason in changed:
            self.complain(
                bilingual(
                    f"{subject}：照片 {photo} 的文件{zh(reason)}", f"{subject}: the file of photo {photo} {en(reason)}"
                )
            )
        if changed:
            raise self.refusal(
                bilingual(
                    f"{len(changed)} 张照片与上传时不符。", f"{len(changed)} photos are not as they were uploaded."
                )
            )

    def _told(self, kind: Kind[Any], flaw: Flaw) -> Words:
        if flaw.subject is None:
            return flaw.reason
        named, key = kind.reference(flaw.subject), flaw.subject.pk
        return bilingual(
            f"{named}（{key}），第 {flaw.seq} 个事件：{zh(flaw.reason)}",
            f"{named} ({key}), event {flaw.seq}: {en(flaw.reason)}",
        )

    def _progress(self, proved: int, one: str, several: str) -> None:
        """One line that is written over, on a terminal; a log is spared it."""
        if proved % _EVERY == 0 and self.stdout.isatty():
            with override(self.language):
                self.stdout.write(str(bilingual(f"\r{proved} 件{one}…", f"\r{proved} {several} …")), ending="\r")
            self.stdout.flush()
