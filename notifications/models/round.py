"""When the postman last came by: what shows that somebody delivers, and that nobody has to look into a log for it."""

from django.db import connection, models


class LastRound(models.Model):
    """The latest sweep of the post; one row."""

    name = models.CharField(primary_key=True, max_length=8, default="post")
    at = models.DateTimeField()

    def __str__(self) -> str:
        return self.name

    @classmethod
    def note(cls) -> None:
        """Write down that the post was swept now; a second later at the soonest, however many sweep, or once the clock was set back."""
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO notifications_lastround (name, at) VALUES ('post', statement_timestamp()) ON CONFLICT (name) DO UPDATE "
                "SET at = statement_timestamp() WHERE notifications_lastround.at NOT BETWEEN "
                "statement_timestamp() - interval '1 second' AND statement_timestamp() + interval '1 second'"
            )
