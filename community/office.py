"""The admin's site: who may enter, what its first page says, and where staff sign in."""

from collections.abc import Iterator
from datetime import timedelta
from functools import wraps
from typing import Any
from urllib.parse import unquote

from django.contrib import admin, messages
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import BadRequest, PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import SimpleTemplateResponse, TemplateResponse
from django.urls import URLPattern, URLResolver, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.http import url_has_allowed_host_and_scheme

from community import credentials
from notifications.channels import channels
from notifications.models import Delivery, Endpoint
from notifications.topics import DeliveryState
from web.plans import planned_by_value
from web.words import bilingual
from workflow import calendars

NUL = "\0"
_LINK = '<a href="{}">{}</a>'


class Office(admin.AdminSite):
    """Django's admin, which staff enter by the console's sign-in."""

    site_header = site_title = bilingual("邻里办", "Linli")

    def has_permission(self, request: HttpRequest) -> bool:
        """Active staff, who have proved a second factor where one is needed. Without a seat they see nothing."""
        proved = not credentials.admin_needs_second_factor() or credentials.has_second_factor(request.session)
        return proved and super().has_permission(request)

    def get_urls(self) -> list[URLPattern | URLResolver]:
        """The admin's own, without the way from a row to its public page: none has one."""
        return [one for one in super().get_urls() if getattr(one, "name", "") != "view_on_site"]

    def admin_view(self, view: Any, cacheable: bool = False) -> Any:
        """`view` for staff. PostgreSQL's texts hold no NUL, so an address that holds one asks for nothing."""
        inner = super().admin_view(view, cacheable)

        @wraps(inner)
        def guarded(request: HttpRequest, *args: Any, **kwargs: object) -> Any:
            if NUL in request.path or NUL in unquote(request.META["QUERY_STRING"]):
                raise BadRequest("The address holds a NUL.")
            # Staff filter lists by what is frequent, and by what is rare.
            with planned_by_value():
                response = inner(request, *args, **kwargs)
                # A list's rows are asked for while its page is drawn.
                return response.render() if isinstance(response, SimpleTemplateResponse) else response

        return guarded

    def autocomplete_view(self, request: HttpRequest) -> HttpResponse:
        """The rows that a field offers which some page lets fill in by looking up."""
        app, model, field = (request.GET.get(name, "") for name in ("app_label", "model_name", "field_name"))
        asked = (app, model, field)
        if asked not in self._looked_up(request):
            raise PermissionDenied
        return super().autocomplete_view(request)

    def _looked_up(self, request: HttpRequest) -> Iterator[tuple[str, str, str]]:
        """The fields that are filled in by looking up, by app, model and name."""
        for page in self._registry.values():
            for each in (page, *(inline(page.model, self) for inline in page.inlines)):
                for name in each.get_autocomplete_fields(request):
                    opts = each.model._meta
                    yield opts.app_label, str(opts.model_name), name

    def index(self, request: HttpRequest, extra_context: dict[str, object] | None = None) -> TemplateResponse:
        """The first page; the keeper of the calendar reads there what it lacks, and those who see deliveries and webhooks what fails."""
        if request.user.has_perm("workflow.change_calendarversion"):
            for notice in calendars.notices(timezone.localdate()):
                messages.warning(request, str(notice))
        deliveries = reverse("admin:notifications_delivery_changelist")
        if failed := self._failed(request):
            words = bilingual(
                f"最近一天有 {failed} 条通知发送失败，请查看原因并重发。",
                f"{failed} messages have failed within a day: see why, and send them anew.",
            )
            messages.error(request, format_html(_LINK, deliveries, words))
        if stranded := self._stranded(request):
            words = bilingual(
                f"{stranded} 条通知的发送渠道尚未配置，一直在排队，请查看原因。",
                f"{stranded} messages wait for a channel that is not set up: see why.",
            )
            messages.error(request, format_html(_LINK, f"{deliveries}?state=queued", words))
        if failing := self._failing(request):
            words = bilingual(
                f"{failing} 个 Webhook 持续推送失败，请联系对方单位检查。",
                f"{failing} webhooks do nothing but fail: ask the organisations to check theirs.",
            )
            messages.error(request, format_html(_LINK, reverse("admin:notifications_endpoint_changelist"), words))
        return super().index(request, extra_context)

    def _failed(self, request: HttpRequest) -> int:
        """How many deliveries that the caller sees have failed for good within the last day."""
        lately = timezone.now() - timedelta(days=1)
        return self._deliveries(request).filter(state=DeliveryState.DEAD, finished_at__gte=lately).count()

    def _stranded(self, request: HttpRequest) -> int:
        """How many deliveries that the caller sees wait for a channel that is not set up."""
        return self._deliveries(request).filter(state=DeliveryState.QUEUED).exclude(channel__in=channels()).count()

    def _failing(self, request: HttpRequest) -> int:
        """How many webhooks that the caller sees do nothing but fail."""
        its = self.get_model_admin(Endpoint)
        if not its.has_view_permission(request):
            return 0
        return its.get_queryset(request).filter(pk__in=Endpoint.objects.failing().values("pk")).count()

    def _deliveries(self, request: HttpRequest) -> QuerySet[Delivery]:
        its = self.get_model_admin(Delivery)
        return its.get_queryset(request) if its.has_view_permission(request) else Delivery.objects.none()

    def register(self, model_or_iterable: Any, admin_class: Any = None, **options: Any) -> None:
        """Django's own, without the pages that allauth brings along: nothing is changed behind its flows."""
        if not (admin_class and admin_class.__module__.startswith("allauth.")):
            super().register(model_or_iterable, admin_class, **options)

    def login(self, request: HttpRequest, extra_context: dict[str, object] | None = None) -> HttpResponse:
        """Send the person to where all staff sign in, and back here afterwards."""
        wanted = request.GET.get(REDIRECT_FIELD_NAME, "")
        if not url_has_allowed_host_and_scheme(wanted, None):
            wanted = reverse("admin:index", current_app=self.name)
        return redirect_to_login(wanted)
