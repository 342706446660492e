"""The console's addresses, under /console/."""

from django.urls import include, path

from console.screens.queue import QueueScreen
from console.screens.start import FrontDoor, SwitchLanguage, sign_out

urlpatterns = [
    path("", FrontDoor.as_view(), name="console"),
    path("signin/", include("console.signin.urls")),
    path("signout/", sign_out, name="signout"),
    path("language/", SwitchLanguage.as_view(), name="language"),
    path("queue", QueueScreen.as_view(), name="queue"),
]
