"""Print the cast of the demo street: who they are, and how to sign in as them."""

from django.conf import settings
from django.core.management.base import CommandError

from community import demo
from community.demo_people import introduced
from community.management.table import padded
from web.management.speaking import SpeakingCommand
from web.words import bilingual


class Command(SpeakingCommand):
    """`manage.py demo_people`: a table of the named cast."""

    help = "Show the people of the demo street and how to sign in as each of them."

    def handle(self, **options: object) -> None:
        """Print one line for each of the cast."""
        people = introduced()
        if not people:
            raise CommandError(str(demo.NOT_LOADED))
        for one in people:
            name, phone = padded(one.person.name, 8), one.person.phone
            self.stdout.write(f"{padded(one.key, 28)}{name}{phone}  {one.stands_for}")
        words = bilingual(
            "用手机号登录，短信验证码显示在服务器的终端里。",
            "Sign in with the phone number; the SMS code appears in the server's terminal.",
        )
        self.stdout.write(f"\n{words}")
        if settings.DEMO_SIGN_IN:
            words = bilingual(
                "在浏览器里打开登录页，点一下即可成为其中任何一位工作人员。",
                "In a browser, the sign-in page makes you any of those who work here with one click.",
            )
            self.stdout.write(str(words))
        if not settings.PRODUCTION:
            words = bilingual(
                f"系统管理员也可以用密码 {demo.ADMINISTRATOR_PASSWORD} 登录",
                f"The administrator can also sign in with the password {demo.ADMINISTRATOR_PASSWORD}",
            )
            self.stdout.write(str(words))
