"""Which delivery a channel takes next whose receivers have no limits, as the statement that finds and locks it.

It is a part of the statement that claims (notifications/deliver.py), and knows `passed_over`: who is sent nothing just now.
"""

IN_ORDER = """
  SELECT id FROM notifications_delivery
  WHERE channel = %(channel)s AND state = 'queued' AND available_at <= statement_timestamp()
    AND recipient <> ALL (ARRAY(SELECT recipient FROM passed_over))
  ORDER BY urgent DESC, available_at, id LIMIT 1 FOR UPDATE SKIP LOCKED
"""
"""The urgent first, then what has waited longest."""

# The first of each receiver is found by one look into the index, however much stands behind it: each look begins behind the receiver
# before. An urgent one that waits for its next attempt hides what is not urgent, which is then looked for.
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
    WHERE head.recipient <> ALL (ARRAY(SELECT recipient FROM passed_over))
    ORDER BY due.urgent DESC, due.available_at, due.id LIMIT 1
  ) FOR UPDATE SKIP LOCKED
"""
"""The same, past any number of deliveries for receivers that are passed over; it costs as many looks as receivers have something queued."""
