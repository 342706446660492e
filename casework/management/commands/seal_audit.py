"""Seal the heads of all subjects, and tell the heads that are to be kept elsewhere."""

from typing import Any

from django.core.mail import EmailMessage
from django.core.management.base import CommandParser

from casework import sealing
from notifications import mail
from web.management.speaking import OperatorCommand
from web.words import bilingual


class Command(OperatorCommand):
    """`manage.py seal_audit`: seals like beat and `tick` every hour, and prints the latest heads, one per line."""

    help = (
        "Seal the heads of each street's tickets and other subjects if the last seal is an hour old, and print the latest heads. Keep "
        "a head outside this server, on paper or in a mailbox: `verify_audit --head` then recognises a database that was set back."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """The addresses that get the heads by mail."""
        super().add_arguments(parser)
        parser.add_argument(
            "--mail", action="append", default=[], metavar="ADDRESS", help="mail the heads; may be repeated"
        )

    def handle(self, **options: Any) -> None:
        """Seal, print and mail."""
        sealing.seal_all()
        lines = [str(head) for head, _ in sealing.latest_heads()]
        for line in lines:
            self.stdout.write(line)
        if not options["mail"]:
            return
        try:
            mail.ready()
        except mail.NoMailServer:
            raise self.refusal(
                bilingual("没有邮件服务器，请设置 EMAIL_URL。", "There is no mail server: set EMAIL_URL.")
            ) from None
        EmailMessage("Linli: heads of the audit 审计链首", "\n".join(lines) + "\n", to=options["mail"]).send()
