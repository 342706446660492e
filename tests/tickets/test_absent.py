"""Nobody learns from how much work an answer was whether a ticket is there that they may not see."""

import uuid

import pytest

from tests.statements import statements

READ = ["tickets/{}", "tickets/{}/events", "tickets/{}/moves"]
MOVES = ["urge", "cosign", "progress", "reveal", "merge"]
INPUTS = {"progress": {"text": "x"}, "reveal": {"reason": "x"}, "merge": {"into": str(uuid.UUID(int=7))}}


def begun(call):
    """How each statement of a request begins."""
    with statements() as made:
        assert call().status_code == 404
    return [sql.split(" FROM ")[0][:60] for sql in made if "SAVEPOINT" not in sql]


@pytest.mark.parametrize("who", ["outsider", "other_dispatcher", "resident_yicheng"])
@pytest.mark.parametrize("path", READ)
def test_reading_what_is_foreign_costs_what_reading_nothing_costs(api, filed, who, path):
    client = api(who).client
    for one in (filed["id"], uuid.uuid4()):
        client.get(f"/api/v1/{path.format(one)}")
    foreign, absent = (
        begun(lambda one=one: client.get(f"/api/v1/{path.format(one)}")) for one in (filed["id"], uuid.uuid4())
    )
    assert foreign == absent


@pytest.mark.parametrize("who", ["outsider", "other_dispatcher"])
@pytest.mark.parametrize("move", MOVES)
def test_moving_what_is_foreign_costs_what_moving_nothing_costs(api, filed, who, move):
    client = api(who).client

    def post(one):
        body = INPUTS.get(move, {})
        return client.post(f"/api/v1/tickets/{one}/moves/{move}", body, format="json", headers={"If-Match": '"1"'})

    for one in (filed["id"], uuid.uuid4()):
        post(one)
    foreign, absent = (begun(lambda one=one: post(one)) for one in (filed["id"], uuid.uuid4()))
    assert len(foreign) == len(absent)
