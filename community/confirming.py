"""Confirming homes: by the committee, the residents' committee or the street, or by a code that they give to the household."""

import secrets
import unicodedata
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils.crypto import constant_time_compare, salted_hmac

from community.homes import homes, running
from community.models import Compound, Confirmation, Household, HouseholdCode, Residency
from notifications.codes import WrongCode
from workflow.actor import Actor

CODE_LIFE = timedelta(days=14)
CODE_USES = 8
WRONG_GUESSES, WRONG_GUESSES_OF_ONE = 20, 5  # at one code, and by one home
_LETTERS = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"  # No characters that look alike.
_LENGTH = 8
_SALT = "community.confirming.code"
# Who confirms, by the kind of organisation they sit in.
_THROUGH: Mapping[str, Confirmation] = MappingProxyType(
    {
        "street_office": Confirmation.STREET,
        "section": Confirmation.STREET,
        "residents_committee": Confirmation.RESIDENTS_COMMITTEE,
        "pmc": Confirmation.COMMITTEE,
        "owners_committee": Confirmation.COMMITTEE,
    }
)


@dataclass(frozen=True, slots=True)
class NewCode:
    """A fresh code: `secret` is shown once, to be handed to the household."""

    secret: str
    expires_at: datetime


def may_confirm(actor: Actor) -> bool:
    """Whether the actor has a seat that may confirm homes anywhere."""
    return any(seat.kind in _THROUGH for seat in actor.seats)


def in_reach(actor: Actor) -> QuerySet[Residency]:
    """The present homes of other people that the actor may confirm; never the actor's own."""
    found = running(Residency.objects.all(), actor.at).exclude(person=actor.person_id)
    return found.filter(_reach(actor, "compound__")).select_related(
        "person", "compound__area", "compound__community", "household__building", "street"
    )


def _reach(actor: Actor, compound: str) -> Q:
    """A condition for the compounds where the actor may confirm; `compound` is the query path that leads to them."""
    seats: dict[Confirmation, set[uuid.UUID | None]] = {}
    for seat in actor.seats:
        if through := _THROUGH.get(seat.kind):
            seats.setdefault(through, set()).add(
                seat.street_id if through == Confirmation.STREET else seat.organisation_id
            )
    paths = {
        Confirmation.STREET: "street_id__in",
        Confirmation.RESIDENTS_COMMITTEE: "community__residents_committee__in",
        Confirmation.COMMITTEE: "area__committee__in",
    }
    # An empty list lets nothing through.
    return Q(*(Q(**{compound + paths[one]: seats.get(one, set())}) for one in paths), _connector=Q.OR)


def _through(actor: Actor, compound: Compound) -> Confirmation:
    """In whose name the actor confirms in the compound; the street's name comes first."""
    mine = {seat.organisation_id for seat in actor.seats}
    streets = {seat.street_id for seat in actor.seats if _THROUGH.get(seat.kind) == Confirmation.STREET}
    if compound.street_id in streets:
        return Confirmation.STREET
    if compound.community.residents_committee_id in mine:
        return Confirmation.RESIDENTS_COMMITTEE
    return Confirmation.COMMITTEE


def judge(residency_id: uuid.UUID, actor: Actor, *, lives_there: bool) -> Residency | None:
    """Confirm a home, or object to it, which removes a confirmation. None where the actor may not confirm such a home."""
    with transaction.atomic():
        home = in_reach(actor).select_for_update(of=("self",)).filter(id=residency_id).first()
        if home is None:
            return None
        write(home, _through(actor, home.compound) if lives_there else Confirmation.CLAIMED, actor.person_id, actor.at)
    return home


def write(home: Residency, through: Confirmation, by: uuid.UUID | None, at: datetime) -> None:
    """Record that the locked home is confirmed or, with CLAIMED, that somebody objected to it."""
    home.confirmed_through, home.judged_by_id = through, by
    home.confirmed_at, home.objected_at = (at, None) if through else (None, at)
    home.save(update_fields=["confirmed_through", "judged_by", "confirmed_at", "objected_at"])


def make_code(household_id: uuid.UUID, actor: Actor) -> NewCode | None:
    """Make a new code for a household, which replaces an older one. None where the actor may not confirm homes there."""
    doors = Household.objects.select_related("building__compound__area", "building__compound__community")
    household = doors.filter(_reach(actor, "building__compound__"), id=household_id).first()
    if household is None:
        return None
    secret = "".join(secrets.choice(_LETTERS) for _ in range(_LENGTH))
    HouseholdCode.objects.update_or_create(
        household=household,
        defaults={
            "street_id": household.street_id,
            "code_hash": _hash(household.pk, secret),
            "made_by_id": actor.person_id,
            "made_through": _through(actor, household.building.compound),
            "created_at": actor.at,
            "uses": 0,
            "wrong_guesses": 0,
        },
    )
    return NewCode(f"{secret[:4]}-{secret[4:]}", actor.at + CODE_LIFE)


def confirm_by_code(residency_id: uuid.UUID, secret: str, actor: Actor) -> Residency | None:
    """Confirm the actor's home with its household's code. None where they have no such home. Raises WrongCode.

    A wrong guess is counted. Nobody can confirm their own home with a code that they made, nor a home that was
    objected to.
    """
    with transaction.atomic():
        mine = homes(actor.person_id, actor.at) if actor.person_id else Residency.objects.none()
        home = mine.select_for_update(of=("self",)).filter(id=residency_id).first()
        if home is None:
            return None
        right = home.confirmed_at is not None or _try(home, secret, actor)
        if right and home.confirmed_at is None:
            write(home, Confirmation.CODE, actor.person_id, actor.at)
    if not right:
        raise WrongCode
    return home


def _try(home: Residency, secret: str, actor: Actor) -> bool:
    if home.household_id is None or home.objected_at is not None or home.wrong_codes >= WRONG_GUESSES_OF_ONE:
        return False
    codes = HouseholdCode.objects.select_for_update().exclude(made_by=actor.person_id)
    live = codes.filter(
        household=home.household_id, created_at__gt=actor.at - CODE_LIFE, uses__lt=CODE_USES,
        wrong_guesses__lt=WRONG_GUESSES,
    ).first()  # fmt: skip
    if live is not None and constant_time_compare(bytes(live.code_hash), _hash(home.household_id, secret)):
        live.uses += 1
        live.save(update_fields=["uses"])
        return True
    if live is not None:
        live.wrong_guesses += 1
        live.save(update_fields=["wrong_guesses"])
    home.wrong_codes += 1
    home.save(update_fields=["wrong_codes"])
    return False


def _hash(household_id: uuid.UUID, secret: str) -> bytes:
    plain = "".join(one for one in unicodedata.normalize("NFKC", secret).upper() if one.isalnum())
    return salted_hmac(_SALT, f"{household_id} {plain}", algorithm="sha256").digest()
