"""One row of the table: what was measured, what was asked for, what it stands beside."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from statistics import median, quantiles

HEADS = ("row", "measured", "target", "", "baseline in this run", "ratio", "load", "note")


@dataclass(frozen=True, slots=True)
class Target:
    """A limit, with the side on which it is reached."""

    limit: float
    at_least: bool = False

    def reached(self, value: float) -> bool:
        return value >= self.limit if self.at_least else value <= self.limit


@dataclass(frozen=True, slots=True)
class Baseline:
    """What the same machine did in the same run without the thing that is measured."""

    name: str
    value: float


@dataclass(frozen=True, slots=True)
class Row:
    """A measurement. `value` None: it could not be made, `note` says why. `load` is the machine's
    when it was made."""

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
        """Return it as it goes into the JSON file."""
        return {**asdict(self), "verdict": self.verdict, "ratio": self.ratio}

    def cells(self) -> tuple[str, ...]:
        """Return it as it is printed."""
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
    """Write a number with as many digits as mean something."""
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def middle(values: Sequence[float]) -> float:
    return float(median(values))


def percentile95(values: Sequence[float]) -> float:
    return float(quantiles(values, n=20, method="inclusive")[-1])


def table(rows: Sequence[Row]) -> str:
    """Align rows under their heads."""
    cells = [HEADS, *(row.cells() for row in rows)]
    widths = [max(len(line[column]) for line in cells) for column in range(len(HEADS))]
    lines = [
        "  ".join(text.ljust(w) for text, w in zip(line, widths, strict=True)) for line in cells
    ]
    return "\n".join(line.rstrip() for line in lines)
