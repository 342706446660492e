"""Every address of a Linli server."""

from django.conf import settings
from django.contrib import admin
from django.urls import include, path
from django.utils.csp import CSP
from django.views.decorators.csp import csp_override
from django.views.generic import RedirectView
from drf_spectacular.views import SpectacularSwaggerSplitView

from casework.kinds import kinds
from config.description import Schema
from config.health import healthz
from config.metrics import metrics
from notifications.pages import unsubscribe
from web.pages import icon, robots

# Swagger UI writes style elements and attributes of its own.
documentation = csp_override(settings.SECURE_CSP | {"style-src": [CSP.SELF, CSP.UNSAFE_INLINE]})(
    SpectacularSwaggerSplitView.as_view(url_name="schema")
)

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="console"), name="home"),
    # What is asked for most comes first: each address is tried in turn.
    *(path("api/v1/", include(kind.urls)) for kind in kinds() if kind.urls),
    path("api/v1/", include("notifications.api.urls")),
    path("api/v1/", include("community.api.urls")),
    path("console/", include("console.urls")),
    path("admin/", admin.site.urls),
    path("api/schema/", Schema.as_view(), name="schema"),
    path("api/docs/", documentation, name="docs"),
    path("unsubscribe/<str:token>", unsubscribe, name="unsubscribe"),
    path("favicon.ico", icon),
    path("robots.txt", robots),
    path("healthz", healthz, name="healthz"),
    path("metrics", metrics, name="metrics"),
]

handler400 = "web.pages.bad_request"
handler403 = "web.pages.permission_denied"
handler404 = "web.pages.page_not_found"
handler500 = "web.pages.server_error"
