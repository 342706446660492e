"""The pages of versioned reference data, and the working calendar's own: drafts are edited and published, the rest is read."""

from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Count, QuerySet
from django.db.models.fields.related import RelatedField
from django.http import HttpRequest
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from web.admin import AdminPage
from web.forms import WRITTEN, LineFormField, TextFormField
from web.words import bilingual, listed
from workflow import calendars
from workflow.models import CalendarDay, CalendarVersion, CalendarYear
from workflow.notice import Notice, UnreadableNotice, read_notice, year_of
from workflow.versions import Part, Version


class DraftInline(admin.TabularInline):  # type: ignore[type-arg]
    """Rows of a version, which are edited while it is a draft."""

    extra = 0
    formfield_overrides = WRITTEN

    def has_add_permission(self, request: HttpRequest, obj: Version | None = None) -> bool:
        """To drafts only."""
        return (obj is None or obj.published_at is None) and super().has_add_permission(request, obj)

    def has_change_permission(self, request: HttpRequest, obj: Version | None = None) -> bool:
        """In drafts only."""
        return (obj is None or obj.published_at is None) and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Version | None = None) -> bool:
        """From drafts only."""
        return (obj is None or obj.published_at is None) and super().has_delete_permission(request, obj)


class VersionAdmin(AdminPage):
    """Versions: begun as the copy of another, published from the list."""

    list_display = ["number", "effective_from", "published_at", "rows", "source"]
    readonly_fields = ["number", "published_at"]
    actions = ["copy_as_draft", "publish"]
    # Lets this process read anew what has just been published.
    forget: Callable[[], None]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Version]:
        """Versions with the number of their first rows."""
        found: QuerySet[Version] = super().get_queryset(request).annotate(row_count=Count(self.model.PARTS[-1]))
        return found

    @admin.display(description=bilingual("条目数", "rows"))
    def rows(self, version: Any) -> int:
        """How many rows the version has."""
        return int(version.row_count)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """A version is begun as the copy of another."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Version | None = None) -> bool:
        """Drafts only."""
        return (obj is None or obj.published_at is None) and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Version | None = None) -> bool:
        """Drafts only, one by one."""
        return obj is not None and obj.published_at is None and super().has_delete_permission(request, obj)

    @admin.action(description=bilingual("复制为新草稿", "Copy as new draft"), permissions=["change"])
    def copy_as_draft(self, request: HttpRequest, queryset: QuerySet[Version]) -> None:
        """Begin a new version as the copy of the one that is chosen."""
        version = self.only(request, queryset)
        if version is not None:
            draft = version.copy_as_draft(by=request.user.pk)
            self.message_user(request, bilingual(f"已建立草稿 {draft}。", f"Draft {draft} has been made."))

    @admin.action(description=bilingual("发布", "Publish"), permissions=["change"])
    def publish(self, request: HttpRequest, queryset: QuerySet[Version]) -> None:
        """Publish the draft that is chosen, from the date it bears."""
        version = self.only(request, queryset)
        if version is None:
            return
        if version.effective_from is None and not version.AT_ONCE:
            words = bilingual("请先填写生效时间。", "Say first from when it takes effect.")
            self.message_user(request, words, messages.ERROR)
            return
        try:
            effective_from = None if version.AT_ONCE else version.effective_from
            version.publish(at=timezone.now(), effective_from=effective_from, by=request.user.pk)
        except ValidationError as refusal:
            self.message_user(request, " ".join(refusal.messages), messages.ERROR)
            return
        transaction.on_commit(self.forget)
        self.message_user(request, bilingual(f"{version} 已发布。", f"{version} has been published."))

    def only(self, request: HttpRequest, queryset: QuerySet[Version]) -> Version | None:
        """The one version that is chosen; None with a message where it is not one."""
        versions: list[Version] = list(self.model._default_manager.filter(pk__in=queryset.values("pk"))[:2])
        if len(versions) == 1:
            return versions[0]
        self.message_user(request, bilingual("请只选择一个版本。", "Choose one version only."), messages.ERROR)
        return None


class PartAdmin(AdminPage):
    """Rows of versions that are too many for the version's own page: changed in drafts, read everywhere."""

    def get_field_queryset(
        self, db: str | None, db_field: "RelatedField[Any, Any]", request: HttpRequest
    ) -> QuerySet[Any] | None:
        """Rows are put into drafts only."""
        if db_field.name == "version":
            return db_field.related_model._default_manager.filter(published_at=None)
        return super().get_field_queryset(db, db_field, request)

    def has_change_permission(self, request: HttpRequest, obj: Part | None = None) -> bool:
        """In drafts only."""
        return (obj is None or obj.version.published_at is None) and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Part | None = None) -> bool:
        """From drafts only, one by one."""
        return obj is not None and obj.version.published_at is None and super().has_delete_permission(request, obj)


class SeenBox(forms.CheckboxInput):
    """A box whose value names what was shown when it was ticked."""

    def value_from_datadict(self, data: Mapping[str, object], files: object, name: str) -> Any:
        """The value, not only whether there is one."""
        return data.get(name, "")

    def format_value(self, value: object) -> str | None:
        """The value of what is shown is an attribute."""
        return None


class NoticeForm(forms.ModelForm):  # type: ignore[type-arg]
    """A draft calendar, into which a notice may be pasted; what it says is shown day by day before it is saved."""

    notice_year = forms.IntegerField(
        label=bilingual("导入年份", "Import the year"), required=False, min_value=1950, max_value=2200
    )
    notice = TextFormField(
        label=bilingual("通知原文", "The notice"),
        widget=forms.Textarea(attrs={"rows": 8, "cols": 100}),
        required=False,
        max_length=20_000,
        help_text=bilingual(
            "粘贴国务院办公厅“部分节假日安排”的全文，或调整某一假期的通知；留空则从软件自带的节假日数据导入。",
            "Paste the whole of the State Council's notice on public holidays, or one that changes a holiday; left empty, the year "
            "comes from the package's own data.",
        ),
    )
    notice_source = LineFormField(label=bilingual("文号", "Its number"), required=False, max_length=200)
    notice_checked = LineFormField(
        label=bilingual("已逐日核对", "Checked day by day"),
        required=False,
        widget=SeenBox(check_test=lambda value: False),
    )

    class Meta:
        model = CalendarVersion
        fields = ["hours", "source", "notes"]

    def clean(self) -> dict[str, object]:
        """Read the notice, and show what it says first; a text that is none is refused with what could not be read."""
        cleaned: dict[str, Any] = super().clean() or {}
        text = cleaned.get("notice")
        if not text or "notice_year" in self.errors:
            return cleaned
        year = cleaned.get("notice_year") or year_of(text)
        if year is None:
            self.add_error("notice_year", bilingual("请填写年份。", "Give the year."))
            return cleaned
        try:
            read = read_notice(year, text)
            changes = calendars.changes(self.instance, year, read)
        except UnreadableNotice as problem:
            self.add_error("notice", str(problem))
            return cleaned
        cleaned |= {"notice_year": year, "read": read}
        seen = sha256(repr((year, read.whole, changes)).encode()).hexdigest()[:16]
        if cleaned.get("notice_checked") != seen:
            self._show(seen, year, read, changes)
        return cleaned

    def _show(self, seen: str, year: int, read: Notice, changes: list[calendars.DayChange]) -> None:
        """Send the form back with every day that the notice speaks of, to be checked and sent again."""
        self.fields["notice_checked"].widget.attrs["value"] = seen
        words = bilingual("请逐日核对后勾选，再保存。", "Check each day, tick the box, and save again.")
        self.add_error("notice_checked", format_html("{}{}", words, _shown(year, read, changes)))


def _shown(year: int, read: Notice, changes: list[calendars.DayChange]) -> SafeString:
    """The days that a notice changes, for the person who checks them."""
    if read.whole:
        kind = bilingual(f"{year}年全年安排", f"The whole of {year}")
    else:
        names = listed(sorted(read.names)) or "—"
        kind = bilingual(f"{year}年部分调整（{names}），其余不变", f"A change of {year} ({names}); the rest stays")
    words = {
        None: bilingual("照常", "as usual"),
        False: bilingual("放假", "off"),
        True: bilingual("上班", "worked"),
    }
    rows = format_html_join(
        "",
        "<tr><td>{}</td><td>{}</td><td>{}</td><td>{} → {}</td></tr>",
        (
            (one.day.isoformat(), date_format(one.day, "l"), one.name, words[one.was], words[one.works])
            for one in changes
        ),
    )
    passed = format_html_join("", "<p>{} {}</p>", ((bilingual("未采用：", "Passed over:"), one) for one in read.passed))
    return format_html("<p>{}</p><table>{}</table>{}", kind, rows, passed)


class YearInline(DraftInline):
    model = CalendarYear


@admin.register(CalendarDay)
class CalendarDayAdmin(PartAdmin):
    """Days off and made up, of all versions."""

    list_display = ["day", "works", "name", "version"]
    list_filter = ["version", "works"]
    list_select_related = ["version"]
    date_hierarchy = "day"
    ordering = ["-version__number", "day"]


@admin.register(CalendarVersion)
class CalendarVersionAdmin(VersionAdmin):
    """Working calendars; a running clock is measured by the newest within a minute of its publication."""

    form = NoticeForm
    inlines = [YearInline]
    forget = staticmethod(calendars.forget)

    def get_fieldsets(self, request: HttpRequest, obj: CalendarVersion | None = None) -> Any:
        """The import is offered where a draft is edited."""
        fields = ["number", "hours", "source", "notes", "published_at"]
        if not self.has_change_permission(request, obj):
            return [(None, {"fields": fields})]
        importing = {"fields": ["notice_year", "notice", "notice_source", "notice_checked"]}
        return [(None, {"fields": fields}), (bilingual("导入年度安排", "Import a year"), importing)]

    def save_related(self, request: HttpRequest, form: Any, formsets: object, change: bool) -> None:
        """Save the rows, then let the year that was imported take their place."""
        super().save_related(request, form, formsets, change)
        year = form.cleaned_data.get("notice_year")
        if year is None:
            return
        draft = form.instance
        if read := form.cleaned_data.get("read"):
            source = form.cleaned_data.get("notice_source") or bilingual("人工导入", "Imported by hand")
            calendars.put_notice(draft, year, read, source=str(source))
        else:
            calendars.put_packaged(draft, [year])
        self.message_user(request, bilingual(f"{year}年已导入。", f"{year} has been imported."))
