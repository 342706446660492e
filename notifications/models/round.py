"""When deliveries were last swept, which shows whether anybody sends them."""

from django.db import connection, models


class LastRound(models.Model):
    """The latest sweep of deliveries; one row."""

    name = models.CharField(primary_key=True, max_length=8, default="post")
    at = models.DateTimeField()

    def __str__(self) -> str:
        return self.name

    @classmethod
    def note(cls) -> None:
        """Record that deliveries were swept now: at most once a second, or after the clock was set back."""
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO notifications_lastround (name, at) VALUES ('post', statement_timestamp()) ON CONFLICT (name) DO UPDATE "
                "SET at = statement_timestamp() WHERE notifications_lastround.at NOT BETWEEN "
                "statement_timestamp() - interval '1 second' AND statement_timestamp() + interval '1 second'"
            )
