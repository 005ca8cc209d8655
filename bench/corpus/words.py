"""Invented words, texts, tool output and ids, the same for the same seed."""

import random
import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import accumulate

SYLLABLES = ("ba", "ce", "di", "fo", "gu", "ka", "le", "mi", "no", "pu", "ra", "se", "ti", "vo")
SEED = 20261124
PROSE_WORDS = 270
PROSE_CALLS = 0.1
Line = dict[str, object]


class Words:
    """Draws everything from one seed."""

    def __init__(self, seed: int = SEED) -> None:
        self._random = random.Random(seed)
        self.all = ["".join(self._random.choices(SYLLABLES, k=n % 3 + 2)) for n in range(4000)]
        weights = [1 / (n + 8) for n in range(len(self.all))]
        self._texts = [
            " ".join(self._random.choices(self.all, weights, k=self._random.randint(8, 90)))
            for _ in range(3000)
        ]
        self.long = " ".join(self._random.choices(self.all, k=9000))
        self._outputs = [
            self.long[start : start + int(self._random.lognormvariate(7.2, 1.0))].replace(
                " ", "\n", 20
            )
            for start in (self._random.randrange(len(self.long) // 2) for _ in range(500))
        ]

    def text(self) -> str:
        """Return the text of one message."""
        return self._random.choice(self._texts)

    def output(self) -> str:
        """Return the output of a tool."""
        return self._random.choice(self._outputs)

    def calls(self) -> int:
        """Return how many tools a turn calls."""
        return 1 + self._random.randrange(4)

    def one_of(self, names: Sequence[str]) -> str:
        return self._random.choice(names)

    def number(self, most: int) -> int:
        return self._random.randrange(most)

    def between(self, low: float, high: float) -> float:
        return self._random.uniform(low, high)

    def shuffled(self, names: Sequence[str]) -> list[str]:
        return self._random.sample(names, len(names))

    def code(self, letters: int) -> str:
        """Return random hexadecimal digits, for encrypted content."""
        return f"{self._random.getrandbits(4 * letters):0{letters}x}"

    def new_uuid(self) -> str:
        return str(uuid.UUID(int=self._random.getrandbits(128), version=4))


class ProseWords(Words):
    """Draws long texts that don't repeat, from a large vocabulary, and few tool calls."""

    def __init__(self, seed: int = SEED) -> None:
        super().__init__(seed)
        draw = self._random
        known = {"".join(draw.choices(SYLLABLES, k=n % 4 + 2)): None for n in range(40_000)}
        self.all = list(known)
        self._totals = list(accumulate(1 / (n + 8) for n in range(len(self.all))))

    def text(self) -> str:
        count = self._random.randint(10, PROSE_WORDS)
        return " ".join(self._random.choices(self.all, cum_weights=self._totals, k=count))

    def calls(self) -> int:
        return int(self._random.random() < PROSE_CALLS)


class SessionClock:
    """A clock that advances by the time of a model call or a tool."""

    def __init__(self, words: Words, started_at: datetime) -> None:
        self._words = words
        self.now = started_at

    def tick(self) -> str:
        """Advance the clock; return the time in ISO 8601."""
        self.now += timedelta(milliseconds=40 + self._words.number(9000))
        return self.now.isoformat(timespec="milliseconds").replace("+00:00", "Z")

    @property
    def milliseconds(self) -> int:
        return int(self.now.timestamp() * 1000)
