"""The catalogue's pages: drafts are edited and published, published versions are only read."""

from django.contrib import admin

from tickets import catalogue
from tickets.models import Category, CategoryVersion
from workflow.admin import PartAdmin, VersionAdmin


@admin.register(CategoryVersion)
class CategoryVersionAdmin(VersionAdmin):
    """Versions of the category tree."""

    forget = staticmethod(catalogue.forget)


@admin.register(Category)
class CategoryAdmin(PartAdmin):
    """Categories of all versions."""

    list_display = [
        "code",
        "name_zh",
        "disposal_class",
        "response_class",
        "lead",
        "route",
        "urgent",
        "public_face",
        "version",
    ]
    list_filter = ["version", "group", "disposal_class", "route", "urgent", "public_face"]
    list_select_related = ["version"]
    search_fields = ["code", "name_zh", "name_en"]
    ordering = ["-version__number", "external_code"]
