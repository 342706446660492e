"""Load the demo street 学院路街道 with its places, organisations, people and contracts."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from community import demo


class Command(BaseCommand):
    """`manage.py load_demo`: adds what is missing, changes nothing that is there."""

    help = "Load the demo street 学院路街道; running it again changes nothing."

    def handle(self, **options: Any) -> None:
        """Load it, telling file by file how much was new; refused in production."""
        if settings.PRODUCTION:
            raise CommandError("The demo street has an administrator whose password is public: not in production.")
        demo.load(self.report)

    def report(self, name: str, rows: int, new: int) -> None:
        """Print one line of progress."""
        self.stdout.write(f"{name:>14} {rows:>5}  {f'{new} new' if new else 'nothing new'}")
