"""From the report to the confirmation, through the Python client that is generated from docs/openapi.yaml; run as a script."""

import json
import os
from uuid import UUID

from linli_client import AuthenticatedClient
from linli_client.api.me import read_me
from linli_client.api.tickets import (
    tickets_list,
    tickets_move_confirm,
    tickets_move_contact,
    tickets_move_reply,
    tickets_move_sign,
    tickets_read,
    tickets_submit,
)
from linli_client.models import Confirm, ContactResult, FirstContact, Reply, Satisfaction, Sign, Submit


def client(token: str) -> AuthenticatedClient:
    return AuthenticatedClient(os.environ["LINLI"], token, raise_on_unexpected_status=True)


resident, dispatcher = client(os.environ["RESIDENT"]), client(os.environ["DISPATCHER"])
me = read_me.sync(client=resident)
# Only what must be said is said.
report = Submit(category="CL07", text="楼道里有蟑螂。", compound=me.homes[0].compound.id)
filing = tickets_submit.sync_detailed(client=resident, body=report)
assert filing.status_code == 201, filing.content
# The client takes gzipped answers, whose ETags are weak ones.
assert filing.headers["ETag"].removeprefix("W/") == f'"{filing.parsed.version}"'
ticket: UUID = filing.parsed.id
etag = filing.headers["ETag"]
for move, by, body in (
    (tickets_move_sign, dispatcher, Sign()),
    (tickets_move_contact, dispatcher, FirstContact(result=ContactResult.REACHED)),
    (tickets_move_reply, dispatcher, Reply(result="已消杀。")),
    (tickets_move_confirm, resident, Confirm(resolved=True, rating=Satisfaction(5))),
):
    moved = move.sync_detailed(ticket, client=by, body=body, if_match=etag)
    assert moved.status_code == 200, moved.content
    etag = moved.headers["ETag"]
    assert etag.removeprefix("W/") == f'"{moved.parsed.ticket.version}"'
read = tickets_read.sync(ticket, client=resident)
newest = tickets_list.sync(client=resident, limit=1).results[0]
print(json.dumps({"id": str(read.id), "state": read.state, "rating": read.rating, "newest": str(newest.id)}))  # noqa: T201
