"""What the pages of group robots and webhooks share: their organisation, who may change them, and test messages.

A clerk sees and sets up those of their own street, for an organisation of the street or one that all streets share.
"""

import uuid
from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.contrib.admin import ActionLocation
from django.db import transaction
from django.db.models import Model, OuterRef, Q, QuerySet, Subquery
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html, format_html_join

from community.admin import Scoped
from community.models import Organisation, Street
from community.staff import streets_of
from notifications.delivery.test_messages import send_test_message
from notifications.models import Delivery
from notifications.tasks import nudge
from notifications.topics import ChannelName
from web.words import bilingual

ALL = bilingual("全部", "All")


def some_of(label: Any, choices: Any) -> forms.MultipleChoiceField:
    """A field with a box to tick for each choice; none ticked means all."""
    return forms.MultipleChoiceField(
        label=label,
        choices=choices,
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=bilingual("不选即全部。", "None chosen means all."),
    )


class ReceiverForm(forms.ModelForm):
    """Whose it is: asked for a new one, and kept from then on."""

    # Set by the page: the streets that the caller may choose.
    streets: ClassVar["QuerySet[Street]"]

    street = forms.ModelChoiceField(Street.objects.none(), label=bilingual("街道", "Street"))
    organisation = forms.ModelChoiceField(Organisation.objects.none(), label=bilingual("单位", "Organisation"))

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        if not self.instance._state.adding:
            for name in ("street", "organisation"):
                self.fields.pop(name, None)
            return
        street, organisation = self.fields["street"], self.fields["organisation"]
        assert isinstance(street, forms.ModelChoiceField)
        assert isinstance(organisation, forms.ModelChoiceField)
        street.queryset = self.streets.order_by("name")
        known = Q(street__in=self.streets) | Q(street=None)
        organisation.queryset = Organisation.objects.filter(known, active=True).order_by("name")
        if len(only := list(self.streets[:2])) == 1:
            street.initial = only[0]

    def clean(self) -> dict[str, Any]:
        """The organisation is of the street, or of all."""
        given: dict[str, Any] = super().clean() or {}
        street, organisation = given.get("street"), given.get("organisation")
        if street and organisation:
            self.instance.street_id, self.instance.organisation_id = street.pk, organisation.pk
            if organisation.street_id not in {None, street.pk}:
                self.add_error("organisation", bilingual("不属于该街道。", "It is not of that street."))
        return given

    def taken(self, **columns: object) -> bool:
        """Whether the organisation has another receiver with the same `columns`."""
        one = self.instance
        if one.street_id is None:
            return False
        others = type(one)._default_manager.exclude(pk=one.pk)
        return others.filter(street_id=one.street_id, organisation_id=one.organisation_id, **columns).exists()


class ReceiverAdmin(Scoped):
    """Receivers of the caller's streets, which can be sent test messages."""

    list_filter = ["active"]
    search_fields = ["name"]
    ordering = ["name", "id"]
    actions = ["send_trial"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Model]:
        """With the names of the organisations."""
        named = Organisation.objects.filter(pk=OuterRef("organisation_id")).values("name")[:1]
        return super().get_queryset(request).annotate(named=Subquery(named))

    def within(self, rows: QuerySet[Model], streets: frozenset[uuid.UUID]) -> QuerySet[Model]:
        """Those of the caller's streets."""
        return rows.filter(street_id__in=streets)

    def get_form(self, request: HttpRequest, obj: object = None, change: bool = False, **kwargs: object) -> Any:
        """The form that offers the caller's own streets."""
        form: Any = super().get_form(request, obj, change, **kwargs)
        streets = streets_of(request)
        form.streets = Street.objects.all() if streets is None else Street.objects.filter(pk__in=streets)
        return form

    @admin.display(description=bilingual("单位", "organisation"), ordering="named")
    def organisation(self, one: Any) -> str:
        """Its organisation."""
        return one.named or str(bilingual("已删除的单位", "An organisation that is gone"))

    def outcome_page(self, trial: Delivery) -> str:
        """The address of the page with the outcome of a test message."""
        return reverse("admin:notifications_delivery_change", args=[trial.pk])

    @admin.action(
        description=bilingual("试发", "Send a test"),
        permissions=["change"],
        location=[ActionLocation.CHANGE_LIST, ActionLocation.CHANGE_FORM],
    )
    def send_trial(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """Queue a test for each that is switched on, and say where to see what became of it."""
        chosen = [one for one in queryset.filter(active=True) if self.has_change_permission(request, one)]
        if not chosen:
            self.message_user(request, str(bilingual("所选均未启用。", "None is switched on.")), messages.WARNING)
            return
        with transaction.atomic():
            sent = [(send_test_message(one), one.name) for one in chosen]
            for one in chosen:
                self.log_change(request, one, str(bilingual("试发", "Sent a test")))
        nudge({ChannelName(trial.channel) for trial, _ in sent})
        links = format_html_join("、", '<a href="{}">{}</a>', ((self.outcome_page(one), name) for one, name in sent))
        said = bilingual("已试发，结果见：", "Sent. What became of it:")
        self.message_user(request, format_html("{} {}", said, links), messages.SUCCESS)
