"""Print the cast of the demo street: who they are, and how to sign in as them."""

from django.conf import settings
from django.core.management.base import CommandError
from django.db.models import Prefetch

from community import demo
from community.management.table import padded
from community.models import Membership, Person, Residency
from web.management.speaking import SpeakingCommand
from web.words import bilingual

_FORMER = bilingual("（已卸任）", " (until lately)")
_ADMINISTRATOR = bilingual("系统管理员", "administrator")
_CLERK = bilingual("可进入管理后台", "may enter the admin")
_OUTSIDER = bilingual("辖区外人员", "from outside the street")


class Command(SpeakingCommand):
    """`manage.py demo_people`: a table of the named cast."""

    help = "Show the people of the demo street and how to sign in as each of them."

    def handle(self, **options: object) -> None:
        """Print one line for each of the cast."""
        people = demo.cast()
        if not people:
            raise CommandError(str(demo.NOT_LOADED))
        loaded = Person.objects.filter(id__in=[person.id for person in people.values()]).prefetch_related(
            Prefetch("memberships", Membership.objects.select_related("organisation")),
            Prefetch("residencies", Residency.objects.select_related("compound")),
        )
        by_id = {person.id: person for person in loaded}
        for row in demo.rows("people"):
            if row["key"] in people and row["cast"] == "yes":
                person = by_id[people[row["key"]].id]
                self.stdout.write(
                    f"{padded(row['key'], 28)}{padded(person.name, 8)}{person.phone}  {self.stands_for(person)}"
                )
        words = bilingual(
            "用手机号登录，短信验证码显示在服务器的终端里。",
            "Sign in with the phone number; the SMS code appears in the server's terminal.",
        )
        self.stdout.write(f"\n{words}")
        if not settings.PRODUCTION:
            words = bilingual(
                f"街道管理人员用验证码进入 /admin/，系统管理员也可以用密码 {demo.ADMINISTRATOR_PASSWORD}",
                "At /admin/ the street's clerk comes in by a code, the administrator also with the password "
                f"{demo.ADMINISTRATOR_PASSWORD}",
            )
            self.stdout.write(str(words))

    def stands_for(self, person: Person) -> str:
        """What the person is on the street: seats, homes, or neither."""
        parts = [
            f"{seat.organisation} {seat.get_role_display()}{_FORMER if seat.ends_on else ''}"
            for seat in person.memberships.all()
        ]
        parts += [f"{home.compound} {home.get_relation_display()}" for home in person.residencies.all()]
        if person.is_staff:
            parts.append(str(_ADMINISTRATOR if person.is_superuser else _CLERK))
        return str(bilingual("；", "; ")).join(parts) or str(_OUTSIDER)
