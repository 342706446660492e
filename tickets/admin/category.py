"""The catalogue's pages: drafts are edited and published, published versions are only read."""

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from django.utils import timezone

from tickets import catalogue
from tickets.models import Category, CategoryVersion
from web.words import bilingual


@admin.register(CategoryVersion)
class CategoryVersionAdmin(admin.ModelAdmin):
    """Versions of the category tree."""

    list_display = ["number", "effective_from", "published_at", "leaves", "source"]
    readonly_fields = ["number", "published_at"]
    actions = ["copy_as_draft", "publish"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[CategoryVersion]:
        """Versions with the number of their categories."""
        return super().get_queryset(request).annotate(leaf_count=Count("categories"))

    @admin.display(description=bilingual("分类数", "categories"))
    def leaves(self, version: Any) -> int:
        """How many categories the version has."""
        return int(version.leaf_count)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """A version is begun as the copy of another."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: CategoryVersion | None = None) -> bool:
        """Drafts only."""
        return (obj is None or obj.published_at is None) and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: CategoryVersion | None = None) -> bool:
        """Drafts only, one by one."""
        return obj is not None and obj.published_at is None and super().has_delete_permission(request, obj)

    @admin.action(description=bilingual("复制为新草稿", "Copy as new draft"), permissions=["change"])
    def copy_as_draft(self, request: HttpRequest, queryset: QuerySet[CategoryVersion]) -> None:
        """Begin a new version as the copy of the one that is chosen."""
        version = self._only(request, queryset)
        if version is not None:
            draft = version.copy_as_draft()
            self.message_user(request, bilingual(f"已建立草稿 {draft}。", f"Draft {draft} has been made."))

    @admin.action(description=bilingual("发布", "Publish"), permissions=["change"])
    def publish(self, request: HttpRequest, queryset: QuerySet[CategoryVersion]) -> None:
        """Publish the draft that is chosen, from the date it bears."""
        version = self._only(request, queryset)
        if version is None:
            return
        if version.effective_from is None:
            words = bilingual("请先填写生效时间。", "Say first from when it takes effect.")
            self.message_user(request, words, messages.ERROR)
            return
        try:
            version.publish(at=timezone.now(), effective_from=version.effective_from)
        except ValidationError as refusal:
            self.message_user(request, " ".join(refusal.messages), messages.ERROR)
            return
        transaction.on_commit(catalogue.forget)
        self.message_user(request, bilingual(f"{version} 已发布。", f"{version} has been published."))

    def _only(self, request: HttpRequest, queryset: QuerySet[CategoryVersion]) -> CategoryVersion | None:
        versions = list(CategoryVersion.objects.filter(pk__in=queryset.values("pk"))[:2])
        if len(versions) == 1:
            return versions[0]
        self.message_user(request, bilingual("请只选择一个版本。", "Choose one version only."), messages.ERROR)
        return None


@admin.register(Category)
class CategoryAdmin(admin.ModelAdmin):
    """Categories of all versions."""

    list_display = ["code", "name_zh", "disposal_class", "response_class", "lead", "route", "urgent", "version"]
    list_filter = ["version", "group", "disposal_class", "route", "urgent"]
    list_select_related = ["version"]
    search_fields = ["code", "name_zh", "name_en"]
    ordering = ["-version__number", "external_code"]

    def get_field_queryset(self, db: str | None, db_field: Any, request: HttpRequest) -> QuerySet[Any] | None:
        """Categories are put into drafts only."""
        if db_field.name == "version":
            return CategoryVersion.objects.filter(published_at=None)
        return super().get_field_queryset(db, db_field, request)

    def has_change_permission(self, request: HttpRequest, obj: Category | None = None) -> bool:
        """In drafts only."""
        return (obj is None or obj.version.published_at is None) and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Category | None = None) -> bool:
        """From drafts only, one by one."""
        return obj is not None and obj.version.published_at is None and super().has_delete_permission(request, obj)
