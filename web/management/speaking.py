"""Commands that print in the language that is asked for."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import override


class OperatorCommand(BaseCommand):
    """A command for the server's operator: its own output is in `language`, what it does is independent of that."""

    language = "en"
    """Unless another is asked for."""

    def add_arguments(self, parser: CommandParser) -> None:
        """In which language."""
        parser.add_argument(
            "--language",
            choices=["zh-hans", "en"],
            default=type(self).language,
            help="of what is printed (default: %(default)s)",
        )

    def execute(self, *args: object, **options: Any) -> str | None:
        """Do it, and speak that language."""
        self.language = options.get("language") or self.language
        return super().execute(*args, **options)

    def say(self, words: object) -> None:
        """Print a line."""
        with override(self.language):
            self.stdout.write(str(words))

    def complain(self, words: object) -> None:
        """Print an error, on one line."""
        with override(self.language):
            self.stderr.write(str(words))

    def refusal(self, words: object) -> CommandError:
        """What ends the command with these words."""
        with override(self.language):
            return CommandError(str(words))


class SpeakingCommand(OperatorCommand):
    """A command for people of the street: everything in it happens in `language`."""

    language = "zh-hans"

    def execute(self, *args: object, **options: Any) -> str | None:
        """Do it in that language."""
        with override(options.get("language") or self.language):
            return super().execute(*args, **options)
