"""The inbox's addresses under /api/v1/."""

from django.urls import path

from notifications.api import email, inbox, settings
from web import identifiers as identifiers  # registers <id:…>

urlpatterns = [
    path("notifications", inbox.Inbox.as_view()),
    path("notifications/unread", inbox.Unread.as_view()),
    path("notifications/read-all", inbox.ReadAll.as_view()),
    path("notifications/email", email.EmailView.as_view()),
    path("notifications/email/confirm", email.EmailConfirmationView.as_view()),
    path("notifications/settings", settings.Settings.as_view()),
    path("notifications/<id:id>", inbox.Notification.as_view()),
    path("notifications/<id:id>/read", inbox.Read.as_view()),
]
