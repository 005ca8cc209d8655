"""Prints the prices of models, whose names it reads from stdin as a JSON list: names come from
transcripts and may not fit on a command line.

The price list (the package genai-prices, which ships its data and uses no network) takes about
50 MB of memory and most of a second, so it is read in a short-lived process.
"""

import json
import sys

CALL_TOKENS = 1000
PER_MILLION = 1_000_000 / CALL_TOKENS


def price_of(model_id: str) -> dict[str, float] | None:
    """Return US dollars for a million tokens of each kind; None for an unknown model."""
    from genai_prices import Usage, calc_price  # noqa: PLC0415  # see the module

    kinds = {
        "input": Usage(input_tokens=CALL_TOKENS),
        "output": Usage(output_tokens=CALL_TOKENS),
        "cache_read": Usage(input_tokens=CALL_TOKENS, cache_read_tokens=CALL_TOKENS),
        "cache_write": Usage(input_tokens=CALL_TOKENS, cache_write_tokens=CALL_TOKENS),
    }
    try:
        return {
            kind: float(calc_price(usage, model_ref=model_id).total_price) * PER_MILLION
            for kind, usage in kinds.items()
        }
    except LookupError:
        return None


if __name__ == "__main__":
    print(json.dumps({model: price_of(model) for model in json.load(sys.stdin)}))  # noqa: T201
