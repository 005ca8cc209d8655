"""One row of the table: the measured value, its target and its baseline."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from statistics import quantiles

HEADS = ("row", "measured", "target", "", "baseline in this run", "ratio", "load", "note")


@dataclass(frozen=True, slots=True)
class Target:
    """A limit and the direction in which it counts as reached."""

    limit: float
    at_least: bool = False

    def reached(self, value: float) -> bool:
        return value >= self.limit if self.at_least else value <= self.limit


@dataclass(frozen=True, slots=True)
class Baseline:
    """A value of the same machine in the same run without the server."""

    name: str
    value: float


@dataclass(frozen=True, slots=True)
class Row:
    """A measurement. `value` is None when it failed; `note` then gives the reason.

    `load` is the load of the machine at that moment.
    """

    name: str
    unit: str
    value: float | None = None
    target: Target | None = None
    baseline: Baseline | None = None
    exact: bool = True
    note: str = ""
    load: float | None = None

    @property
    def verdict(self) -> str:
        if self.value is None:
            return "not measured"
        if not self.exact:
            return "not reached"
        if self.target is None:
            return ""
        return "reached" if self.target.reached(self.value) else "not reached"

    @property
    def ratio(self) -> float | None:
        if self.value is None or self.baseline is None or not self.baseline.value:
            return None
        return self.value / self.baseline.value

    def record(self) -> dict[str, object]:
        """Return the row as it is written to the JSON file."""
        return {**asdict(self), "verdict": self.verdict, "ratio": self.ratio}

    def cells(self) -> tuple[str, ...]:
        """Return the row's cells as they are printed."""
        ratio = self.ratio
        return (
            self.name,
            "-" if self.value is None else f"{number(self.value)} {self.unit}",
            self._target(),
            self.verdict,
            f"{number(self.baseline.value)} {self.baseline.name}" if self.baseline else "",
            "" if ratio is None else f"{ratio:.2f}",
            "" if self.load is None else f"{self.load:.1f}",
            self.note if self.exact else f"CONTENT WRONG {self.note}".rstrip(),
        )

    def _target(self) -> str:
        if self.target is None:
            return ""
        return f"{'≥' if self.target.at_least else '≤'} {number(self.target.limit)} {self.unit}"


def number(value: float) -> str:
    """Format a number with its significant digits."""
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def percentile95(values: Sequence[float]) -> float:
    return float(quantiles(values, n=20, method="inclusive")[-1])


def table(rows: Sequence[Row]) -> str:
    """Align rows under their column titles."""
    cells = [HEADS, *(row.cells() for row in rows)]
    widths = [max(len(line[column]) for line in cells) for column in range(len(HEADS))]
    lines = [
        "  ".join(text.ljust(w) for text, w in zip(line, widths, strict=True)) for line in cells
    ]
    return "\n".join(line.rstrip() for line in lines)
