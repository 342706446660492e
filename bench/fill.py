"""Fill a database with plausible tickets, by SQL: for lists and indexes to have something to do.

What is filled has one event and an assignment a ticket, and no keyed chain; `verify_audit` is not for such a database.
"""

from django.db import connection

# Every third ticket lies in one compound, so that there is a largest organisation.
FILL = """
WITH place AS (
  SELECT row_number() OVER (ORDER BY (c.name = '学院路14号院') DESC, c.id) - 1 AS n, c.*, a.committee_id,
    (SELECT k.provider_id FROM community_servicecontract k
     WHERE k.kind = 'property' AND k.area_id = c.area_id AND k.starts_on <= now()::date
       AND (k.ends_on IS NULL OR k.ends_on >= now()::date) ORDER BY k.starts_on DESC LIMIT 1) AS provider_id
  FROM community_compound c JOIN community_area a ON a.id = c.area_id
), places AS (SELECT count(*) AS total FROM place),
leaf AS (
  SELECT row_number() OVER (ORDER BY code) - 1 AS n, * FROM tickets_category
  WHERE version_id = (SELECT id FROM tickets_categoryversion ORDER BY number LIMIT 1)
), leaves AS (SELECT count(*) AS total FROM leaf),
person AS (SELECT row_number() OVER (ORDER BY phone) - 1 AS n, id, name, phone FROM community_person),
people AS (SELECT count(*) AS total FROM person),
desk AS (SELECT id FROM community_organisation WHERE kind = 'section' AND function = 'property' LIMIT 1),
numbered AS (
  SELECT i, i %% 2 = 0 AS open, now() - (i %% 5000) * interval '13 minutes' AS at,
    CASE WHEN i %% 2 = 1 THEN 'closed' ELSE (ARRAY['dispatched', 'in_progress', 'replied', 'dispatched'])[1 + (i / 2) %% 4] END AS state,
    CASE WHEN i %% 3 = 0 THEN 0 ELSE i %% places.total END AS place_n, i %% leaves.total AS leaf_n, (i * 7) %% people.total AS person_n
  FROM generate_series(%(first)s::bigint, %(last)s::bigint) AS i, places, leaves, people
), ticket AS (
  INSERT INTO tickets_ticket (
    id, version, event_count, head, last_event_at, street_id, code, state, type, secrecy, channel, hotline_number, category_id,
    disposal_class, response_class, urgent, after_photo, compound_id, area_id, community_id, place, spot, title, text, reporter_id,
    contact_name, contact_phone, accused, committee_id, desk_id, holder_id, submitted_at, state_since, due_at, next_due_at, closed_at,
    level, supervised, question_open, questions, disputes, reopenings, urges, cosigns, account_kind)
  SELECT uuidv7(), 1, 1, '', n.at, p.street_id, upper(substr(md5(n.i::text), 1, 9)), n.state, 'help', 'open', 'app', '', l.id,
    l.disposal_class, l.response_class, l.urgent, false, p.id, p.area_id, p.community_id, p.name, '', l.name_zh,
    l.name_zh || '，请尽快处理。编号' || n.i, w.id, w.name, w.phone, '{}', p.committee_id, desk.id, coalesce(p.provider_id, desk.id),
    n.at, n.at, n.at + interval '7 days', CASE WHEN n.open THEN n.at + interval '7 days' END, CASE WHEN n.open THEN NULL ELSE n.at END,
    0, '', false, 0, 0, 0, 0, 0, ''
  FROM numbered n JOIN place p ON p.n = n.place_n JOIN leaf l ON l.n = n.leaf_n JOIN person w ON w.n = n.person_n, desk
  RETURNING id, street_id, state, holder_id, submitted_at, next_due_at, closed_at
), event AS (
  INSERT INTO tickets_ticketevent (
    id, seq, verb, source, target, on_behalf, at, visibility, data, digest, street_id, subject_id)
  SELECT uuidv7(), 1, 'submit', '', state, '', submitted_at, 'public', '{}', '', street_id, id FROM ticket
)
INSERT INTO tickets_assignment (
  id, role, step, open, outcome, next_due_at, opened_at, closed_at, return_asked, designated, organisation_id, street_id, ticket_id)
SELECT uuidv7(), 'lead', 1, closed_at IS NULL, CASE WHEN closed_at IS NULL THEN '' ELSE 'done' END, next_due_at, submitted_at, closed_at,
  false, false, holder_id, street_id, id FROM ticket
"""


def fill(total: int, batch: int = 20_000) -> None:
    """Bring the number of stored tickets to `total`, and let PostgreSQL look at them."""
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")
        cursor.execute("SELECT count(*) FROM tickets_ticket")
        present = cursor.fetchone()[0]
        while present < total:
            last = min(present + batch, total)
            cursor.execute(FILL, {"first": present + 1, "last": last})
            present = last
        cursor.execute("SET statement_timeout = DEFAULT")
        for table in ("tickets_ticket", "tickets_assignment", "tickets_ticketevent"):
            cursor.execute(f"VACUUM ANALYZE {table}")
