"""The administrator's pages for people and places."""

from django.contrib import admin
from django.db.models import Model, Q, QuerySet
from django.forms import ModelForm
from django.http import HttpRequest
from django.utils import timezone

from community.models import (
    Area,
    Building,
    Community,
    Compound,
    Household,
    Membership,
    Organisation,
    Person,
    Residency,
    ServiceContract,
    Street,
)
from web.words import bilingual


class LiveFilter(admin.SimpleListFilter):
    """Rows with a first and a last day: those of today, those to come, those over."""

    title = bilingual("是否有效", "in force")
    parameter_name = "live"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> list[tuple[str, str]]:
        """The three choices."""
        return [
            ("now", str(bilingual("有效", "In force"))),
            ("later", str(bilingual("未开始", "Not yet"))),
            ("over", str(bilingual("已结束", "Over"))),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Model]) -> QuerySet[Model]:
        """Keep what was chosen."""
        today = timezone.localdate()
        match self.value():
            case "now":
                return queryset.filter(Q(ends_on=None) | Q(ends_on__gte=today), starts_on__lte=today)
            case "later":
                return queryset.filter(starts_on__gt=today)
            case "over":
                return queryset.filter(ends_on__lt=today)
        return queryset


@admin.register(Street)
class StreetAdmin(admin.ModelAdmin):
    """Streets."""

    list_display = ["name", "code", "timezone"]
    search_fields = ["name", "code"]


@admin.register(Community)
class CommunityAdmin(admin.ModelAdmin):
    """Communities and their residents' committees."""

    list_display = ["name", "code", "street", "residents_committee"]
    list_select_related = ["street", "residents_committee"]
    list_filter = ["street"]
    search_fields = ["name", "code"]
    autocomplete_fields = ["street", "residents_committee"]


@admin.register(Area)
class AreaAdmin(admin.ModelAdmin):
    """Property management areas and their committees."""

    list_display = ["name", "code", "residential_type", "committee", "street"]
    list_select_related = ["street", "committee"]
    list_filter = ["street", "residential_type", ("committee", admin.EmptyFieldListFilter)]
    search_fields = ["name", "code", "compounds__name"]
    autocomplete_fields = ["street", "committee"]


@admin.register(Compound)
class CompoundAdmin(admin.ModelAdmin):
    """Compounds, and where they belong."""

    list_display = ["name", "code", "area", "community", "street"]
    list_select_related = ["street", "area", "community"]
    list_filter = ["street", "area__residential_type"]
    search_fields = ["name", "code", "aliases"]
    autocomplete_fields = ["street", "area", "community"]


@admin.register(Building)
class BuildingAdmin(admin.ModelAdmin):
    """Buildings."""

    list_display = ["name", "code", "compound", "street"]
    list_select_related = ["street", "compound"]
    list_filter = ["street"]
    search_fields = ["name", "compound__name"]
    autocomplete_fields = ["street", "compound"]


@admin.register(Household)
class HouseholdAdmin(admin.ModelAdmin):
    """Households with the area that counts in owners' votes."""

    list_display = ["door", "unit", "building", "compound", "exclusive_area"]
    list_select_related = ["building__compound"]
    list_filter = ["street"]
    search_fields = ["door", "building__name", "building__compound__name"]
    autocomplete_fields = ["street", "building"]

    @admin.display(description=bilingual("小区", "compound"), ordering="building__compound__code")
    def compound(self, household: Household) -> str:
        """The compound that the building stands in."""
        return household.building.compound.name


@admin.register(Organisation)
class OrganisationAdmin(admin.ModelAdmin):
    """Offices, committees, companies, departments, utilities."""

    list_display = ["name", "code", "kind", "function", "parent", "street", "party_coverage", "active"]
    list_select_related = ["street", "parent"]
    list_filter = ["kind", "active", "party_coverage", "street"]
    search_fields = ["name", "name_en", "code"]
    autocomplete_fields = ["street", "parent"]


@admin.register(Person)
class PersonAdmin(admin.ModelAdmin):
    """Persons. Passwords are neither shown nor set here; only a superuser may touch staff and what they may do."""

    list_display = ["name", "phone", "language", "is_active", "is_staff"]
    list_filter = ["is_active", "is_staff", "language"]
    search_fields = ["name", "phone"]
    filter_horizontal = ["groups", "user_permissions"]
    readonly_fields = ["last_login", "created_at"]
    fieldsets = [
        (None, {"fields": ["phone", "name", "language", "is_active"]}),
        (bilingual("后台权限", "The admin"), {"fields": ["is_staff", "is_superuser", "groups", "user_permissions"]}),
        (bilingual("时间", "Times"), {"fields": ["last_login", "created_at"]}),
    ]

    def get_readonly_fields(self, request: HttpRequest, obj: Person | None = None) -> list[str]:
        """Nobody but a superuser gives rights."""
        rights = [] if self._is_superuser(request) else ["is_staff", "is_superuser", "groups", "user_permissions"]
        return [*self.readonly_fields, *rights]

    def has_change_permission(self, request: HttpRequest, obj: Person | None = None) -> bool:
        """A member of staff is changed by superusers only: their phone is their key."""
        return super().has_change_permission(request, obj) and self._may_touch(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Person | None = None) -> bool:
        """As for changing."""
        return super().has_delete_permission(request, obj) and self._may_touch(request, obj)

    def save_model(self, request: HttpRequest, obj: Person, form: ModelForm, change: bool) -> None:
        """A new person signs in by SMS code."""
        if not change:
            obj.set_unusable_password()
        super().save_model(request, obj, form, change)

    def _may_touch(self, request: HttpRequest, obj: Person | None) -> bool:
        return obj is None or not (obj.is_staff or obj.is_superuser) or self._is_superuser(request)

    def _is_superuser(self, request: HttpRequest) -> bool:
        return isinstance(request.user, Person) and request.user.is_superuser


@admin.register(Membership)
class MembershipAdmin(admin.ModelAdmin):
    """Who sits where, from when to when."""

    list_display = ["person", "organisation", "role", "starts_on", "ends_on"]
    list_select_related = ["person", "organisation"]
    list_filter = [LiveFilter, "role", "organisation__kind", "street"]
    search_fields = ["person__name", "person__phone", "organisation__name"]
    autocomplete_fields = ["street", "person", "organisation"]


@admin.register(Residency)
class ResidencyAdmin(admin.ModelAdmin):
    """Who lives where, from when to when."""

    list_display = ["person", "compound", "household", "relation", "starts_on", "ends_on"]
    list_select_related = ["person", "compound", "household"]
    list_filter = [LiveFilter, "relation", "street"]
    search_fields = ["person__name", "person__phone", "compound__name"]
    autocomplete_fields = ["street", "person", "compound", "household"]


@admin.register(ServiceContract)
class ServiceContractAdmin(admin.ModelAdmin):
    """Who serves what, from when to when."""

    list_display = ["code", "provider", "kind", "mode", "area", "compound", "starts_on", "ends_on"]
    list_select_related = ["provider", "area", "compound"]
    list_filter = [LiveFilter, "kind", "mode", "street"]
    search_fields = ["code", "provider__name", "area__name", "compound__name"]
    autocomplete_fields = ["street", "provider", "area", "compound"]
    date_hierarchy = "starts_on"
