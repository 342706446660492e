"""Sign one of the demo's people in without a code, on a development server."""

from django.conf import settings
from django.core.management.base import CommandParser

from community import demo, signin
from web.management.speaking import OperatorCommand
from web.words import bilingual


class Command(OperatorCommand):
    """`manage.py token PERSON`: prints only a token for `Authorization: Bearer`."""

    help = "Print a fresh token of one of the demo's people, by key or phone, without a sign-in code. Refused in production."

    def add_arguments(self, parser: CommandParser) -> None:
        """Who."""
        super().add_arguments(parser)
        parser.add_argument(
            "person", nargs="?", default="", help="a key or a phone of `manage.py demo_people`, such as resident"
        )

    def handle(self, *, person: str, **options: object) -> None:
        """Issue a token, only to people of the demo: their data is nobody's secret."""
        if settings.PRODUCTION:
            raise self.refusal(bilingual("生产环境须凭验证码登录。", "Nobody gets in without a code in production."))
        people = demo.cast()
        if not people:
            raise self.refusal(demo.NOT_LOADED)
        found = people.get(person) or next((one for one in people.values() if one.phone == person), None)
        if found is None or not found.is_active:
            named_zh = f"{person!r} 不是演示人员。" if person else ""
            named = f"{person!r} is none of the demo's people. " if person else ""
            known = ", ".join(row["key"] for row in demo.rows("people") if row["cast"] == "yes")
            raise self.refusal(bilingual(f"{named_zh}请写明其中一人：{known}。", f"{named}Name one of them: {known}."))
        self.stdout.write(signin.issue(found, "make token", second_factor=True).secret)
