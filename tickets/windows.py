"""The windows within which something may still be done, in natural time. Deadlines are the service level's."""

from datetime import timedelta

REOPENING = timedelta(days=30)
RETURN_WINDOW = timedelta(hours=24)
URGENT_RETURN_WINDOW = timedelta(hours=4)
BETWEEN_URGES = timedelta(hours=24)

# Classes whose limit may not be extended, and whose return window is the short one.
TWO_HOURS = frozenset({"IMM", "H2"})
SHORT = frozenset({"IMM", "H2", "H24", "LIGHT-I", "LIGHT-O"})
