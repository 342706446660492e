"""The pages for people and places: superusers see everything, clerks their own streets.

A clerk needs `is_staff`, a live seat in a street's office or one of its sections, and Django's permissions on what they look
after. They see and choose rows of their streets alone; what all streets share they may choose, and superusers change it.
Phones are masked in lists and found by the whole number only.
"""

import uuid
from collections.abc import Mapping
from contextlib import suppress
from datetime import timedelta
from typing import Any, ClassVar, cast

from allauth.mfa.models import Authenticator
from django.apps import apps
from django.contrib import admin, messages
from django.contrib.admin.exceptions import NotRegistered
from django.contrib.auth import admin as auth
from django.contrib.auth.models import Group, Permission
from django.contrib.contenttypes.models import ContentType
from django.contrib.postgres.expressions import ArraySubquery
from django.contrib.postgres.fields import ArrayField
from django.db import transaction
from django.db.models import Exists, ExpressionWrapper, F, ForeignKey, Model, OuterRef, Q, QuerySet, UUIDField
from django.db.models.fields.related import RelatedField
from django.forms import ModelForm, ModelMultipleChoiceField, Textarea
from django.http import HttpRequest
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.text import capfirst

from community import confirming, signin, timers
from community.models import (
    Area,
    Building,
    Community,
    Compound,
    Confirmation,
    ContractFiring,
    Household,
    Membership,
    Organisation,
    Person,
    Residency,
    Role,
    ServiceContract,
    Street,
)
from community.phones import DutyPhoneInput, MobileInput, read_mobile
from community.staff import streets_of
from web.admin import AdminPage, ReadOnly
from web.words import bilingual, listed


def _is_superuser(request: HttpRequest) -> bool:
    return isinstance(request.user, Person) and request.user.is_superuser


class Scoped(AdminPage):
    """Rows of a street, for the clerks of that street and for superusers."""

    # Rows without a street are everybody's to see and to choose.
    shared = False
    # How the fields of some columns are made, by the column's name.
    forms: ClassVar[Mapping[str, Mapping[str, object]]] = {}

    def get_queryset(self, request: HttpRequest) -> QuerySet[Model]:
        """All rows for a superuser; for a clerk the rows of their streets and the shared rows."""
        rows, streets = super().get_queryset(request), streets_of(request)
        return rows if streets is None else self.within(rows, streets)

    def within(self, rows: QuerySet[Model], streets: frozenset[uuid.UUID]) -> QuerySet[Model]:
        """Those of `rows` that concern one of `streets`."""
        return rows.filter(Q(street__in=streets) | Q(street=None) if self.shared else Q(street__in=streets))

    def owns(self, request: HttpRequest, row: Any) -> bool:
        """Whether the row is the caller's to change: a superuser's, or of a clerk's own street."""
        streets = streets_of(request)
        return streets is None or row.street_id in streets

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        """With Django's permission, what one owns."""
        return super().has_change_permission(request, obj) and (obj is None or self.owns(request, obj))

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        """As for changing."""
        return super().has_delete_permission(request, obj) and (obj is None or self.owns(request, obj))

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Model], search_term: str
    ) -> tuple[QuerySet[Model], bool]:
        """Search for a phone in any spelling."""
        with suppress(ValueError):
            search_term = read_mobile(search_term)
        return super().get_search_results(request, queryset, search_term)

    def get_field_queryset(
        self, db: str | None, db_field: "RelatedField[Any, Any]", request: HttpRequest
    ) -> QuerySet[Any] | None:
        """What may be chosen: what the caller sees on the other model's own page."""
        try:
            its = self.admin_site.get_model_admin(db_field.remote_field.model)
        except NotRegistered:
            return super().get_field_queryset(db, db_field, request)
        return cast("QuerySet[Any]", its.get_queryset(request))

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: object) -> Any:
        """As the page says in `forms`."""
        return super().formfield_for_dbfield(db_field, request, **{**kwargs, **self.forms.get(db_field.name, {})})

    def formfield_for_foreignkey(self, db_field: ForeignKey[Any], request: HttpRequest, **kwargs: object) -> Any:
        """A clerk's row has a street: what all share is a superuser's."""
        field = super().formfield_for_foreignkey(db_field, request, **kwargs)
        if field is not None and db_field.name == "street" and not _is_superuser(request):
            field.required = True
        return field


admin.site.unregister(Group)
_MAY = {
    "view": bilingual("查看", "may view"),
    "add": bilingual("添加", "may add"),
    "change": bilingual("修改", "may change"),
    "delete": bilingual("删除", "may delete"),
}


class PermissionsField(ModelMultipleChoiceField):
    """Permissions by names in the reader's language, on what has such a name; Django keeps their own in English."""

    def __init__(self, *args: Any, **options: Any):
        super().__init__(*args, **options)
        # allauth's have no pages here.
        named = [
            one
            for one in apps.get_models()
            if isinstance(one._meta.verbose_name, Promise) and not one.__module__.startswith("allauth.")
        ]
        kinds = ContentType.objects.get_for_models(*named).values()
        self.queryset = Permission.objects.filter(content_type__in=kinds).select_related("content_type")

    def label_from_instance(self, permission: Any) -> str:
        """On what, and what one may do with it."""
        model = permission.content_type.model_class()
        action = permission.codename.partition("_")[0]
        app = apps.get_app_config(permission.content_type.app_label)
        return f"{app.verbose_name} | {model._meta.verbose_name} | {_MAY.get(action, permission.name)}"


class WithPermissions(admin.ModelAdmin):
    """A page on which permissions are given."""

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest | None = None, **kwargs: object) -> Any:
        """Permissions are called by names that their reader knows."""
        if db_field.related_model is Permission:
            kwargs["form_class"] = PermissionsField
        return super().formfield_for_manytomany(db_field, request, **kwargs)  # type: ignore[arg-type]

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """What would be deleted with it, without rows of join tables: Django has no Chinese name for them."""
        rows, counts, *rest = super().get_deleted_objects(objs, request)
        ties = [one._meta for one in apps.get_models(include_auto_created=True) if one._meta.auto_created]
        heads = tuple(f"{capfirst(one.verbose_name)}: " for one in ties)
        plurals = {str(one.verbose_name_plural) for one in ties}
        return _without(rows, heads), {name: count for name, count in counts.items() if str(name) not in plurals}, *rest


def _without(rows: list[Any], heads: tuple[str, ...]) -> list[Any]:
    """Nested rows without those that begin with one of `heads`."""
    kept = [_without(one, heads) if isinstance(one, list) else one for one in rows]
    return [one for one in kept if one != [] and not (isinstance(one, str) and one.startswith(heads))]


@admin.register(Group)
class GroupPage(WithPermissions, AdminPage, auth.GroupAdmin):
    """Groups of permissions."""


OF_STREET = ("street", admin.RelatedOnlyFieldListFilter)


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
class StreetAdmin(Scoped):
    """Streets."""

    list_display = ["name", "code", "timezone"]
    search_fields = ["name", "code"]

    def within(self, rows: QuerySet[Model], streets: frozenset[uuid.UUID]) -> QuerySet[Model]:
        """A clerk's own."""
        return rows.filter(pk__in=streets)

    def owns(self, request: HttpRequest, row: Any) -> bool:
        """A clerk's own."""
        streets = streets_of(request)
        return streets is None or row.pk in streets

    def has_add_permission(self, request: HttpRequest) -> bool:
        """A new street is a superuser's to make."""
        return super().has_add_permission(request) and _is_superuser(request)

    def get_readonly_fields(self, request: HttpRequest, obj: Street | None = None) -> list[str]:
        """Its clocks were reckoned in its time zone."""
        return ["timezone"] if obj else []


@admin.register(Community)
class CommunityAdmin(Scoped):
    """Communities and their residents' committees."""

    list_display = ["name", "code", "street", "residents_committee"]
    list_select_related = ["street", "residents_committee"]
    list_filter = [OF_STREET]
    search_fields = ["name", "code"]
    autocomplete_fields = ["street", "residents_committee"]


@admin.register(Area)
class AreaAdmin(Scoped):
    """Property management areas and their committees."""

    list_display = ["name", "code", "residential_type", "committee", "street"]
    list_select_related = ["street", "committee"]
    list_filter = [OF_STREET, "residential_type", ("committee", admin.EmptyFieldListFilter)]
    search_fields = ["name", "code", "compounds__name"]
    autocomplete_fields = ["street", "committee"]


@admin.register(Compound)
class CompoundAdmin(Scoped):
    """Compounds, and where they belong."""

    list_display = ["name", "code", "area", "community", "street"]
    list_select_related = ["street", "area", "community"]
    list_filter = [OF_STREET, "area__residential_type"]
    search_fields = ["name", "code", "aliases"]
    autocomplete_fields = ["street", "area", "community"]


@admin.register(Building)
class BuildingAdmin(Scoped):
    """Buildings."""

    list_display = ["name", "code", "compound", "street"]
    list_select_related = ["street", "compound"]
    list_filter = [OF_STREET]
    search_fields = ["name", "compound__name"]
    autocomplete_fields = ["street", "compound"]


@admin.register(Household)
class HouseholdAdmin(Scoped):
    """Households with the area that counts in owners' votes."""

    list_display = ["door", "unit", "building", "compound", "exclusive_area"]
    list_select_related = ["building__compound"]
    list_filter = [OF_STREET]
    search_fields = ["door", "building__name", "building__compound__name"]
    autocomplete_fields = ["street", "building"]

    @admin.display(description=bilingual("小区", "compound"), ordering="building__compound__code")
    def compound(self, household: Household) -> str:
        """The compound of the building."""
        return household.building.compound.name


@admin.register(Organisation)
class OrganisationAdmin(Scoped):
    """Offices, committees, companies, departments, utilities."""

    shared = True
    list_display = ["name", "code", "kind", "function", "parent", "street", "party_coverage", "active"]
    list_select_related = ["street", "parent"]
    list_filter = ["kind", "active", "party_coverage", OF_STREET]
    search_fields = ["name", "name_en", "code"]
    autocomplete_fields = ["street", "parent"]
    forms: ClassVar = {"phone": {"form_class": DutyPhoneInput}}


@admin.register(Person)
class PersonAdmin(WithPermissions, Scoped):
    """Persons. Passwords are neither shown nor set here; only a superuser may touch staff and what they may do.

    A clerk sees who has a home or a seat in their street, now or once, and by the whole number who has neither anywhere. Who
    takes part in the street's work keeps their phone, by which they sign in; so does who leads it, or works elsewhere, all else.
    """

    list_display = ["name", "masked_phone", "language", "is_active", "is_staff"]
    list_filter = ["is_active", "is_staff", "language"]
    search_fields = ["name", "=phone"]
    search_help_text = bilingual("姓名，或完整的手机号", "A name, or the whole mobile number")
    ordering = ["name", "id"]
    show_full_result_count = False
    filter_horizontal = ["groups", "user_permissions"]
    readonly_fields = ["masked_phone", "last_login", "created_at"]
    actions = ["sign_out", "reset_second_factors"]
    forms: ClassVar = {"phone": {"form_class": MobileInput}}

    def get_fieldsets(self, request: HttpRequest, obj: Person | None = None) -> Any:
        """The number in the clear is for who may change it."""
        phone = "phone" if self._may_set_phone(request, obj) else "masked_phone"
        return [
            (None, {"fields": [phone, "name", "language", "is_active"]}),
            (
                bilingual("后台权限", "The admin"),
                {"fields": ["is_staff", "is_superuser", "groups", "user_permissions"]},
            ),
            (bilingual("时间", "Times"), {"fields": ["last_login", "created_at"]}),
        ]

    def get_readonly_fields(self, request: HttpRequest, obj: Person | None = None) -> list[str]:
        """Only a superuser grants rights."""
        rights = [] if _is_superuser(request) else ["is_staff", "is_superuser", "groups", "user_permissions"]
        return [*self.readonly_fields, *rights]

    def within(self, rows: QuerySet[Model], streets: frozenset[uuid.UUID]) -> QuerySet[Model]:
        """Who has a home or a seat there, now or once; and who has neither anywhere and is no staff."""
        ties = [kind.objects.filter(person=OuterRef("pk")) for kind in (Membership, Residency)]
        here = Q(*(Exists(tie.filter(street__in=streets)) for tie in ties), _connector=Q.OR)
        return rows.filter(here | Q(*(~Exists(tie) for tie in ties), is_staff=False))

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Model], search_term: str
    ) -> tuple[QuerySet[Model], bool]:
        """Search by name or whole number. A clerk finds a person without a home or seat by the number only."""
        with suppress(ValueError):
            search_term = read_mobile(search_term)
        found, twice = super().get_search_results(request, queryset, search_term)
        if not _is_superuser(request):
            tied = [Exists(kind.objects.filter(person=OuterRef("pk"))) for kind in (Membership, Residency)]
            found = found.filter(Q(phone=search_term.strip()) | Q(*tied, _connector=Q.OR))
        return found, twice

    def owns(self, request: HttpRequest, row: Any) -> bool:
        """A member of staff, a lead and who sits elsewhere is changed by superusers only: their phone is their key."""
        streets = streets_of(request)
        if streets is None:
            return True
        seats = self._seats(row)
        beyond = seats.filter(Q(role=Role.STREET_LEAD) | Q(street=None) | ~Q(street__in=streets))
        return not (row.is_staff or row.is_superuser or beyond.exists())

    def save_model(self, request: HttpRequest, obj: Person, form: ModelForm, change: bool) -> None:
        """A new person signs in by SMS code; a person who is disabled, or has another phone, is signed out everywhere."""
        if not change:
            obj.set_unusable_password()
        super().save_model(request, obj, form, change)
        if change and ("phone" in form.changed_data or ("is_active" in form.changed_data and not obj.is_active)):
            signin.revoke(obj)

    @admin.display(description=bilingual("手机号", "mobile number"))
    def masked_phone(self, person: Person) -> str:
        """The phone without its middle."""
        return person.masked_phone

    @admin.action(
        description=bilingual("重置所选人员的二次验证", "Reset the second factors of the selected persons"),
        permissions=["reset"],
    )
    def reset_second_factors(self, request: HttpRequest, queryset: QuerySet[Person]) -> None:
        """For who lost their phone: delete passkeys, app and recovery codes, and sign out everywhere. They set up new ones."""
        with transaction.atomic():
            for person in queryset:
                Authenticator.objects.filter(user=person).delete()
                signin.revoke(person)
        done = len(queryset)
        words = bilingual(f"已重置 {done} 人的二次验证。", f"The second factors of {done} persons were reset.")
        messages.success(request, str(words))

    def has_reset_permission(self, request: HttpRequest) -> bool:
        """Superusers: who resets a second factor and sends a code can be anybody."""
        return _is_superuser(request)

    @admin.action(
        description=bilingual("让所选人员在所有设备上退出登录", "Sign the selected persons out everywhere"),
        permissions=["change"],
    )
    def sign_out(self, request: HttpRequest, queryset: QuerySet[Person]) -> None:
        """Sign out everywhere who is the caller's to change."""
        done = 0
        with transaction.atomic():
            for person in queryset:
                if self.has_change_permission(request, person):
                    signin.revoke(person)
                    done += 1
        self.message_user(
            request, bilingual(f"已退出 {done} 人。", f"{done} persons were signed out."),
            messages.SUCCESS if done else messages.WARNING,
        )  # fmt: skip

    def _may_set_phone(self, request: HttpRequest, obj: Person | None) -> bool:
        if obj is None or _is_superuser(request):
            return True
        return self.has_change_permission(request, obj) and not self._seats(obj).exists()

    def _seats(self, person: Person) -> QuerySet[Membership]:
        # Seats that run or are still to come, in any time zone.
        yesterday = timezone.localdate() - timedelta(days=1)
        return Membership.objects.filter(Q(ends_on=None) | Q(ends_on__gte=yesterday), person=person)


@admin.register(Membership)
class MembershipAdmin(Scoped):
    """Seats of people in organisations, with their dates. Nobody sets their own seat; only superusers set a street's lead."""

    list_display = ["person", "organisation", "role", "starts_on", "ends_on"]
    list_select_related = ["person", "organisation"]
    list_filter = [LiveFilter, "role", "organisation__kind", OF_STREET]
    search_fields = ["person__name", "=person__phone", "organisation__name"]
    autocomplete_fields = ["street", "person", "organisation"]

    def owns(self, request: HttpRequest, row: Any) -> bool:
        """Whether the row is the caller's to change: not their own seat, and a lead's seat only for superusers."""
        if row.person_id == request.user.pk or (row.role == Role.STREET_LEAD and not _is_superuser(request)):
            return False
        return super().owns(request, row)

    def get_field_queryset(
        self, db: str | None, db_field: "RelatedField[Any, Any]", request: HttpRequest
    ) -> QuerySet[Model] | None:
        """Others than oneself, in bodies of one's own street."""
        found, streets = super().get_field_queryset(db, db_field, request), streets_of(request)
        assert found is not None
        if db_field.name == "person":
            return found.exclude(pk=request.user.pk)
        return found.exclude(street=None) if db_field.name == "organisation" and streets is not None else found

    def formfield_for_choice_field(self, db_field: Any, request: HttpRequest, **kwargs: object) -> Any:
        """The roles that the caller may give."""
        if db_field.name == "role" and not _is_superuser(request):
            kwargs["choices"] = [choice for choice in db_field.get_choices() if choice[0] != Role.STREET_LEAD]
        return super().formfield_for_choice_field(db_field, request, **kwargs)


@admin.register(Residency)
class ResidencyAdmin(Scoped):
    """Who lives where, from when to when."""

    list_display = ["person", "compound", "household", "relation", "confirmed_through", "starts_on", "ends_on"]
    list_select_related = ["person", "compound", "household"]
    list_filter = [LiveFilter, "relation", "confirmed_through", OF_STREET]
    search_fields = ["person__name", "=person__phone", "compound__name"]
    autocomplete_fields = ["street", "person", "compound", "household"]
    readonly_fields = ["confirmed_through", "confirmed_at", "objected_at", "judged_by"]
    actions = ["confirm", "object_to"]

    def save_model(self, request: HttpRequest, obj: Residency, form: ModelForm, change: bool) -> None:
        """Clear the confirmation where the person or the door changes."""
        if change and {"person", "compound", "household"} & set(form.changed_data):
            obj.confirmed_through, obj.confirmed_at, obj.objected_at, obj.judged_by = "", None, None, None
            obj.wrong_codes = 0
        super().save_model(request, obj, form, change)

    @admin.action(description=bilingual("核实所选住处", "Confirm the selected homes"), permissions=["change"])
    def confirm(self, request: HttpRequest, queryset: QuerySet[Residency]) -> None:
        """Confirm homes in the street's name, but for the caller's own."""
        self._judge(request, queryset, lives_there=True)

    @admin.action(
        description=bilingual("对所选住处提出异议（撤销核实）", "Object to the selected homes (ends a confirmation)"),
        permissions=["change"],
    )
    def object_to(self, request: HttpRequest, queryset: QuerySet[Residency]) -> None:
        """Say that these people do not live there."""
        self._judge(request, queryset, lives_there=False)

    def _judge(self, request: HttpRequest, queryset: QuerySet[Residency], *, lives_there: bool) -> None:
        done = 0
        with transaction.atomic():
            for home in queryset.select_for_update(of=("self",)):
                if home.person_id != request.user.pk and self.has_change_permission(request, home):
                    confirming.write(
                        home,
                        Confirmation.STREET if lives_there else Confirmation.CLAIMED,
                        request.user.pk,
                        timezone.now(),
                    )
                    done += 1
        self.message_user(
            request, bilingual(f"已处理 {done} 处。", f"{done} homes were judged."),
            messages.SUCCESS if done else messages.WARNING,
        )  # fmt: skip


class ContractFiringInline(ReadOnly, admin.TabularInline):
    """Reminders of contracts that were sent. Only the clock writes them."""

    model = ContractFiring
    fields = ("due_on", "rung", "todo", "fired_at", "concerning")
    readonly_fields = fields
    ordering = ["-due_on", "-id"]
    extra = 0

    def get_queryset(self, request: HttpRequest) -> QuerySet[ContractFiring]:
        """With the names of the organisations."""
        those = ExpressionWrapper(OuterRef("concerned"), output_field=ArrayField(UUIDField()))
        everybody: QuerySet[Model] = Organisation.objects.annotate(those=those)
        named = everybody.filter(those__contains=[F("id")]).order_by("code")
        return super().get_queryset(request).annotate(names=ArraySubquery(named.values("name")))

    def has_view_permission(self, request: HttpRequest, obj: object = None) -> bool:
        """Everybody who sees the contract."""
        return True

    @admin.display(description=bilingual("待办", "what to do"))
    def todo(self, one: ContractFiring) -> str:
        """The rung in words."""
        return str(timers.TODO.get(one.rung, ""))

    @admin.display(description=bilingual("相关单位", "concerned"))
    def concerning(self, one: Any) -> str:
        """The organisations by name."""
        return listed(one.names)


@admin.register(ServiceContract)
class ServiceContractAdmin(Scoped):
    """Who serves what, from when to when."""

    list_display = ["code", "provider", "kind", "mode", "area", "compound", "starts_on", "ends_on", "shortfall"]
    list_select_related = ["provider", "area", "compound"]
    readonly_fields = ["shortfall"]
    list_filter = [LiveFilter, "kind", "mode", OF_STREET]
    search_fields = ["code", "provider__name", "area__name", "compound__name"]
    autocomplete_fields = ["street", "provider", "area", "compound"]
    date_hierarchy = "starts_on"
    inlines = [ContractFiringInline]
    forms: ClassVar = {"terms": {"widget": Textarea(attrs={"rows": 4, "cols": 40})}}

    @admin.display(description=bilingual("通知期不足（日）", "notice too short by (days)"))
    def shortfall(self, contract: ServiceContract) -> str:
        """By how many days the notice is too short; empty where it is not."""
        return str(contract.notice_shortfall or "")

    def save_model(self, request: HttpRequest, obj: ServiceContract, form: ModelForm, change: bool) -> None:
        """Save a notice that is too short, with a warning: it is a fact."""
        super().save_model(request, obj, form, change)
        if days := obj.notice_shortfall:
            words = bilingual(f"通知期不足：少{days}日。", f"The notice is too short by {days} days.")
            self.message_user(request, words, messages.WARNING)
