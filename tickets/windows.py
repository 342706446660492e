"""The windows of time within which something may still be done. The service level sets how long they are."""

from enum import StrEnum


class Window(StrEnum):
    """What may be done within a time that the service level sets."""

    RETURN = "return"
    REOPENING = "reopening"
    URGING = "urging"


# Classes whose limit may not be extended, and whose return window is the short one.
TWO_HOURS = frozenset({"IMM", "H2"})
SHORT = frozenset({"IMM", "H2", "H24", "LIGHT-I", "LIGHT-O", "LIGHT-IX", "LIGHT-OX"})

# What versions without windows of their own were published with.
FORMERLY: dict[tuple[str, str], str] = {
    (Window.RETURN, ""): "24h",
    **{(Window.RETURN, key): "4h" for key in sorted(SHORT)},
    (Window.REOPENING, ""): "720h",
    (Window.URGING, ""): "24h",
}
