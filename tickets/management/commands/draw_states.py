"""Write the documents that are drawn from the code."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from tickets.drawing import DOCUMENTS


class Command(BaseCommand):
    """With `--check` nothing is written, and the exit code is 1 when a document is not current."""

    help = "Write docs/states.svg, moves.md, access.md, clocks.md, news.md and openapi.yaml from the code."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--check", action="store_true", help="only say whether the documents are current")
        parser.add_argument(
            "--into", type=Path, default=settings.BASE_DIR / "docs", help="the directory of the documents"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        into: Path = options["into"]
        drawn = {into / name: draw() for name, draw in DOCUMENTS.items()}
        old = [path for path, text in drawn.items() if not path.exists() or path.read_text("utf-8") != text]
        if options["check"] and old:
            raise CommandError(f"Not current: {', '.join(path.name for path in old)}. Run manage.py draw_states.")
        for path in old:
            path.write_text(drawn[path], "utf-8")
            self.stdout.write(f"{path.name} is written.")
        if not old:
            self.stdout.write("All documents are current.")
