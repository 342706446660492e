"""Draws the console's icons into one file."""

import argparse
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from console.icons import NAMES, SPRITE, sprite


class Command(BaseCommand):
    """Writes the sprite anew from the icons of the npm package @tabler/icons."""

    help = "Write the console's icons into one file, from the folder icons/outline of the npm package @tabler/icons."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Where the icons are."""
        parser.add_argument("source", type=Path, help="the folder icons/outline of the unpacked package")

    def handle(self, *args: Any, **options: Any) -> None:
        """Draw them all, or nothing where one is missing."""
        try:
            SPRITE.write_text(sprite(options["source"]))
        except FileNotFoundError as error:
            raise CommandError(f"There is no icon {error.filename}.") from error
        self.stdout.write(f"{len(NAMES)} icons in {SPRITE.name}.")
