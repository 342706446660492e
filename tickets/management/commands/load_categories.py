"""Load the category tree: version 1 where there is none, a further version only when asked."""

from datetime import datetime
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import CommandError, CommandParser
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import override

from tickets import catalogue
from tickets.models import CategoryVersion
from web.management.speaking import OperatorCommand
from web.tables import BadTable
from web.words import bilingual

# The Beijing Property Management Regulation took effect on 1 May 2020; nothing is filed under the tree before that.
FIRST_EFFECTIVE_FROM = datetime.fromisoformat("2020-05-01T00:00:00+08:00")


def aware(text: str) -> datetime:
    """An ISO date-time with its offset. Raises ValueError."""
    value = parse_datetime(text)
    if value is None or timezone.is_naive(value):
        raise ValueError(text)
    return value


class Command(OperatorCommand):
    """Running it twice does no harm: the second run finds version 1 and stops."""

    help = "Load the category tree from a CSV file (see tickets/catalogue.py for its columns)."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--file", type=Path, default=catalogue.FILE, help="the CSV file; default: the one of this release"
        )
        parser.add_argument(
            "--new-version", action="store_true", help="publish the file as a further version if it differs"
        )
        parser.add_argument(
            "--effective-from", type=aware, help="when the new version takes effect, e.g. 2027-01-01T00:00:00+08:00"
        )

    def handle(self, *args: object, **options: Any) -> None:
        path: Path = options["file"]
        try:
            categories = catalogue.read_file(path)
            newest = CategoryVersion.objects.exclude(published_at=None).order_by("-number").first()
            if newest is None:
                effective_from = options["effective_from"] or FIRST_EFFECTIVE_FROM
            elif not catalogue.differs(categories, newest):
                self.say(
                    bilingual(
                        f"第 {newest.number} 版已有相同的 {len(categories)} 个分类，无需载入。",
                        f"{newest} holds the same {len(categories)} categories; nothing to do.",
                    )
                )
                return
            elif not options["new_version"]:
                self.say(
                    bilingual(
                        f"{path.name} 与第 {newest.number} 版不同；如需发布，请用 --new-version --effective-from。",
                        f"{path.name} differs from {newest}; to publish it, use --new-version --effective-from.",
                    )
                )
                return
            elif options["effective_from"] is None:
                raise self.refusal(
                    bilingual("--new-version 须同时给出 --effective-from。", "--new-version needs --effective-from.")
                )
            else:
                effective_from = options["effective_from"]
            version = catalogue.load(categories, source=path.name, at=timezone.now(), effective_from=effective_from)
        except BadTable as problem:
            raise self.refusal(problem.reason) from problem
        except ValidationError as problem:
            with override(self.language):
                raise CommandError("; ".join(problem.messages)) from problem
        except OSError as problem:
            raise CommandError(str(problem)) from problem
        self.say(
            bilingual(
                f"第 {version.number} 版：{len(categories)} 个分类，自 {effective_from.isoformat()} 起生效。",
                f"{version}: {len(categories)} categories, in effect from {effective_from.isoformat()}.",
            )
        )
