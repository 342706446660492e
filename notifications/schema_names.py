"""What the enums of this app are called in the API's description. Read before the apps are there: it imports nothing."""

ENUMS = {
    "NotificationChannel": "notifications.models.preferences.CHOSEN",
}
