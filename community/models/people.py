"""Persons, their memberships, and their homes."""

from contextlib import suppress
from datetime import date, timedelta
from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.crypto import salted_hmac

from community.models.constraints import dates_in_order, known, same_street
from community.models.organisations import Organisation
from community.models.places import Compound, Household, Street, street_if_any, street_key
from community.phones import MOBILE, NO_MOBILE, masked_phone, read_mobile
from web.models import Identified
from web.words import bilingual


class Language(models.TextChoices):
    """The languages that Linli speaks to people in."""

    CHINESE = "zh-hans", bilingual("中文", "Chinese")
    ENGLISH = "en", bilingual("英文", "English")


class Role(models.TextChoices):
    """What a member does in an organisation."""

    STREET_LEAD = "lead", bilingual("街道负责人", "Street lead")
    OFFICER = "officer", bilingual("街道工作人员", "Street officer")
    CHAIR = "chair", bilingual("主任", "Chair")
    MEMBER = "member", bilingual("委员", "Member")
    MANAGER = "manager", bilingual("项目负责人", "Manager")
    DISPATCHER = "dispatcher", bilingual("调度员", "Dispatcher")
    WORKER = "worker", bilingual("维修工", "Worker")
    LIAISON = "liaison", bilingual("部门联络员", "Liaison")


class Tenure(models.TextChoices):
    """What a resident is to their home."""

    OWNER = "owner", bilingual("业主", "Owner")
    OCCUPANT = "occupant", bilingual("居住人", "Occupant")
    TENANT = "tenant", bilingual("租户", "Tenant")


class Confirmation(models.TextChoices):
    """Who confirmed that a person lives there; empty while it is only claimed."""

    CLAIMED = "", bilingual("未核实", "Claimed")
    COMMITTEE = "committee", bilingual("物管会或业委会", "The committee")
    RESIDENTS_COMMITTEE = "community", bilingual("居民委员会", "The residents' committee")
    STREET = "street", bilingual("街道", "The street")
    CODE = "code", bilingual("住户验证码", "The household's code")


class MobileNumber(models.CharField):
    """A mobile number of the mainland. Where it is cleaned, as `createsuperuser` does, it may be written as people write phones."""

    def clean(self, value: Any, model_instance: models.Model | None) -> Any:
        """The eleven digits. Raises ValidationError."""
        try:
            number = read_mobile(value or "")
        except ValueError:
            raise ValidationError(NO_MOBILE, code="invalid") from None
        return super().clean(number, model_instance)

    def deconstruct(self) -> Any:
        """A text column, to migrations."""
        name, _, args, kwargs = super().deconstruct()
        return name, "django.db.models.CharField", args, kwargs


class PersonManager(BaseUserManager["Person"]):
    """Makes persons; they are known by their mobile number."""

    def create_user(self, phone: str, *, name: str, password: str | None = None, is_staff: bool = False) -> "Person":
        """A person who signs in by SMS code; with a `password` also by that. Staff may enter the admin."""
        with suppress(ValueError):
            phone = read_mobile(phone)
        person = self.model(phone=phone, name=name, is_staff=is_staff)
        person.set_password(password)
        person.full_clean(exclude=["password"])
        person.save(using=self._db, force_insert=True)
        return person

    def create_superuser(self, phone: str, *, name: str, password: str | None = None) -> "Person":
        """An administrator of the whole server."""
        person = self.create_user(phone, name=name, password=password, is_staff=True)
        person.is_superuser = True
        person.save(using=self._db, update_fields=["is_superuser"])
        return person


class Person(Identified, AbstractBaseUser, PermissionsMixin):
    """A human being with a mobile number, shared by all streets; what they may do comes from memberships and homes."""

    phone = MobileNumber(
        bilingual("手机号", "mobile number"),
        max_length=11,
        unique=True,
        validators=[
            RegexValidator(MOBILE, bilingual("请填写11位大陆手机号。", "Give a mainland mobile number of 11 digits."))
        ],
    )
    name = models.CharField(bilingual("姓名", "name"), max_length=40)
    language = models.CharField(
        bilingual("语言", "language"), max_length=8, choices=Language.choices, default=Language.CHINESE
    )
    is_active = models.BooleanField(bilingual("有效", "active"), default=True)
    is_staff = models.BooleanField(bilingual("可进入管理后台", "may enter the admin"), default=False)
    created_at = models.DateTimeField(bilingual("建立时间", "created at"), db_default=Now(), editable=False)
    # How often everything was signed out; a browser's session and a known device's key hold the number of their day.
    sign_outs = models.PositiveIntegerField(bilingual("全部退出次数", "sign-outs"), db_default=0, editable=False)

    objects: ClassVar[PersonManager] = PersonManager()

    USERNAME_FIELD = "phone"
    REQUIRED_FIELDS = ["name"]

    class Meta:
        verbose_name = bilingual("人员", "person")
        verbose_name_plural = bilingual("人员", "persons")
        # Not by phone: where phones are masked, the order would give them away.
        ordering = ["name", "id"]
        constraints = [
            models.CheckConstraint(condition=Q(phone__regex=MOBILE), name="person_mobile_number"),
            known("language", Language, "person_language"),
        ]

    def __str__(self) -> str:
        return self.name

    def get_full_name(self) -> str:
        """The name, as the admin greets people by it."""
        return self.name

    def get_short_name(self) -> str:
        """The name again: Chinese names have no short form to greet by."""
        return self.name

    @property
    def masked_phone(self) -> str:
        """The phone without its middle: 138****8000."""
        return masked_phone(self.phone)

    def _get_session_auth_hash(self, secret: str | None = None) -> str:
        """What a session must hold to be live: it changes with the password, and when everything is signed out."""
        return salted_hmac(
            "community.person.session", f"{self.sign_outs} {self.password}", secret=secret, algorithm="sha256"
        ).hexdigest()


class Membership(Identified):
    """A person's seat in an organisation, from its first to its last day; its street is the organisation's."""

    street = street_if_any("与单位所属街道相同。", "The same as the organisation's.")
    person = models.ForeignKey(
        Person, on_delete=models.CASCADE, related_name="memberships", verbose_name=bilingual("人员", "person")
    )
    organisation = models.ForeignKey(
        Organisation,
        on_delete=models.CASCADE,
        related_name="memberships",
        verbose_name=bilingual("单位", "organisation"),
    )
    role = models.CharField(bilingual("角色", "role"), max_length=12, choices=Role.choices)
    starts_on = models.DateField(bilingual("开始日期", "first day"))
    ends_on = models.DateField(bilingual("结束日期", "last day"), null=True, blank=True)
    notes = models.CharField(bilingual("备注", "notes"), max_length=200, blank=True)

    class Meta:
        verbose_name = bilingual("任职", "membership")
        verbose_name_plural = bilingual("任职", "memberships")
        ordering = ["organisation", "role", "person"]
        constraints = [
            models.UniqueConstraint(
                fields=["street", "organisation", "person", "role", "starts_on"],
                name="membership_once",
                nulls_distinct=False,
            ),
            known("role", Role, "membership_role"),
            dates_in_order("membership_dates_in_order"),
        ]

    def __str__(self) -> str:
        return f"{self.organisation} · {self.get_role_display()}"

    def clean(self) -> None:
        """Its street is the organisation's, none where that is shared."""
        same_street(self, "organisation")
        if self.street_id and self.organisation_id and not self.organisation.street_id:
            raise ValidationError(
                {
                    "street": bilingual(
                        "该单位由各街道共用，此处不填。", "All streets share this organisation: leave it empty."
                    )
                }
            )


class Residency(Identified):
    """A person lives in, or owns, a home of a compound, from the first to the last day.

    Everybody may claim a home. `confirmed_through` says who confirmed it; from then on the person reads what
    neighbours may read. `objected_at` is when somebody who may confirm it said that the person does not live there.
    """

    street = street_key()
    person = models.ForeignKey(
        Person, on_delete=models.CASCADE, related_name="residencies", verbose_name=bilingual("人员", "person")
    )
    compound = models.ForeignKey(
        Compound, on_delete=models.CASCADE, related_name="residencies", verbose_name=bilingual("小区", "compound")
    )
    household = models.ForeignKey(
        Household,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="residencies",
        verbose_name=bilingual("户", "household"),
    )
    relation = models.CharField(bilingual("关系", "relation"), max_length=12, choices=Tenure.choices)
    starts_on = models.DateField(bilingual("开始日期", "first day"))
    ends_on = models.DateField(bilingual("结束日期", "last day"), null=True, blank=True)
    confirmed_through = models.CharField(
        bilingual("核实方式", "confirmed through"),
        max_length=12,
        choices=Confirmation.choices,
        blank=True,
        default=Confirmation.CLAIMED,
        db_default=Confirmation.CLAIMED,
        editable=False,
    )
    confirmed_at = models.DateTimeField(bilingual("核实时间", "confirmed at"), null=True, blank=True, editable=False)
    objected_at = models.DateTimeField(bilingual("异议时间", "objected at"), null=True, blank=True, editable=False)
    judged_by = models.ForeignKey(
        Person,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        db_index=False,
        editable=False,
        verbose_name=bilingual("核实人", "confirmed or objected to by"),
    )
    wrong_codes = models.PositiveSmallIntegerField(db_default=0, editable=False)

    class Meta:
        verbose_name = bilingual("居住信息", "residency")
        verbose_name_plural = bilingual("居住信息", "residencies")
        ordering = ["person", "starts_on"]
        constraints = [
            models.UniqueConstraint(
                fields=["street", "compound", "person", "household", "relation", "starts_on"],
                name="residency_once",
                nulls_distinct=False,
            ),
            known("relation", Tenure, "residency_relation"),
            dates_in_order("residency_dates_in_order"),
            models.CheckConstraint(
                condition=Q(confirmed_through="", confirmed_at=None)
                | Q(
                    confirmed_through__in=Confirmation.values[1:], confirmed_at__isnull=False, objected_at__isnull=True
                ),
                name="residency_confirmed_through_somebody",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.compound} · {self.get_relation_display()}"

    def clean(self) -> None:
        """Its compound and household are of the same street, and the household stands in the compound."""
        same_street(self, "compound", "household")
        if self.household and self.compound_id and self.household.building.compound_id != self.compound_id:
            raise ValidationError(
                {"household": bilingual("该户不在所填小区内。", "This household stands in another compound.")}
            )

    def confirmed_on(self, today: date) -> bool:
        """Whether its person may read what neighbours may read: it was confirmed, or stood long enough without an objection
        where the street lets that count. Said in SQL in `community.live.confirmed`.
        """
        days = self.street.stay_confirms_after
        stayed = days is not None and self.objected_at is None and self.starts_on + timedelta(days=days) <= today
        return self.confirmed_at is not None or stayed


class HouseholdCode(Identified):
    """A code that is given to a household, with which its people confirm their homes; only the newest one is valid.

    `code_hash` is an HMAC under SECRET_KEY. The code ends with its time, its uses or its wrong guesses, whichever
    comes first.
    """

    street = models.ForeignKey(Street, on_delete=models.PROTECT, related_name="+", db_index=False)
    household = models.OneToOneField(Household, on_delete=models.CASCADE, related_name="code")
    code_hash = models.BinaryField()
    made_by = models.ForeignKey(Person, on_delete=models.SET_NULL, null=True, related_name="+", db_index=False)
    made_through = models.CharField(max_length=12, choices=Confirmation.choices)
    created_at = models.DateTimeField()
    uses = models.PositiveSmallIntegerField(db_default=0)
    wrong_guesses = models.PositiveSmallIntegerField(db_default=0)

    class Meta:
        verbose_name = bilingual("住户验证码", "household's code")
        verbose_name_plural = bilingual("住户验证码", "households' codes")

    def __str__(self) -> str:
        return str(self.household_id)


class HomeMove(Identified):
    """A person claimed another home. Kept for as long as the limit counts it."""

    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="+", db_index=False)
    at = models.DateTimeField(db_index=True)

    class Meta:
        verbose_name = bilingual("登记住处", "move")
        verbose_name_plural = bilingual("登记住处", "moves")
        indexes = [models.Index(fields=["person", "at"], name="homemove_of_person")]

    def __str__(self) -> str:
        return str(self.person_id)
