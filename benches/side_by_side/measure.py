"""One run of one cell: start a speaker, time what it tells, change the table, stop it."""

import dataclasses
import shutil
import time

from .receiver import Receiver
from .room import Daemons

POLL = 0.2
# A reload is over when nothing has changed for so long.
SILENCE = 1.5


@dataclasses.dataclass(frozen=True)
class Limits:
    """A cell that passes one of them is stopped."""

    seconds: float
    memory: float
    transfers: int


class Stopped(Exception):
    """The run ended early; the text goes into the table."""


def measure(speaker, table, shape, scratch, limits):
    """A dictionary of figures: seconds, octets and counts. `stopped` says why some are missing, if they are."""
    folder = scratch / "run"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    speaker.prepare(folder, table, shape.peers)
    daemons = Daemons(folder / "log")
    run = {"stopped": None}
    began = time.monotonic()
    try:
        with_receiver(lambda receiver: cold_start(speaker, daemons, table, shape, limits, run, receiver), table, shape, limits, True)
        time.sleep(1.0)
        run["memory_at_rest"] = daemons.memory("VmRSS")
        if not speaker.cold_start_only:
            transfers(speaker, daemons, table, shape, limits, run)
    except Stopped as stopped:
        run["stopped"] = str(stopped)
    except Exception as error:  # a broken speaker is a result, not the end of the others
        run["stopped"] = f"{type(error).__name__}: {error}"
    finally:
        if run["stopped"]:
            keep_log(folder, run)
        daemons.stop()
    run["seconds"] = time.monotonic() - began
    return run


def keep_log(folder, run):
    lines = (folder / "log").read_text(errors="replace").splitlines()
    run["log"] = lines[-5:]


def with_receiver(work, table, shape, limits, digest):
    receiver = Receiver(table, shape.peers, limits.seconds, digest)
    try:
        return work(receiver)
    finally:
        receiver.stop()


def cold_start(speaker, daemons, table, shape, limits, run, receiver):
    """Process start to the last prefix at the last peer."""
    started = time.monotonic()
    speaker.start(daemons)
    speaker.load(daemons)
    told = wait_for_all(receiver, daemons, started, limits, "cold start")
    run["cold_start"] = told["last"] - started
    run["cpu_cold_start"] = daemons.cpu_seconds()
    run["sound"] = told["digest"] == times(table.digest, shape.peers)
    run["announced_at_start"] = told["ipv4"]


def times(digest, peers):
    """The digest of what so many peers hear together."""
    return f"{int(digest, 16) * peers % 2**64:016x}"


def transfers(speaker, daemons, table, shape, limits, run):
    """Established to the last prefix, with the table long loaded; then the reload, at the peers of the last transfer."""
    run["established_to_last"], run["cpu_transfer"] = [], []
    while True:
        receiver = Receiver(table, shape.peers, limits.seconds)
        try:
            before = daemons.threads()
            told = wait_for_all(receiver, daemons, time.monotonic(), limits, "transfer")
            after = daemons.threads()
            run["established_to_last"].append(told["established_to_last"])
            run["cpu_transfer"].append(sum(seconds - before.get(thread, 0.0) for thread, seconds in after.items()))
            run["updates"], run["bytes"] = told["updates"] / shape.peers, told["bytes"] / shape.peers
            run["announced"] = told["ipv4"] / shape.peers
            run["peak_memory"] = daemons.memory("VmHWM")
            if told["established_to_last"] < 1.0 and len(run["cpu_transfer"]) < limits.transfers:
                continue
            if speaker.reloads:
                reload(speaker, daemons, table, shape, limits, run, receiver)
            return
        finally:
            receiver.stop()
            # The sessions' ends are the speaker's to see before the next begin.
            time.sleep(0.5)


def reload(speaker, daemons, table, shape, limits, run, receiver):
    """One per cent changed → the last change at the last peer."""
    speaker.write_change(table)
    asked = time.monotonic()
    speaker.reload(daemons)
    heard = dict.fromkeys(range(shape.peers), 0)
    told = withdrawn = 0
    last = quiet_since = asked
    while min(heard.values()) < table.changed or time.monotonic() - quiet_since < SILENCE:
        event = receiver.next_event(POLL)
        if event and event["event"] == "burst":
            heard[event["session"]] += event["announced"]
            told, withdrawn = told + event["announced"], withdrawn + event["withdrawn"]
            last, quiet_since = max(last, event["end"]), time.monotonic()
        elif event and event["event"] == "lost":
            raise Stopped(f"reload: session lost: {event['error']}")
        check(daemons, asked, limits, "reload")
    run["reload"] = last - asked
    run["reload_announced"], run["reload_withdrawn"] = told / shape.peers, withdrawn / shape.peers
    run["peak_memory_with_reload"] = daemons.memory("VmHWM")


def wait_for_all(receiver, daemons, since, limits, what):
    while True:
        event = receiver.next_event(POLL)
        if event and event["event"] == "all":
            if event["last"] - since > limits.seconds:
                raise Stopped(f"{what} over {limits.seconds:g} s")
            return event
        check(daemons, since, limits, what)
        if event and event["event"] == "failed":
            raise Stopped(f"{what}: {event['error']}")


def check(daemons, since, limits, what):
    if time.monotonic() - since > limits.seconds:
        raise Stopped(f"{what} over {limits.seconds:g} s")
    if daemons.memory("VmRSS") > limits.memory:
        raise Stopped(f"{what} over {limits.memory / 2**30:g} GiB")
    if fault := daemons.fault():
        raise Stopped(f"{what}: {fault}")
