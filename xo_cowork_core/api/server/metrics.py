"""Samples in the Prometheus text format."""

from collections.abc import Iterable

from xo_cowork_core.api.dependencies import Sample


def prometheus_text(samples: Iterable[Sample]) -> str:
    """Return the exposition of some samples. Blocks on the first call, for a slow import."""
    # imported here: it takes 0.1 s, which no start should pay
    from prometheus_client import CollectorRegistry, generate_latest  # noqa: PLC0415
    from prometheus_client.core import (  # noqa: PLC0415
        CounterMetricFamily,
        GaugeMetricFamily,
        Metric,
    )

    families: dict[str, CounterMetricFamily | GaugeMetricFamily] = {}
    for sample in samples:
        family = CounterMetricFamily if sample.kind == "counter" else GaugeMetricFamily
        names = [name for name, _ in sample.labels]
        metric = families.setdefault(sample.name, family(sample.name, sample.help, labels=names))
        metric.add_metric([text for _, text in sample.labels], sample.value)

    class FamilyCollector:
        def collect(self) -> Iterable[Metric]:
            return families.values()

    registry = CollectorRegistry(auto_describe=False)
    registry.register(FamilyCollector())
    return generate_latest(registry).decode()
