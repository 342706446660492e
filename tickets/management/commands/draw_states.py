"""Write the documents that are drawn from the code."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import CommandParser

from tickets.drawing import DOCUMENTS
from web.management.speaking import OperatorCommand
from web.words import bilingual


class Command(OperatorCommand):
    """With `--check` nothing is written, and the exit code is 1 when a document is not current."""

    help = "Write docs/moves.md, access.md, clocks.md, news.md and openapi.yaml from the code."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--check", action="store_true", help="only say whether the documents are current")
        parser.add_argument(
            "--into", type=Path, default=settings.BASE_DIR / "docs", help="the directory of the documents"
        )

    def handle(self, *args: object, **options: Any) -> None:
        into: Path = options["into"]
        drawn = {into / name: draw() for name, draw in DOCUMENTS.items()}
        old = [path for path, text in drawn.items() if not path.exists() or path.read_text("utf-8") != text]
        if options["check"] and old:
            names = ", ".join(path.name for path in old)
            raise self.refusal(
                bilingual(
                    f"不是最新：{names}。请运行 manage.py draw_states。",
                    f"Not current: {names}. Run manage.py draw_states.",
                )
            )
        for path in old:
            path.write_text(drawn[path], "utf-8")
            self.say(bilingual(f"已写入 {path.name}。", f"{path.name} is written."))
        if not old:
            self.say(bilingual("文档均为最新。", "All documents are current."))
