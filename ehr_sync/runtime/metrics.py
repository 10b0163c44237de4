"""Prometheus' text, made from the database at each scrape: right whichever process answers, and after a restart.

https://prometheus.io/docs/instrumenting/exposition_formats/
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeHistogramMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.registry import Collector

from ehr_sync.core.clock import Stopwatch
from ehr_sync.core.figures import PUSH_BUCKETS, Figures
from ehr_sync.core.flow import Flow
from ehr_sync.core.kept import kept
from ehr_sync.core.wellness import complaints

CONTENT_TYPE: Final = CONTENT_TYPE_PLAIN_0_0_4
_KEPT_SECONDS: Final = 5.0  # anybody may scrape: however often, the database is asked this seldom


def scraper(figures: Callable[[], Figures], stopwatch: Stopwatch) -> Callable[[], bytes]:
    """A function that gives the text; threads may share it. Raises what `figures` raises."""
    return kept(lambda: exposition(figures()), _KEPT_SECONDS, stopwatch)


def exposition(figures: Figures) -> bytes:
    """The figures as Prometheus' text format 0.0.4."""
    registry = CollectorRegistry()
    registry.register(_Fixed(tuple(_families(figures))))
    return generate_latest(registry)


class _Fixed(Collector):
    def __init__(self, families: tuple[Metric, ...]) -> None:
        self._families = families

    def collect(self) -> Iterable[Metric]:
        return self._families


def _families(figures: Figures) -> Iterator[Metric]:
    yield _gauge("submissions_5m", "Submissions of the last 5 minutes", (), [((), figures.recent_submissions)])
    yield _gauge("claims", "Identity claims by verdict", ("state",), [((s,), n) for s, n in figures.claims.items()])
    text = "Facilities that tried a number too often, once for each number"
    yield _gauge("locked_out", text, (), [((), figures.locked_out)])
    yield _gauge("lanes", "Lanes in motion or in trouble", ("destination", "state"), figures.lanes.items())
    ages = [((destination,), age) for destination, age in figures.oldest_seconds.items()]
    yield _gauge("oldest_lane_seconds", "Age of the lane longest behind", ("destination",), ages)
    fenced = [((destination,), float(so)) for destination, so in figures.fenced.items()]
    yield _gauge("book_fenced", "Whether the book turns away a wrong ifMatch", ("destination",), fenced)
    paused = [((destination,), float(so)) for destination, so in figures.paused.items()]
    yield _gauge("book_paused", "Whether nothing is sent to the book", ("destination",), paused)
    unfit = "Deciding rows found in the last 5 minutes that do not fit their seal"
    yield _gauge("edges_unfit_5m", unfit, (), [((), figures.recent_unfit_edges)])
    outcomes = figures.recent_deliveries.items()
    yield _gauge("deliveries_5m", "Deliveries of the last 5 minutes", ("destination", "outcome"), outcomes)
    text = "Of a hundred standing records, as measured within the hour; place: a facility, or none for the city"
    yield _gauge("quality_percent", text, ("place", "axis"), figures.quality.items())
    yield _pushes(figures)
    refused = CounterMetricFamily("ehr_sync_refusals", "Requests refused, by reason", labels=("reason",))
    for reason, count in sorted(figures.refusals.items()):
        refused.add_metric((reason,), count)
    yield refused
    yield from _flow(figures.flow)
    wrong = complaints(figures)
    yield _gauge("well", "Whether nothing is wrong", (), [((), float(not wrong))])
    counted = Counter(each.code for each in wrong)
    yield _gauge("complaints", "What is not well, by code", ("code",), [((code,), n) for code, n in counted.items()])


def _flow(flow: Flow) -> Iterator[Metric]:
    ages = [((stage,), age) for stage, age in flow.oldest.items()]
    yield _gauge("oldest_seconds", "Age of the oldest of a stage", ("stage",), ages)
    took = [(("0.5",), flow.freshness.p50), (("0.95",), flow.freshness.p95)] if flow.freshness else []
    yield _gauge("freshness_seconds_1h", "From received to in the book, of the last hour", ("quantile",), took)
    for name, hours in (("accepted", flow.accepted), ("refused", flow.refused), ("delivered", flow.delivered)):
        for window, count in (("1h", hours[-1]), ("24h", sum(hours))):
            yield _gauge(f"{name}_{window}", f"Dossiers or pushes {name} within {window}", (), [((), count)])
    yield _gauge("claims_not_proven", "Claims that wait", ("state", "reason"), flow.claims.items())
    yield _gauge("lanes_late", "Lanes in trouble or waiting", ("state", "reason"), flow.lanes.items())
    yield _gauge("schedulers", "Schedulers that live", (), [((), flow.schedulers)])
    yield _gauge(
        "audit_unanchored_seconds", "Age of the oldest entry without a checkpoint", (), [((), flow.unanchored_seconds)]
    )


def _gauge(name: str, text: str, labels: tuple[str, ...], values: Iterable[tuple[Sequence[str], float]]) -> Metric:
    family = GaugeMetricFamily(f"ehr_sync_{name}", text, labels=labels)
    for names, value in sorted(values):
        family.add_metric(names, value)
    return family


def _pushes(figures: Figures) -> Metric:
    text = "Time taken by the pushes of the last 5 minutes that arrived"
    family = GaugeHistogramMetricFamily("ehr_sync_push_seconds_5m", text, labels=("destination",))
    bounds = [*(str(bound) for bound in PUSH_BUCKETS), "+Inf"]
    for destination, counts in sorted(figures.recent_push_counts.items()):
        buckets = list(zip(bounds, counts, strict=True))
        family.add_metric((destination,), buckets, gsum_value=figures.recent_push_seconds[destination])
    return family
