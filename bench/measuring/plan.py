"""How much to measure."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Plan:
    """Sample sizes: `quick` finishes within a minute, the others give numbers to quote."""

    quick: bool = False

    @property
    def repeats(self) -> int:
        return 3 if self.quick else 5

    def pick(self, whole: int, quick: int) -> int:
        return quick if self.quick else whole
