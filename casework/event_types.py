"""The types of events for webhooks, and their labels: those of every kind of subject, such as `ticket.dispatch`."""

from functools import cache

from casework.kinds import kinds
from notifications.delivery.test_messages import TEST_EVENT
from web.words import Words, bilingual


@cache
def _labels() -> dict[str, Words]:
    told = {f"{kind.subject_type}.{verb}": label for kind in kinds() for verb, label in kind.event_labels().items()}
    return {**told, TEST_EVENT: bilingual("试发", "A test")}


def event_types() -> list[str]:
    """Every type that a webhook can be sent."""
    return [type for type in _labels() if type != TEST_EVENT]


def event_label(type: str) -> str:
    """What an event of the type is called; the type itself where there is none such any more."""
    return str(_labels().get(type, type))


def offered(types: list[str]) -> list[tuple[str, str]]:
    """The types as a form offers them."""
    return [(type, f"{event_label(type)} {type}") for type in types]
