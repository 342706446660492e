"""When the next step is expected, by class and state, in natural time.

The disposal and response classes are those of the catalogue: two hours for emergencies, 24 hours for what must run, 7 or 15 days
for the rest (the four classes of swift response, RULES of 2020), with the hours of DB11/T 751-2025 for lighting and first response.
"""

from datetime import timedelta

DISPOSAL = {
    "IMM": timedelta(hours=2),
    "H2": timedelta(hours=2),
    "H24": timedelta(hours=24),
    "LIGHT-I": timedelta(hours=12),
    "LIGHT-O": timedelta(hours=12),
    "D7": timedelta(days=7),
    "D15": timedelta(days=15),
    "LT": timedelta(days=15),
    "VOTE": timedelta(days=60),
}
RESPONSE = {
    "IMM": timedelta(minutes=15),
    "R15M": timedelta(minutes=15),
    "R30M": timedelta(minutes=30),
    "R1H": timedelta(hours=1),
    "R2H": timedelta(hours=2),
    "R4H": timedelta(hours=4),
    "C4H": timedelta(hours=4),
    "R24H": timedelta(hours=24),
}
TRIAGE = timedelta(hours=2)
URGENT_TRIAGE = timedelta(minutes=15)
COORDINATION = timedelta(days=3)
REVIEW = timedelta(hours=24)
CONFIRMATION = timedelta(days=7)
ACCOUNT_REPORT = timedelta(days=30)
REOPENING = timedelta(days=30)
RETURN_WINDOW = timedelta(hours=24)
URGENT_RETURN_WINDOW = timedelta(hours=4)

# Classes whose limit may not be extended.
FIXED = frozenset({"IMM", "H2", "H24", "LIGHT-I", "LIGHT-O"})
# Classes with a return window of four hours.
SHORT = FIXED


def days(count: int) -> timedelta:
    """That many natural days."""
    return timedelta(days=count)
