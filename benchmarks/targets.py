"""Numbers beside their targets: what must be reached, and what is dreamt of."""

from dataclasses import dataclass
from math import inf

import numpy as np

Range = tuple[float, float]  # lowest and highest number that will do


@dataclass(frozen=True)
class Target:
    """Say which numbers will do, and which would be splendid."""

    must: Range
    moonshot: Range


def at_least(must: float, moonshot: float) -> Target:
    """Set a target that more is better for."""
    return Target((must, inf), (moonshot, inf))


def at_most(must: float, moonshot: float) -> Target:
    """Set a target that less is better for."""
    return Target((-inf, must), (-inf, moonshot))


def within(must: Range, moonshot: Range) -> Target:
    """Set a target with too little on one side and too much on the other."""
    return Target(must, moonshot)


def compare(values: dict[str, list[float]], targets: dict[str, Target]) -> list[dict]:
    """Set each mean beside its target."""
    rows = []
    for what, some in values.items():
        value, target = float(np.mean(some)), targets[what]
        rows.append(
            {
                "what": what,
                "value": value,
                "each": some,
                "must": _say(target.must),
                "moonshot": _say(target.moonshot),
                "met": bool(target.must[0] <= value <= target.must[1]),
                "moonshot met": bool(target.moonshot[0] <= value <= target.moonshot[1]),
            }
        )
    return rows


def print_rows(rows: list[dict]) -> None:
    """Print values, targets, and how far the values of seeds, pieces or runs lie apart."""
    print(f"\n{'':52}{'value':>9}  {'must':<14}{'moonshot':<14}smallest and largest")
    for row in rows:
        verdict = "" if row["met"] else "  missed"
        verdict = "  moonshot" if row["moonshot met"] else verdict
        print(
            f"{row['what']:52}{row['value']:9.3f}  {row['must']:<14}{row['moonshot']:<14}"
            f"{min(row['each']):.3f} {max(row['each']):.3f}{verdict}"
        )


def _say(goal: Range) -> str:
    """Write a range as people do."""
    low, high = goal
    if high == inf:
        return f">= {low:g}"
    return f"<= {high:g}" if low == -inf else f"{low:g} to {high:g}"
