"""Commands that speak to people of the street, in the language that is asked for."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils.translation import override


class SpeakingCommand(BaseCommand):
    """A command with `--language`."""

    def add_arguments(self, parser: CommandParser) -> None:
        """In which language."""
        parser.add_argument("--language", choices=["zh-hans", "en"], default="zh-hans", help="default: %(default)s")

    def execute(self, *args: Any, **options: Any) -> str | None:
        """Do it in that language."""
        with override(options["language"]):
            return super().execute(*args, **options)
