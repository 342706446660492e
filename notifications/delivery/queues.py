"""Which delivery a channel without rate limits takes next: a part of the SQL statement that claims it.

`notifications/delivery/claim.py` puts it into that statement, which defines `passed_over`: the receivers that are sent
nothing now.
"""

AT_SHARE = """
  SELECT recipient FROM notifications_delivery
  WHERE channel = %(channel)s AND state = 'sending' AND lease_until > statement_timestamp()
  GROUP BY recipient HAVING count(*) >= %(share)s
"""
"""Receivers with as many deliveries under way as they may have, so that a receiver that hangs does not take every slot."""
# One index lookup per street, up to the first street with something due; there the first delivery that is not locked. The streets up
# to the street that was served last come after the others.
IN_TURN = """
  SELECT due.id FROM (VALUES
    (%(urgent)s, %(after)s), (%(urgent)s, %(start)s), (NOT %(urgent)s, %(else_after)s), (NOT %(urgent)s, %(start)s)
  ) part (urgent, after) CROSS JOIN LATERAL (
    WITH RECURSIVE head AS (
      SELECT part.after AS street_id, NULL::timestamptz AS available_at
      UNION ALL
      SELECT following.* FROM head CROSS JOIN LATERAL (
        SELECT street_id, available_at FROM notifications_delivery d
        WHERE channel = %(channel)s AND state = 'queued' AND d.urgent = part.urgent AND d.street_id > head.street_id
        ORDER BY street_id, available_at LIMIT 1
      ) following
    )
    SELECT street_id FROM head WHERE available_at <= statement_timestamp() LIMIT 1
  ) first CROSS JOIN LATERAL (
    SELECT id FROM notifications_delivery d
    WHERE channel = %(channel)s AND state = 'queued' AND d.urgent = part.urgent AND d.street_id >= first.street_id
      AND available_at <= statement_timestamp() AND recipient NOT IN (SELECT recipient FROM passed_over)
    ORDER BY street_id, available_at, id LIMIT 1 FOR UPDATE SKIP LOCKED
  ) due LIMIT 1
"""
"""Urgent deliveries first, except at every eighth claim. Streets take turns; within a street the longest wait is first."""

# The first delivery of each receiver is found by one index lookup, however many wait: each lookup starts after the receiver before.
# An urgent delivery that waits for its retry hides those that are not urgent, so they are looked up separately.
BY_RECEIVER = """
  SELECT id FROM notifications_delivery WHERE state = 'queued' AND id = (
    WITH RECURSIVE head AS (
      SELECT '00000000-0000-0000-0000-000000000000'::uuid AS recipient, NULL::uuid AS id, NULL::bool AS urgent,
        NULL::timestamptz AS available_at
      UNION ALL
      SELECT following.* FROM head CROSS JOIN LATERAL (
        SELECT recipient, id, urgent, available_at FROM notifications_delivery d
        WHERE channel = %(channel)s AND state = 'queued' AND d.recipient > head.recipient
        ORDER BY recipient, urgent DESC, available_at, id LIMIT 1
      ) following
    )
    SELECT due.id FROM head CROSS JOIN LATERAL (
      SELECT head.id, head.urgent, head.available_at WHERE head.available_at <= statement_timestamp()
      UNION ALL
      (SELECT id, urgent, available_at FROM notifications_delivery d
      WHERE head.urgent AND head.available_at > statement_timestamp() AND channel = %(channel)s AND state = 'queued'
        AND d.recipient = head.recipient AND NOT urgent AND available_at <= statement_timestamp()
      ORDER BY available_at, id LIMIT 1)
    ) due
    WHERE head.recipient NOT IN (SELECT recipient FROM passed_over)
    ORDER BY due.urgent DESC, due.available_at, due.id LIMIT 1
  ) FOR UPDATE SKIP LOCKED
"""
"""Urgent deliveries first, then the longest wait. The cost grows with the receivers in the queue, not with its length."""
