"""The table, as Markdown that also reads well in a terminal."""

HEADS = [
    "speaker",
    "runs",
    "cold start",
    "Established → last",
    "× floor",
    "UPDATEs",
    "octets",
    "peak memory",
    "at rest",
    "CPU start",
    "CPU transfer",
    "reload 1 %",
]


def text(results):
    data = results.data
    if not data["runs"]:
        return "Nothing measured yet."
    lines = [about(data["machine"]), ""]
    lines += [f"- {name}: {version}" for name, version in data["versions"].items()]
    for shape in results.shapes():
        peers = "1 peer" if shape.peers == 1 else f"{shape.peers} peers, each"
        lines += ["", f"{shape.prefixes:,} prefixes in {data['sets']} attribute sets to {peers} with its own next hop", ""]
        lines += grid([HEADS] + [row(results, name, shape) for name in results.speakers(shape)])
        lines += notes(results, shape)
    lines += ["", "Medians. Cold start: process start → last prefix at the last peer. Established → last: of the slowest peer, the table"]
    lines += ["loaded before. UPDATEs and octets: to one peer. Peak memory: VmHWM over start and transfers, all processes; at rest: VmRSS"]
    lines += ["a second after the first transfer. CPU: all threads; start: until the last prefix of the cold start. Reload: asked for →"]
    lines += ["last change at the last peer."]
    return "\n".join(lines)


def about(machine):
    memory = machine.get("memory", 0) / 2**30
    return f"{machine.get('cpu')}, {machine.get('cores')} cores, {memory:.0f} GiB, Linux {machine.get('kernel')}, {machine.get('system')}"


def row(results, name, shape):
    def median(figure):
        return results.median(name, shape, figure)

    runs = results.runs(name, shape)
    transfer, floor = median("established_to_last"), results.median("floor", shape, "established_to_last")
    ratio = transfer / floor if transfer and floor else None
    return [
        name,
        str(len(runs)),
        seconds(median("cold_start")) or stopped_word(results, name, shape, "cold start"),
        seconds(transfer) or stopped_word(results, name, shape, "transfer"),
        "" if ratio is None else f"{ratio:.2f}" if ratio < 100 else f"{ratio:,.0f}",
        count(median("updates")),
        size(median("bytes")),
        size(median("peak_memory")),
        size(median("memory_at_rest")),
        seconds(median("cpu_cold_start")),
        seconds(median("cpu_transfer")),
        seconds(median("reload")) or stopped_word(results, name, shape, "reload"),
    ]


def stopped_word(results, name, shape, what):
    """`> 180 s` where this figure is missing since its cell passed a limit."""
    stopped = results.stopped(name, shape)
    if not stopped or not stopped.startswith(what):
        return ""
    words = stopped.removeprefix(what).strip()
    return words.replace("over", ">") if words.startswith("over") else "failed"


def notes(results, shape):
    """What a reader should know before believing a row."""
    for name in results.speakers(shape):
        if stopped := results.stopped(name, shape):
            yield f"- {name}: stopped: {stopped}"
        runs = results.runs(name, shape)
        if any(run.get("sound") is False for run in runs):
            heard = max(run.get("announced_at_start", 0) for run in runs) / shape.peers
            yield f"- {name}: what was heard at the cold start is not the table told once ({heard:,.0f} announcements a peer)"
        if any(run.get("announced", shape.prefixes) != shape.prefixes for run in runs):
            yield f"- {name}: announced {max(run.get('announced', 0) for run in runs):,.0f} prefixes to a peer in a transfer"
        changed = shape.prefixes // 100
        told = [run["reload_announced"] + run["reload_withdrawn"] for run in runs if "reload_announced" in run]
        if told and max(told) != changed:
            yield f"- {name}: {max(told):,.0f} changes on the wire a peer for the {changed:,} of the reload"


def brief(run):
    """One run in a line."""
    transfers = run.get("established_to_last") or [None]
    words = [f"cold start {seconds(run.get('cold_start')) or '–'}", f"transfer {seconds(min(transfers, key=lambda t: t or 0)) or '–'}"]
    words += [f"peak {size(run.get('peak_memory')) or '–'}", f"reload {seconds(run.get('reload')) or '–'}"]
    if run["stopped"]:
        words.append(f"stopped: {run['stopped']}")
    return ", ".join(words)


def grid(rows):
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    # The speaker to the left, figures to the right.
    lines = ["| " + " | ".join([row[0].ljust(widths[0])] + [c.rjust(w) for c, w in zip(row[1:], widths[1:])]) + " |" for row in rows]
    rule = "|" + "|".join("-" * (width + 1) + (":" if column else "-") for column, width in enumerate(widths)) + "|"
    return [lines[0], rule, *lines[1:]]


def seconds(value):
    if value is None:
        return ""
    if value < 0.001:
        return f"{value * 1e6:.0f} µs"
    return f"{value * 1000:.1f} ms" if value < 0.1 else f"{value * 1000:.0f} ms" if value < 1 else f"{value:.{value < 100:d}f} s"


def size(value):
    if value is None:
        return ""
    return f"{value / 1000:.0f} kB" if value < 1e6 else f"{value / 1e6:.1f} MB" if value < 1e8 else f"{value / 1e6:,.0f} MB"


def count(value):
    return "" if value is None else f"{value:,.0f}"
