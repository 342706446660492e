"""`/metrics`: how far Linli is behind its deadlines and with its messages, in Prometheus's text form.

Every figure is read from the database when it is asked for: it is the same whichever process answers, and none is lost with one.
"""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import Error, connection
from django.db.models import Count, Q
from django.db.models.functions import Now
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.crypto import constant_time_compare
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import CollectorRegistry, Metric
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector
from psycopg_pool import PoolTimeout

from casework.kinds import Kind, kinds
from casework.lag import clock_lag
from config.health import outbox
from notifications.delivery import standing
from workflow.models import Subject

_S = timedelta(seconds=1)
LAGS = (("0-2", 0 * _S, 2 * _S), ("2-10", 2 * _S, 10 * _S), ("10-60", 10 * _S, 60 * _S), ("60+", 60 * _S, None))
"""By how much rungs are late, in buckets: from and up to."""
# The ids are in the order of time, so that the last hour is the end of their index.
_FIRED = """
SELECT count(*), percentile_cont(ARRAY[0.5, 0.99]) WITHIN GROUP (ORDER BY extract(epoch FROM fired_at - due_at))
FROM ({firings}) AS fired
WHERE id >= (SELECT uuidv7(interval '-61 minutes')) AND fired_at > now() - interval '1 hour'
"""


@never_cache
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """The figures, for the holder of the token; open where there is none, but in production then it is no address at all."""
    if not settings.METRICS_TOKEN and settings.PRODUCTION:
        raise Http404
    given = request.headers.get("Authorization", "")
    if settings.METRICS_TOKEN and not constant_time_compare(given, f"Bearer {settings.METRICS_TOKEN}"):
        return _plain("A token is needed.\n", 401, {"WWW-Authenticate": "Bearer"})
    registry = CollectorRegistry()
    encode, content_type = choose_encoder(request.headers.get("Accept", ""))
    registry.register(Figures())
    try:
        return HttpResponse(encode(registry), content_type=content_type)
    except (Error, PoolTimeout):
        return _plain("The database does not answer, or a migration waits.\n", 503, {"Retry-After": "5"})


def _plain(words: str, status: int, headers: dict[str, str]) -> HttpResponse:
    return HttpResponse(words, status=status, content_type="text/plain; charset=utf-8", headers=headers)


class Figures(Collector):
    """What the database says at this moment."""

    def collect(self) -> Iterator[Metric]:
        """Clocks and their sweeps, the outbox, the post, and what each kind of subject counts of its own."""
        yield from _clocks()
        yield from _fired()
        yield from _outbox()
        yield from _post()
        for kind in kinds():
            yield from kind.figures()

    def describe(self) -> list[Metric]:
        """Nothing beforehand: registering asks the database nothing."""
        return []


def _clocks() -> Iterator[Metric]:
    lag = clock_lag()
    waiting = GaugeMetricFamily("linli_rungs_waiting", "Rungs that are due and not fired.", labels=["late_seconds"])
    for name, count in _waiting().items():
        waiting.add_metric([name], count)
    yield waiting
    yield GaugeMetricFamily(
        "linli_rungs_oldest_due_seconds", "For how long the oldest of them is due.", lag.oldest_due or 0.0
    )
    swept = GaugeMetricFamily("linli_sweep_age_seconds", "Since the last sweep; missing where there was none.")
    if lag.sweep_age is not None:
        swept.add_metric([], lag.sweep_age)
    yield swept
    yield GaugeMetricFamily("linli_clocks_failing", "Clocks whose rung could not be fired; tried again.", lag.failing)


def _waiting() -> dict[str, int]:
    """How many rungs are due, by how late they are."""
    buckets = {
        name: Count("id", filter=Q(fire_at__lte=Now() - low) & (Q(fire_at__gt=Now() - high) if high else Q()))
        for name, low, high in LAGS
    }
    found = dict.fromkeys(buckets, 0)
    for kind in kinds():
        rows: Any = kind.model.CLOCKS._base_manager
        for name, count in rows.filter(fire_at__lte=Now()).aggregate(**buckets).items():
            found[name] += count
    return found


def _fired() -> Iterator[Metric]:
    with connection.cursor() as cursor:
        cursor.execute(_FIRED.format(firings=" UNION ALL ".join(map(_firings, kinds()))))
        count, quantiles = cursor.fetchone()
    yield GaugeMetricFamily("linli_rungs_fired_last_hour", "Rungs fired in the last hour.", count)
    lags = GaugeMetricFamily(
        "linli_rungs_fired_late_seconds", "How late those of the last hour were fired.", labels=["quantile"]
    )
    for name, value in zip(("0.5", "0.99"), quantiles or (), strict=False):
        lags.add_metric([name], float(value))
    yield lags


def _firings[S: Subject](kind: Kind[S]) -> str:
    table = connection.ops.quote_name(kind.model.FIRINGS._meta.db_table)
    return f"SELECT id, due_at, fired_at FROM {table}"  # noqa: S608 - the table's name is the code's own


def _outbox() -> Iterator[Metric]:
    rows = sum(kind.model.OUTBOX._base_manager.count() for kind in kinds())
    yield GaugeMetricFamily("linli_outbox_rows", "Events that wait to be told.", rows)
    age = outbox().get("oldest_age_seconds")
    yield GaugeMetricFamily(
        "linli_outbox_oldest_age_seconds", "For how long the oldest of them has waited.", age or 0.0
    )


def _post() -> Iterator[Metric]:
    known, counted = standing.set_up(), standing.counts()
    deliveries = GaugeMetricFamily(
        "linli_deliveries", "Deliveries that wait, are under way, or failed for good.", labels=["channel", "state"]
    )
    for (channel, state), number in counted.items():
        deliveries.add_metric([channel, state], number)
    yield deliveries
    stranded = sum(number for (channel, state), number in counted.items() if state == "queued" and channel not in known)
    yield GaugeMetricFamily(
        "linli_deliveries_stranded", "Deliveries that wait for a channel that is not set up.", stranded
    )
    yield GaugeMetricFamily(
        "linli_webhooks_failing", "Webhooks that have done nothing but fail for minutes.", standing.failing_webhooks()
    )
    oldest = GaugeMetricFamily(
        "linli_delivery_oldest_due_seconds", "For how long the oldest of them is due.", labels=["channel"]
    )
    for channel, age in standing.oldest_due().items():
        oldest.add_metric([channel], age)
    yield oldest
    age_of_round = GaugeMetricFamily(
        "linli_post_round_age_seconds", "Since somebody looked for deliveries; missing where nobody did."
    )
    if (since := standing.round_age()) is not None:
        age_of_round.add_metric([], since)
    yield age_of_round
    number_sent = GaugeMetricFamily(
        "linli_deliveries_sent_last_hour", "Deliveries sent in the last hour.", labels=["channel"]
    )
    taken = GaugeMetricFamily(
        "linli_delivery_seconds", "From due to sent, for those of the last hour.", labels=["channel", "quantile"]
    )
    for channel, sent in standing.sent().items():
        number_sent.add_metric([channel], sent.number)
        taken.add_metric([channel, "0.5"], sent.median)
        taken.add_metric([channel, "0.99"], sent.slowest)
    yield number_sent
    yield taken
