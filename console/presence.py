"""Who else is looking at a ticket: noted in Redis for less than a minute. Where Redis is away, nobody is seen."""

import logging
import uuid

import redis

from community.models import Person
from web import quick_redis
from workflow.actor import Actor

logger = logging.getLogger(__name__)

LIFE = 45
"""Seconds that a look counts. A page that is open looks again every 20."""


def look(ticket: uuid.UUID, actor: Actor) -> list[str]:
    """Note that the actor looks at the ticket now, and name the others of the actor's organisations who do.

    One statement, where there are others. Nobody reads who of another organisation looks.
    """
    assert actor.person_id is not None
    me, now = str(actor.person_id), actor.at.timestamp()
    asked = quick_redis.client().pipeline(transaction=False)
    for organisation in sorted({seat.organisation_id for seat in actor.seats}):
        name = f"linli:looking:{ticket}:{organisation}"
        asked.zadd(name, {me: now})
        asked.expire(name, LIFE)
        asked.zremrangebyscore(name, 0, now - LIFE)
        asked.zrange(name, 0, -1)
    try:
        answers = asked.execute()
    except redis.RedisError as error:
        logger.warning("Redis is away, nobody is seen: %s", type(error).__name__)
        return []
    others = {person.decode() for found in answers[3::4] for person in found} - {me}
    return list(Person.objects.filter(pk__in=others).order_by("name").values_list("name", flat=True)) if others else []
