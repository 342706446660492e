"""The glossary has a line for everything that the code gives a name, with the words that people read."""

import pytest

from community.models import Role
from community.models.organisations import OrganisationKind
from launcher.family import PROJECT
from tickets.access import RELATIONS, Relation
from tickets.news import Side
from tickets.states import AssignmentRole, State
from web.words import en, zh

GLOSSARY = PROJECT / "docs" / "glossary.md"


def rows(heading: str) -> dict[str, list[str]]:
    """The cells of the table below a heading, by the name in its first cell."""
    text = GLOSSARY.read_text()
    section = text.split(f"\n### {heading}\n")[1].split("\n#")[0]
    found: dict[str, list[str]] = {}
    for line in section.splitlines():
        if line.startswith("| `"):
            name, *cells = (cell.strip() for cell in line.strip("|").split("|"))
            assert name not in found, f"{name} has two lines"
            found[name.strip("`")] = cells
    return found


BILINGUAL = {
    "States": {str(one): one.label for one in State},
    "Roles in an assignment": {str(one): one.label for one in AssignmentRole},
    "Roles of a member": {str(one): one.label for one in Role},
    "Kinds of organisation": {str(one): one.label for one in OrganisationKind},
}


@pytest.mark.parametrize("heading", BILINGUAL)
def test_the_glossary_has_every_name_with_its_labels_and_no_other(heading):
    said = {name: cells[:2] for name, cells in rows(heading).items()}
    assert said == {name: [zh(label), en(label)] for name, label in BILINGUAL[heading].items()}


def test_the_glossary_has_every_relation_with_its_label_and_no_other():
    said = {name: cells[0] for name, cells in rows("Relations").items()}
    assert said == {str(one): RELATIONS[one][0] for one in Relation}


def test_the_glossary_has_every_side_and_no_other():
    assert set(rows("Sides")) == set(Side)


@pytest.mark.parametrize("heading", [*BILINGUAL, "Relations", "Sides"])
def test_every_line_of_the_glossary_says_what_is_meant(heading):
    assert [name for name, cells in rows(heading).items() if not cells[-1].endswith(".")] == []
