"""The tables of notifications."""

from notifications.models.message import Delivery, Message
from notifications.models.preferences import EmailCode, Preference, Profile
from notifications.models.receivers import Bucket, Endpoint, Robot
from notifications.models.round import LastRound
from notifications.models.wechat import AccessToken, Grant, SpentGrant
from notifications.models.wording import Wording

__all__ = [
    "AccessToken",
    "Bucket",
    "Delivery",
    "EmailCode",
    "Endpoint",
    "Grant",
    "LastRound",
    "Message",
    "Preference",
    "Profile",
    "Robot",
    "SpentGrant",
    "Wording",
]
