"""Fill a database with plausible tickets, by SQL: for lists, indexes and sweeps to have something to do.

Each ticket has an event, an assignment and its clocks, but no keyed chain, so `verify_audit` fails on such a database.
Half of the tickets are open. Their clocks come due in the next hours and weeks, so that no rung is due now. Some tickets in
progress are overdue, with their next rung in the future.
"""

from django.db import connection
from django.utils import timezone

from tickets.models import service_level
from workflow import calendars

# Every third ticket lies in one compound, so that there is a largest organisation. What else a ticket is follows from hashes of its
# number with different seeds, so that no two of its properties go together.
FILL = """
WITH place AS (
  SELECT row_number() OVER (ORDER BY (c.name = '学院路14号院') DESC, c.id) - 1 AS n, c.*, a.committee_id,
    m.residents_committee_id,
    (SELECT k.provider_id FROM community_servicecontract k
     WHERE k.kind = 'property' AND k.area_id = c.area_id AND k.starts_on <= now()::date
       AND (k.ends_on IS NULL OR k.ends_on >= now()::date) ORDER BY k.starts_on DESC LIMIT 1) AS provider_id
  FROM community_compound c JOIN community_area a ON a.id = c.area_id JOIN community_community m ON m.id = c.community_id
), places AS (SELECT count(*) AS total FROM place),
leaf AS (
  SELECT row_number() OVER (ORDER BY code) - 1 AS n, * FROM tickets_category
  WHERE version_id = (SELECT id FROM tickets_categoryversion ORDER BY number LIMIT 1)
), leaves AS (SELECT count(*) AS total FROM leaf),
person AS (SELECT row_number() OVER (ORDER BY phone) - 1 AS n, id, name, phone FROM community_person),
people AS (SELECT count(*) AS total FROM person),
desk AS (SELECT id FROM community_organisation WHERE kind = 'section' AND function = 'property' LIMIT 1),
dice AS (
  SELECT i, i %% 2 = 0 AS open,
    CASE WHEN i %% 3 = 0 THEN 0 ELSE (hashint8extended(i, 1) & 2147483647) %% places.total END AS place_n,
    (hashint8extended(i, 2) & 2147483647) %% leaves.total AS leaf_n,
    (hashint8extended(i, 3) & 2147483647) %% people.total AS person_n,
    hashint8extended(i, 4) & 2147483647 AS kind,
    (hashint8extended(i, 5) & 2147483647) %% 20000 * interval '1 minute' AS spread
  FROM generate_series(%(first)s::bigint, %(last)s::bigint) AS i, places, leaves, people
), fate AS (
  SELECT *,
    CASE WHEN open THEN (ARRAY['dispatched', 'in_progress', 'replied', 'dispatched'])[1 + kind %% 4] ELSE 'closed' END AS state,
    open AND kind %% 32 = 1 AS overdue
  FROM dice
), timed AS (
  SELECT *,
    CASE WHEN overdue THEN now() - interval '7 days 1 hour' - spread / 8
         WHEN open THEN now() - interval '1 day 1 hour' - spread / 8
         ELSE now() - interval '8 days' - spread * 3 END AS at,
    CASE WHEN overdue THEN now() - interval '1 hour' - spread / 8
         WHEN open THEN now() + interval '3 hours' + spread
         ELSE now() - interval '1 day' - spread * 3 END AS due
  FROM fate
), drawn AS MATERIALIZED (
  SELECT uuidv7(t.at - now()) AS id, t.*, p.street_id, p.id AS compound_id, p.area_id, p.community_id, p.name AS place, p.committee_id,
    p.residents_committee_id, coalesce(p.provider_id, desk.id) AS holder_id, desk.id AS desk_id,
    l.id AS category_id, l.name_zh, l.disposal_class, l.response_class, l.urgent,
    w.id AS reporter_id, w.name AS contact_name, w.phone AS contact_phone,
    CASE t.state WHEN 'dispatched' THEN t.at WHEN 'in_progress' THEN t.at + interval '30 minutes'
      ELSE t.at + interval '1 day' END AS since,
    CASE WHEN NOT t.open THEN t.at + interval '2 days' END AS closed_at
  FROM timed t JOIN place p ON p.n = t.place_n JOIN leaf l ON l.n = t.leaf_n JOIN person w ON w.n = t.person_n, desk
), clock AS MATERIALIZED (
  SELECT d.id AS subject_id, d.street_id, c.name, CASE WHEN c.leads THEN d.holder_id END AS holder_id, c.budget, c.started_at,
    c.live, c.due_at, c.due_at <= now() AS over, c.next, c.rungs, c.later,
    CASE WHEN NOT c.live THEN coalesce(c.ended_at, d.closed_at, d.since) END AS stopped_at
  FROM drawn d CROSS JOIN LATERAL (VALUES
    ('sign', true, true, d.state = 'dispatched',
      '24h', d.at, d.due - interval '2 hours', true, 2, NULL::interval, d.at + interval '30 minutes'),
    ('contact', true, true, d.state IN ('dispatched', 'in_progress'),
      '24h', d.at, d.due - interval '1 hour', true, 2, NULL, d.at + interval '1 day'),
    ('handle', true, true, d.state IN ('dispatched', 'in_progress'),
      '7d', d.at, d.due, true, 2, interval '3 days', d.at + interval '1 day'),
    ('overall', false, true, d.state IN ('dispatched', 'in_progress'),
      '10d', d.at, d.due + interval '3 days', true, 1, interval '7 days', d.at + interval '1 day'),
    ('promise', false, true, d.state IN ('dispatched', 'in_progress'),
      '7d', d.at, d.due, true, 1, interval '7 days', d.at + interval '1 day'),
    ('confirm', false, d.state IN ('replied', 'closed'), d.state = 'replied',
      '7d', d.at + interval '1 day', d.due, true, 1, NULL, NULL),
    ('callback', false, true, true,
      '7d', d.at, d.due, false, 0, NULL, NULL)
  ) AS c (name, leads, exists, live, budget, started_at, due_at, next, rungs, later, ended_at)
  WHERE c.exists
), next AS (
  SELECT subject_id, min(due_at) AS due_at, min(due_at - (due_at - started_at) / 5) AS at_risk_at
  FROM clock WHERE live AND next GROUP BY subject_id
), ticket AS (
  INSERT INTO tickets_ticket (
    id, version, event_count, head, last_event_at, street_id, code, state, type, secrecy, channel, hotline_number, category_id,
    disposal_class, response_class, urgent, after_photo, compound_id, area_id, community_id, place, spot, title, text, reporter_id,
    contact_name, contact_phone, accused, committee_id, residents_committee_id, desk_id, holder_id, submitted_at, state_since, due_at,
    next_due_at, at_risk_at, policy, standard, contract_terms, closed_at,
    level, supervised, question_open, questions, disputes, reopenings, urges, cosigns, account_kind)
  SELECT d.id, 1, 1, '', d.at, d.street_id, upper(lpad(to_hex(d.i * 2654435761 %% 68719476736), 9, '0')), d.state,
    'help', 'open', 'app', '',
    d.category_id, d.disposal_class, d.response_class, d.urgent, false, d.compound_id, d.area_id, d.community_id, d.place, '',
    d.name_zh,
    d.name_zh || '，请尽快处理。编号' || d.i, d.reporter_id, d.contact_name, d.contact_phone, '{}', d.committee_id,
    d.residents_committee_id, d.desk_id, CASE WHEN d.open THEN d.holder_id END, d.at, coalesce(d.closed_at, d.since), d.due,
    CASE WHEN d.open THEN n.due_at END, CASE WHEN d.open THEN n.at_risk_at END, %(policy)s, 0, '', d.closed_at,
    CASE WHEN d.overdue THEN 2 ELSE 0 END, '', false, 0, 0, 0, 0, 0, ''
  FROM drawn d LEFT JOIN next n ON n.subject_id = d.id
), event AS (
  INSERT INTO tickets_ticketevent (id, seq, verb, source, target, on_behalf, at, visibility, data, digest, street_id, subject_id)
  SELECT uuidv7(at - now()), 1, 'submit', '', state, '', at, 'public', '{}', '', street_id, id FROM drawn
), assignment AS (
  INSERT INTO tickets_assignment (
    id, role, step, open, outcome, next_due_at, opened_at, signed_at, closed_at, return_asked, designated, organisation_id, street_id,
    ticket_id)
  SELECT uuidv7(), 'lead', 1, d.open, CASE WHEN d.open THEN '' ELSE 'done' END, CASE WHEN d.open THEN n.due_at END, d.at,
    CASE WHEN d.state <> 'dispatched' THEN d.at + interval '30 minutes' END, d.closed_at, false, false, d.holder_id, d.street_id, d.id
  FROM drawn d LEFT JOIN next n ON n.subject_id = d.id
)
INSERT INTO tickets_ticketclock (
  id, name, holder_id, epoch, budget, policy, calendar, started_at, running_since, pauses, paused, spans, pause_reason, due_at, fire_at,
  rung, breached_at, stopped_at, consumed, over, failures, error, street_id, subject_id)
SELECT uuidv7(), name, holder_id, 1, budget, %(policy)s, %(calendar)s, started_at, CASE WHEN live THEN started_at END, 0, interval '0',
  '{}',
  '', due_at, CASE WHEN live THEN CASE WHEN over THEN due_at + later ELSE due_at END END,
  -- Up to its due rung a clock has fired what comes before it; an overdue one waits for the last of its ladder, where that repeats.
  CASE WHEN NOT live THEN 0 WHEN NOT over THEN rungs WHEN name = 'handle' THEN 5 ELSE rungs + 1 END,
  CASE WHEN live AND over THEN due_at END, stopped_at, stopped_at - started_at,
  CASE WHEN NOT live THEN interval '0' END, 0, '', street_id, subject_id
FROM clock
"""
# What waits on the desks of a street and its committees, which is rare among many: once, where nothing waits there yet.
ON_DESKS = """
WITH drawn AS (
  SELECT id, committee_id, desk_id, row_number() OVER (ORDER BY hashtextextended(code, 6)) AS n
  FROM tickets_ticket WHERE state = 'dispatched' AND NOT EXISTS (SELECT FROM tickets_ticket WHERE supervised <> '')
)
UPDATE tickets_ticket AS ticket SET
  supervised = CASE WHEN n <= 60 THEN 'listed' ELSE supervised END,
  state = CASE WHEN n BETWEEN 61 AND 360 THEN 'coordinating' WHEN n BETWEEN 361 AND 420 THEN 'returning'
    WHEN n BETWEEN 461 AND 660 THEN 'on_account' ELSE state END,
  coordinator_id = CASE WHEN n BETWEEN 61 AND 360 THEN coalesce(drawn.committee_id, drawn.desk_id) END,
  extension_days = CASE WHEN n BETWEEN 421 AND 460 THEN 3 END,
  account_kind = CASE WHEN n BETWEEN 461 AND 660 THEN 'funding' ELSE account_kind END,
  account_plan_on = CASE WHEN n BETWEEN 461 AND 660 THEN now()::date + 90 END
FROM drawn WHERE drawn.id = ticket.id AND n <= 660
"""
# Each worker has sixty of what their organisation holds.
IN_HANDS = """
UPDATE tickets_assignment AS part SET worker_id = given.person_id FROM (
  SELECT member.person_id, own.id FROM community_membership AS member CROSS JOIN LATERAL (
    SELECT id FROM tickets_assignment WHERE open AND organisation_id = member.organisation_id ORDER BY next_due_at, id LIMIT 60
  ) AS own WHERE member.role = 'worker' AND member.ends_on IS NULL
) AS given WHERE given.id = part.id
"""
TABLES = ("tickets_ticket", "tickets_assignment", "tickets_ticketevent", "tickets_ticketclock")


def fill(total: int, batch: int = 20_000) -> None:
    """Bring the number of stored tickets to `total`, and let PostgreSQL look at them."""
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")
        cursor.execute("SELECT count(*) FROM tickets_ticket")
        present = cursor.fetchone()[0]
        while present < total:
            last = min(present + batch, total)
            add(present + 1, last)
            present = last
        cursor.execute(f"VACUUM ANALYZE {', '.join(TABLES)}")
        cursor.execute("SET statement_timeout = DEFAULT")


def add(first: int, last: int) -> None:
    """Insert the tickets of these numbers, both included."""
    policy, calendar = service_level.in_effect(timezone.now()).number, calendars.newest()
    with connection.cursor() as cursor:
        cursor.execute(FILL, {"first": first, "last": last, "policy": policy, "calendar": calendar})


def bring_to_desks() -> None:
    """Let some hundred open tickets be supervised, coordinated, asked back, prolonged or on account, where none is supervised yet,
    and workers have work.
    """
    with connection.cursor() as cursor:
        cursor.execute(ON_DESKS)
        cursor.execute(IN_HANDS)
        cursor.execute(f"VACUUM ANALYZE {', '.join(TABLES)}")


def stored() -> dict[str, int]:
    """How many tickets there are, and how many of them are open."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*), count(*) FILTER (WHERE closed_at IS NULL) FROM tickets_ticket")
        total, still_open = cursor.fetchone()
    return {"stored": total, "open": still_open}
