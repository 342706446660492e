"""The catalogue's pages: drafts are edited and published, published versions are only read."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from tickets import catalogue
from tickets.models import Category, CategoryVersion
from workflow.admin import VersionAdmin


@admin.register(CategoryVersion)
class CategoryVersionAdmin(VersionAdmin):
    """Versions of the category tree."""

    def forget(self) -> None:
        """Let this process read the catalogue anew."""
        catalogue.forget()


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
