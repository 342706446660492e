"""Tell four stories of the demo street against a running server, through its HTTP API alone."""

from argparse import RawDescriptionHelpFormatter

import httpx
from django.conf import settings
from django.core.management.base import CommandError, CommandParser

from tickets.demo.server import DemoFailed, Server
from tickets.demo.stories import STORIES
from tickets.demo.walk import Pen, Walk
from web.management.speaking import SpeakingCommand
from web.words import bilingual

_HELP = """Tell four stories of the demo street, from the report to the last signature, through the API of a running
server: each step with the person who made it, the ticket's state and what is due; then the timeline as the resident
reads it, and what the street sees in addition.

Start the server first: `make run` in another terminal. The people sign in with the codes of its development SMS log
(LINLI_LOCAL_DIR/log/sms.log); their tokens are kept in LINLI_LOCAL_DIR/demo-tokens.json for the next run."""


class Command(SpeakingCommand):
    """`manage.py demo`; needs no database of its own, and leaves with 1 when a step is refused unexpectedly."""

    help = _HELP
    requires_system_checks: list[str] = []

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: object) -> CommandParser:
        """Keep the lines of the help as they are written."""
        parser = super().create_parser(prog_name, subcommand, **kwargs)
        parser.formatter_class = RawDescriptionHelpFormatter
        return parser

    def add_arguments(self, parser: CommandParser) -> None:
        """Where the server is, and which story in which language."""
        super().add_arguments(parser)
        parser.add_argument("--url", default="http://127.0.0.1:8000", help="the server (default: %(default)s)")
        parser.add_argument(
            "--story", action="append", choices=list(STORIES), metavar="NAME", help="only this one; may be repeated"
        )
        parser.add_argument("--list", action="store_true", help="list the stories and stop")

    def handle(self, *, url: str, story: list[str] | None, language: str, **options: object) -> None:
        """Tell the stories."""
        if options["list"]:
            for each in STORIES.values():
                self.stdout.write(f"{each.name:<14} {each.title}")
            return
        headers = {"Accept-Language": language}
        with httpx.Client(base_url=url, timeout=30, headers=headers) as client:
            self.tell(client, story or list(STORIES))

    def tell(self, client: httpx.Client, names: list[str]) -> None:
        """Tell the stories through `client`. Raises CommandError where one cannot go on."""
        server = Server(
            client,
            sms_log=settings.SMS_LOG,
            tokens=settings.LOCAL_DIR / "demo-tokens.json",
            say=lambda words: self.stdout.write(self.style.WARNING(words)),
        )
        pen = Pen(self.stdout.write, self.style.MIGRATE_HEADING, self.style.SUCCESS, self.style.HTTP_INFO)
        steps = 0
        try:
            server.check()
            for name in names:
                walk = Walk(server, pen)
                walk.begin(STORIES[name].title)
                STORIES[name].tell(walk)
                steps += walk.steps
        except DemoFailed as trouble:
            raise CommandError(str(trouble)) from trouble
        except httpx.HTTPError as error:
            raise CommandError(
                str(bilingual(f"与服务器的连接中断：{error}", f"The connection to the server broke: {error}"))
            ) from error
        self.stdout.write("")
        self.stdout.write(
            self.style.SUCCESS(
                str(bilingual(f"{len(names)} 个故事，{steps} 步。", f"{len(names)} stories, {steps} steps."))
            )
        )
