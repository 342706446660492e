"""Load the demo street 学院路街道 with its places, organisations, people and contracts."""

from django.conf import settings
from django.utils.text import format_lazy

from community import demo
from web.management.speaking import OperatorCommand
from web.words import bilingual


class Command(OperatorCommand):
    """`manage.py load_demo`: adds the rows of the demo street that are missing. Existing rows stay unchanged."""

    help = "Load the demo street 学院路街道; running it again changes nothing."

    def handle(self, **options: object) -> None:
        """Load it, telling file by file how much was new; refused in production."""
        if settings.PRODUCTION:
            raise self.refusal(
                bilingual(
                    "演示街道的管理员密码是公开的，不能用于生产环境。",
                    "The demo street has an administrator whose password is public: not in production.",
                )
            )
        demo.load(self.report)

    def report(self, name: str, rows: int, new: int) -> None:
        """Print one line of progress."""
        told = bilingual(f"新增 {new} 条", f"{new} new") if new else bilingual("无新增", "nothing new")
        self.say(format_lazy("{:>14} {:>5}  {}", name, rows, told))
