"""How much to measure."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Plan:
    """`quick` gives a look within a minute, the rest is for numbers to write down."""

    quick: bool = False

    @property
    def repeats(self) -> int:
        return 3 if self.quick else 5

    def pick(self, whole: int, quick: int) -> int:
        return quick if self.quick else whole
