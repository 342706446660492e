"""The console's addresses, under /console/."""

from django.urls import path
from django.views.generic import RedirectView

from console.screens.queue import QueueScreen
from console.screens.start import FrontDoor, SwitchLanguage, sign_out

urlpatterns = [
    path("", FrontDoor.as_view(), name="console"),
    # The admin's sign-in, until the console has its own.
    path("signin/", RedirectView.as_view(pattern_name="admin:login", query_string=True), name="signin"),
    path("signout/", sign_out, name="signout"),
    path("language/", SwitchLanguage.as_view(), name="language"),
    path("queue", QueueScreen.as_view(), name="queue"),
]
