"""How fast this machine's Python is right now: a loop that never changes, so that runs can be compared."""

from benchmarks.measure import Figure, cpu_ns_each, figure

STEPS = 300_000


def loop() -> float:
    """Integer, float, list and dictionary work in about the proportions of a tick's path."""
    table: dict[int, float] = {}
    ring = [0.0] * 64
    total = 0.0
    for step in range(STEPS):
        slot = step & 63
        value = (step * 2_654_435_761 & 0xFFFF) * 0.5
        total += value - ring[slot]
        ring[slot] = value
        table[slot] = total
    return total + len(table)


def step_ns() -> float:
    """CPU nanoseconds of one step."""
    return cpu_ns_each(loop, STEPS)


def run(rounds: int) -> list[Figure]:
    """One figure: nanoseconds a step."""
    return [figure("calibration", "plain loop", [step_ns() for _ in range(rounds)], "ns/step")]
