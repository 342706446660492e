"""The sign-in page of the admin: a phone with a code that is sent to it or, for those who have one, a password.

Codes have the same limits as in the API; `community.passwords` has those of wrong passwords.
"""

from collections.abc import Iterator
from datetime import timedelta
from functools import wraps
from typing import Any, cast
from urllib.parse import unquote

from django import forms
from django.contrib import admin, messages
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.contrib.auth.views import LoginView
from django.core.exceptions import BadRequest, PermissionDenied, ValidationError
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import SimpleTemplateResponse, TemplateResponse
from django.urls import URLPattern, URLResolver, reverse
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.utils.html import format_html
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache

from community import credentials, known, signin
from community.cookies import keep_device_key, kept_device_key
from community.models import Person
from community.models.signin import CODE_LIFE
from community.passwords import TooManyAttempts, WrongPassword, sign_in_by_password
from community.phones import MobileInput
from community.signin import TooManyCodes
from notifications.channels import channels
from notifications.codes import WrongCode
from notifications.models import Delivery, Endpoint
from notifications.sms import CodeNotSent, NoGateway
from notifications.topics import DeliveryState
from web.addresses import client_address
from web.forms import OneTimeCodeFormField
from web.plans import planned_by_value
from web.words import bilingual, with_wait
from workflow import calendars

NUL = "\0"
_NOT_STAFF = bilingual("该账号不能进入管理后台。", "This account may not enter the administration.")
_LINK = '<a href="{}">{}</a>'
_NEITHER = bilingual("请填写验证码或密码。", "Give the code or the password.")


class SignInForm(forms.Form):
    """A phone with its code or the person's password; `get_user` returns the person."""

    required_css_class = "required"

    phone = MobileInput(
        label=bilingual("手机号", "Mobile number"), widget=forms.TextInput(attrs={"autocomplete": "username"})
    )
    code = OneTimeCodeFormField(
        required=False,
        label=bilingual("短信验证码", "Code sent by SMS"),
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code", "inputmode": "numeric"}),
    )
    password = forms.CharField(
        required=False,
        strip=False,
        max_length=128,
        label=bilingual("或密码", "Or password"),
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )
    sent = forms.CharField(required=False, max_length=255, widget=forms.HiddenInput)

    def __init__(self, request: HttpRequest, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.request, self.person = request, None  # type: tuple[HttpRequest, Person | None]

    def clean(self) -> dict[str, object]:
        """Find the person. Every mistake is the same error of the whole form."""
        given = self.cleaned_data
        if self.errors:
            return given
        if given["code"]:
            self.person = self._by_code(given["phone"], given["code"], given["sent"])
        elif given["password"]:
            self.person = self._by_password(given["phone"], given["password"])
        else:
            raise ValidationError(_NEITHER)
        return given

    def get_user(self) -> Person | None:
        """The person, once the form is valid."""
        return self.person

    def _by_code(self, phone: str, code: str, sent: str) -> Person:
        address = client_address(self.request)
        with transaction.atomic():
            right = signin.prove(phone, code, address, sent)
        if not right:
            raise ValidationError(WrongCode.reason)
        person = Person.objects.filter(phone=phone, is_active=True, is_staff=True).first()
        if person is None:
            raise ValidationError(_NOT_STAFF)
        known.remember(person, address)
        return person

    def _by_password(self, phone: str, password: str) -> Person:
        try:
            person = sign_in_by_password(
                self.request, phone, password, client_address(self.request), kept_device_key(self.request)
            )
        except TooManyAttempts as refusal:
            raise ValidationError(with_wait(refusal.reason, refusal.wait)) from None
        except WrongPassword as refusal:
            raise ValidationError(refusal.reason) from None
        if not person.is_staff:
            raise ValidationError(WrongPassword.reason)
        return person


class SignIn(LoginView):
    """The sign-in page: one button sends a code, the other signs in."""

    form_class = SignInForm  # type: ignore[assignment]  # It has what LoginView asks of a form: get_user.
    template_name = "admin/sign_in.html"
    site: admin.AdminSite | None = None

    def get_default_redirect_url(self) -> str:
        """The admin's first page."""
        return reverse("admin:index")

    def post(self, request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
        """Send a code where that was asked for; sign in otherwise."""
        return self.send() if "send" in request.POST else super().post(request, *args, **kwargs)

    def send(self) -> HttpResponse:
        """Send a code to the phone, whether or not anybody has it, and show the form again."""
        form = self.get_form()
        phone = form.fields["phone"]
        try:
            number = phone.clean(form["phone"].data)
            sent = signin.send_code(number, client_address(self.request), kept_device_key(self.request))
        except ValidationError as error:
            return self._again({"phone": form["phone"].data}, *error.messages)
        except TooManyCodes as refusal:
            return self._again({"phone": number}, str(with_wait(refusal.reason, refusal.wait)))
        except (NoGateway, CodeNotSent) as refusal:
            return self._again({"phone": number}, str(refusal.reason))
        minutes = int(CODE_LIFE.total_seconds() // 60)
        words = bilingual(
            f"验证码已发送，{minutes} 分钟内有效。", f"A code is on its way; it is good for {minutes} minutes."
        )
        messages.success(self.request, str(words))
        return self._again({"phone": number, "sent": sent})

    def form_valid(self, form: forms.Form) -> HttpResponse:
        """Sign in, and let the browser be known for this phone from now on."""
        assert isinstance(form, SignInForm)
        assert form.person is not None
        response = super().form_valid(form)  # type: ignore[arg-type]
        keep_device_key(response, form.person)
        return response

    def get_context_data(self, **kwargs: object) -> dict[str, object]:
        """What the admin's pages show everywhere, and where the form leads."""
        assert self.site is not None
        return {
            **self.site.each_context(self.request),
            "title": gettext_lazy("Log in"),
            "send_words": bilingual("获取验证码", "Send a code"),
            "subtitle": None,
            "app_path": self.request.get_full_path(),
            "username": self.request.user.get_username(),
            **super().get_context_data(**kwargs),
            REDIRECT_FIELD_NAME: self.get_success_url(),
        }

    def _again(self, initial: dict[str, object], *errors: str) -> HttpResponse:
        for error in errors:
            messages.error(self.request, error)
        form = SignInForm(self.request, initial=initial)
        return self.render_to_response(self.get_context_data(form=form))


class Office(admin.AdminSite):
    """Django's admin with our sign-in page."""

    site_header = site_title = bilingual("邻里办", "Linli")

    def has_permission(self, request: HttpRequest) -> bool:
        """Active staff, who have proved a second factor where one is needed."""
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

    @method_decorator(never_cache)
    def login(self, request: HttpRequest, extra_context: dict[str, object] | None = None) -> HttpResponse:
        """The sign-in page. It redirects a person who is already signed in."""
        request.current_app = self.name
        if request.method == "GET" and self.has_permission(request):
            view = SignIn()
            view.setup(request)
            return HttpResponseRedirect(view.get_success_url())
        return cast(HttpResponse, SignIn.as_view(site=self, extra_context=extra_context)(request))
