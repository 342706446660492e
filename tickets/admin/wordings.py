"""How the office words its messages: kind by kind beside Linli's own words, tried out on a real event before it is kept.

A clerk needs a seat in the street's office and `notifications.view_wording`; to change and to restore,
`notifications.change_wording`. They word for their own street alone, and try it out on tickets that they see.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.models import ADDITION, CHANGE, DELETION, LogEntry
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse

from community.models import Street
from community.staff import streets_of
from notifications.models import Wording
from notifications.models.wording import LANGUAGES, SHAPES, TEXT
from notifications.topics import ChannelName
from notifications.wordings.validation import problems
from notifications.wordings.wechat_fields import TYPES
from notifications.wordings.writer import TITLE_LENGTH, WordingText
from tickets.admin.kinds import MessageKind, kinds
from tickets.admin.pages import answer
from tickets.admin.rehearsal import rehearse
from web.admin import AdminPage, ReadOnly
from web.forms import LineFormField, TextFormField
from web.words import bilingual

_MAY_CHANGE = "notifications.change_wording"
EDITOR = "notifications_wording_edit"


class WordingForm(forms.Form):
    """The words of one kind for one shape and language, and what they are tried out on."""

    title = LineFormField(
        label=bilingual("标题", "Title"),
        max_length=TITLE_LENGTH,
        required=False,
        widget=forms.TextInput(attrs={"size": 80}),
    )
    body = TextFormField(
        label=bilingual("正文", "Text"), max_length=2000, widget=forms.Textarea(attrs={"rows": 6, "cols": 80})
    )
    template = LineFormField(
        label=bilingual("平台模板编号", "The vendor's template"),
        max_length=64,
        required=False,
        help_text=bilingual("留空则用系统设置的模板。", "Left empty, the one of the server's settings."),
    )
    example = LineFormField(
        label=bilingual("预览用的编号", "Try it out on"),
        max_length=32,
        required=False,
        help_text=bilingual(
            "工单编号，合同类消息填合同编号；留空则用本街道最近的一个。",
            "A ticket's number, or a contract's for what is told of contracts; left empty, the street's newest.",
        ),
    )

    def __init__(self, kind: MessageKind, shape: str, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.kind, self.shape = kind, shape
        if shape == TEXT:
            del self.fields["template"]
        else:
            del self.fields["title"]
            self.fields["body"].label = bilingual("字段（每行一个）", "Fields, one a line")

    def clean(self) -> dict[str, object]:
        """Whatever the channel could not say is an error of its field."""
        given: dict[str, object] = super().clean() or {}
        if not self.errors:
            for fault in problems(self.words, self.shape, self.kind.known(self.shape)):
                self.add_error(fault.field, str(fault.reason))
        return given

    @property
    def words(self) -> WordingText:
        """What was given."""
        given = self.cleaned_data
        return WordingText(given.get("title", ""), given["body"], given.get("template", ""))


@dataclass(frozen=True, slots=True)
class WordingPlace:
    """Where a wording is for: a street, a kind, a shape and a language."""

    street: Street
    kind: MessageKind
    shape: str
    language: str

    @property
    def default(self) -> WordingText | None:
        """Linli's own words."""
        return self.kind.catalogue.find(self.kind.code, self.shape, self.language)

    @property
    def key(self) -> Mapping[str, Any]:
        """The columns by which the wording is known."""
        return {
            "street_id": self.street.pk,
            "kind": self.kind.code,
            "channel": self.shape,
            "language": self.language,
        }

    def draft(self, words: WordingText) -> Wording:
        """A wording that is not stored."""
        return Wording(**self.key, title=words.title, body=words.body, template=words.template)

    @property
    def address(self) -> str:
        """The editor's."""
        return reverse(f"admin:{EDITOR}", args=[self.street.pk, self.kind.code, self.shape, self.language])


@admin.register(Wording)
class WordingAdmin(ReadOnly, AdminPage):
    """The wordings of a street: every kind, with Linli's words and the office's own."""

    list_display = ["kind", "channel", "language", "changed_at"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Wording]:
        """Those of the caller's streets."""
        rows, streets = super().get_queryset(request), streets_of(request)
        return rows if streets is None else rows.filter(street_id__in=streets)

    def get_urls(self) -> list[URLPattern]:
        """The admin's own, and the editor."""
        view = self.admin_site.admin_view(self.edit)
        return [path("<uuid:street>/<str:kind>/<str:shape>/<str:language>/", view, name=EDITOR), *super().get_urls()]

    def changelist_view(self, request: HttpRequest, extra_context: object = None) -> TemplateResponse:
        """Every kind of one street, and which of them it words itself."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        streets = _streets(request)
        chosen = [one for one in streets if str(one.pk) == request.GET.get("street")] or streets
        street = chosen[0] if chosen else None
        stored = Wording.objects.filter(street_id=street.pk) if street else Wording.objects.none()
        own = set(stored.values_list("kind", "channel", "language"))
        columns = [(shape, code, label, spoken) for shape, label in SHAPES for code, spoken in LANGUAGES]
        rows = []
        for kind in kinds().values() if street else ():
            assert street is not None
            cells = [
                (WordingPlace(street, kind, shape, code).address, (kind.code, shape, code) in own, label, spoken)
                if shape in kind.shapes
                else None
                for shape, code, label, spoken in columns
            ]
            rows.append((kind, cells))
        context = {
            "title": self.opts.verbose_name_plural,
            "rows": rows,
            "streets": streets,
            "street": street,
            "shapes": [label for _, label in SHAPES],
            "languages": LANGUAGES,
        }
        return answer(self.admin_site, request, self.opts, "notifications/wording/list", context)

    def edit(self, request: HttpRequest, street: uuid.UUID, kind: str, shape: str, language: str) -> HttpResponse:
        """The editor of one wording; a POST tries it out, keeps it, or takes it back. No such page of another's street."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        where = next((one for one in _streets(request) if one.pk == street), None)
        found = kinds().get(kind)
        if where is None or found is None or shape not in found.shapes or language not in dict(LANGUAGES):
            raise Http404
        place = WordingPlace(where, found, shape, language)
        stored = Wording.objects.filter(**place.key).first()
        if request.method != "POST":
            words = (
                WordingText(stored.title, stored.body, stored.template)
                if stored
                else place.default or WordingText("", "")
            )
            initial = {"title": words.title, "body": words.body, "template": words.template}
            return self._editor(request, place, stored, WordingForm(found, shape, initial=initial))
        if not request.user.has_perm(_MAY_CHANGE):
            raise PermissionDenied
        if "restore" in request.POST:
            return self._restore(request, place)
        form = WordingForm(found, shape, request.POST)
        if not form.is_valid():
            return self._editor(request, place, stored, form)
        if "preview" in request.POST:
            return self._rehearse(request, place, stored, form)
        return self._keep(request, place, form.words)

    def _rehearse(
        self, request: HttpRequest, place: WordingPlace, stored: Wording | None, form: WordingForm
    ) -> HttpResponse:
        number = form.cleaned_data["example"].strip()
        example, samples = rehearse(request, place.kind, place.draft(form.words), number)
        if example is None:
            words = bilingual("没有可用来预览的事件。", "There is no event to try it out on.")
            form.add_error("example", str(words))
        return self._editor(request, place, stored, form, {"example": example, "samples": samples})

    def _keep(self, request: HttpRequest, place: WordingPlace, words: WordingText) -> HttpResponse:
        given = {"title": words.title, "body": words.body, "template": words.template}
        with transaction.atomic():
            kept, new = Wording.objects.update_or_create(**place.key, defaults=given)
            self._note(request, kept, ADDITION if new else CHANGE)
        messages.success(
            request, str(bilingual("已保存，此后的通知按此措辞。", "Kept: messages from now on say it so."))
        )
        return HttpResponseRedirect(place.address)

    def _restore(self, request: HttpRequest, place: WordingPlace) -> HttpResponse:
        with transaction.atomic():
            stored = Wording.objects.select_for_update().filter(**place.key).first()
            if stored is not None:
                self._note(request, stored, DELETION)
                stored.delete()
        messages.success(request, str(bilingual("已恢复默认措辞。", "Linli's own words are back.")))
        return HttpResponseRedirect(place.address)

    def _note(self, request: HttpRequest, wording: Wording, what: int) -> None:
        assert request.user.pk is not None
        LogEntry.objects.log_actions(request.user.pk, [wording], what, str(wording))

    def _editor(
        self,
        request: HttpRequest,
        place: WordingPlace,
        stored: Wording | None,
        form: WordingForm,
        rehearsal: Mapping[str, object] | None = None,
    ) -> HttpResponse:
        shape = dict(SHAPES)[place.shape]
        context = {
            "title": f"{place.kind.name} · {shape} · {dict(LANGUAGES)[place.language]}",
            "place": place,
            "form": form,
            "own": stored,
            "placeholders": [(f"${{{name}}}", words) for name, words in place.kind.known(place.shape).items()],
            "types": list(TYPES.items()) if place.shape == ChannelName.WECHAT else [],
            "may_change": request.user.has_perm(_MAY_CHANGE),
            **(rehearsal or {}),
        }
        return answer(self.admin_site, request, self.opts, "notifications/wording/edit", context)


def _streets(request: HttpRequest) -> Sequence[Street]:
    """The streets that the caller words for."""
    mine, streets = streets_of(request), Street.objects.order_by("code")
    return list(streets if mine is None else streets.filter(pk__in=mine))
