"""SQL conditions for "the organisation exists" and "it has members", shared by all queries that ask.

An active organisation exists from the day on which it is founded to the day before it is dissolved. It is staffed on
a day when an active person has a seat in it. The day is the date in its street's time zone; shared organisations use
the server's.
"""

from django.conf import settings


def today(at: str, street: str) -> str:
    """The date of `at` in the time zone of a row of streets, which may be missing."""
    return f"({at} AT TIME ZONE coalesce({street}.timezone, '{settings.TIME_ZONE}'))::date"


def runs(row: str, day: str) -> str:
    """Whether a row with a first and a last day is valid on `day`."""
    return f"({row}.starts_on <= {day} AND ({row}.ends_on IS NULL OR {row}.ends_on >= {day}))"


def lives(organisation: str, day: str) -> str:
    """Whether a row of organisations exists on `day`."""
    return (
        f"({organisation}.active AND ({organisation}.founded_on IS NULL OR {organisation}.founded_on <= {day})"
        f" AND ({organisation}.dissolved_on IS NULL OR {organisation}.dissolved_on > {day}))"
    )


def staffed(organisation: str, day: str) -> str:
    """Whether a row of organisations has an active person in a seat on `day`."""
    return (
        "EXISTS (SELECT FROM community_membership seat JOIN community_person holder ON holder.id = seat.person_id"
        f" WHERE seat.organisation_id = {organisation}.id AND holder.is_active AND {runs('seat', day)})"
    )


def confirmed(residency: str, street: str, day: str) -> str:
    """Whether a row of residencies counts as a home on `day`: confirmed, or claimed for long enough where the street allows that."""
    return (
        f"({residency}.confirmed_at IS NOT NULL OR ({residency}.objected_at IS NULL"
        f" AND {residency}.starts_on + {street}.stay_confirms_after <= {day}))"
    )
