"""One prefix in a hundred changes: how soon the last change is at the peer, and that nothing else is said."""

import statistics
import time

from side_by_side.receiver import Receiver

from .bench import Figure, mib, ms

OVER_LOAD = 0.050
SILENCE = 1.0


def figures(bench):
    table = bench.table(1_000_000)
    over, loads, said = [], [], set()
    with bench.peeringd(table, 1) as run:
        receiver = Receiver(table, 1, 600)
        try:
            event = receiver.next_event(60)
            if not event or event["event"] != "all":
                raise RuntimeError(f"transfer: {event}")
            for turn in range(bench.arguments.runs):
                # There and back again.
                name = "table" if turn % 2 else "after"
                run.speaker.write_rib(table, name)
                asked = time.monotonic()
                run.speaker.reload(run.daemons)
                end, announced, withdrawn = changes(receiver, table)
                load = run.loads()[-1]
                over.append(end - asked - load)
                loads.append(load)
                said.add((announced, withdrawn))
        finally:
            receiver.stop()
        memory = (run.daemons.memory("VmRSS"), run.daemons.memory("VmHWM"))
    worst = statistics.median(over)
    yield Figure(f"{table.prefixes:,} prefixes, 1 % changed: last change at the peer, over the load's {ms(statistics.median(loads))}",
                 ms(OVER_LOAD), ms(worst), worst <= OVER_LOAD)
    yield Figure("prefixes announced, withdrawn a reload", f"{table.changed:,}, 0", "; ".join(f"{a:,}, {w:,}" for a, w in sorted(said)),
                 said == {(table.changed, 0)})
    yield Figure(f"after {bench.arguments.runs} reloads: VmRSS; VmHWM", "64 MiB; 200 MiB", "; ".join(map(mib, memory)),
                 memory[0] <= 64 * 2**20 and memory[1] <= 200 * 2**20)


def changes(receiver, table):
    """What came until all was quiet: when its last came, prefixes announced, prefixes withdrawn."""
    announced = withdrawn = 0
    end = None
    quiet_since = time.monotonic()
    while announced < table.changed or time.monotonic() - quiet_since < SILENCE:
        event = receiver.next_event(0.1)
        if event and event["event"] == "burst":
            announced, withdrawn = announced + event["announced"], withdrawn + event["withdrawn"]
            end, quiet_since = event["end"], time.monotonic()
        elif event:
            raise RuntimeError(f"reload: {event}")
        if time.monotonic() - quiet_since > 30:
            raise TimeoutError(f"reload: {announced} of {table.changed} announced")
    return end, announced, withdrawn
