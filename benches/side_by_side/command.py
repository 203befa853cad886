"""The command: what to measure, in which order, and what to print."""

import argparse
import os
import pathlib
import signal
import subprocess
import sys

from . import machine, picture, report, room
from .measure import Limits, measure
from .results import Results
from .speakers import SPEAKERS
from .tables import Shape, Tables

BENCHES = pathlib.Path(__file__).resolve().parent.parent
PRODUCT = BENCHES.parent
DEFAULT_SHAPES = "1Mx1,1Mx10,100kx10,100kx100"
QUICK_SHAPES = "20kx1,5kx10,1kx100"


def main():
    arguments = parse(sys.argv[1:])
    if os.environ.get(room.MARK):
        return inside(arguments)
    if not arguments.report_only:
        build(arguments)
    command = [sys.executable, str(BENCHES / "side-by-side"), *sys.argv[1:]]
    return room.run_inside(command, "side-by-side-", outside=arguments.report_only)


def parse(words):
    parser = argparse.ArgumentParser(
        prog="side-by-side",
        description="Measures peeringd, the floor (ready-made bytes), BIRD, FRR, GoBGP and OpenBGPD on the same table with the same"
        " receiver, turn by turn, and prints one table. Everything runs in network, mount and process namespaces of its own.",
    )
    parser.add_argument("--speakers", default=",".join(SPEAKERS), metavar="A,B", help="of: %(default)s")
    parser.add_argument("--shapes", metavar="PREFIXESxPEERS,…", help=f"for every speaker; default {DEFAULT_SHAPES}, each speaker"
                        " those that README.md here names; 1M and 100k are understood")
    parser.add_argument("--sets", type=int, metavar="N", help="attribute sets (default 500; 50 with --quick)")
    parser.add_argument("--rounds", type=int, metavar="N", help="runs of a cell (default 5; 1 with --quick)")
    parser.add_argument("--transfers", type=int, metavar="N", help="transfers of a run that are timed, if one takes"
                        " less than a second (default 3; 1 with --quick); of slower ones: 1")
    parser.add_argument("--limit-seconds", type=float, metavar="S", help="a cell that takes longer is stopped (default 180; 40 with"
                        " --quick)")
    parser.add_argument("--limit-memory", type=float, default=12.0, metavar="GIB", help="likewise (default %(default)s)")
    parser.add_argument("--cell-budget", type=float, default=240.0, metavar="S", help="a cell that has taken so long in all is not run"
                        " again (default %(default)s)")
    parser.add_argument("--quick", action="store_true", help=f"small tables ({QUICK_SHAPES}), one round: under two minutes")
    parser.add_argument("--results", type=pathlib.Path, metavar="FILE", help="JSON; cells in it are not measured again (default:"
                        " target/side-by-side.json; with --quick: none)")
    parser.add_argument("--fresh", action="store_true", help="forget what is in the results file")
    parser.add_argument("--report-only", action="store_true", help="print what the results file holds, measure nothing")
    parser.add_argument("--svg", type=pathlib.Path, metavar="FILE", help="write the picture")
    parser.add_argument("--peeringd", type=pathlib.Path, metavar="PATH", help="default: target/release/peeringd, built first")
    arguments = parser.parse_args(words)
    arguments.speakers = arguments.speakers.split(",")
    for name in arguments.speakers:
        if name not in SPEAKERS:
            parser.error(f"no such speaker: {name}")
    try:
        text = arguments.shapes or (QUICK_SHAPES if arguments.quick else DEFAULT_SHAPES)
        shapes = [Shape.parse(word) for word in text.split(",")]
    except ValueError as error:
        parser.error(str(error))
    everywhere = bool(arguments.shapes) or arguments.quick
    arguments.plan = {name: [shape for shape in shapes if SPEAKERS[name].wants(shape, everywhere)] for name in arguments.speakers}
    arguments.sets = arguments.sets or (50 if arguments.quick else 500)
    arguments.rounds = arguments.rounds or (1 if arguments.quick else 5)
    arguments.transfers = arguments.transfers or (1 if arguments.quick else 3)
    arguments.limit_seconds = arguments.limit_seconds or (40.0 if arguments.quick else 180.0)
    if arguments.results is None and not arguments.quick:
        arguments.results = PRODUCT / "target" / "side-by-side.json"
    arguments.peeringd_given = arguments.peeringd is not None
    if arguments.peeringd_given and not arguments.peeringd.exists():
        parser.error(f"no such file: {arguments.peeringd}")
    arguments.peeringd = (arguments.peeringd or PRODUCT / "target" / "release" / "peeringd").resolve()
    return arguments


def build(arguments):
    """Outside the room, where cargo finds its registry."""
    cargo = ["cargo", "build", "--release", "--quiet", "--manifest-path"]
    subprocess.run([*cargo, str(BENCHES / "receiver" / "Cargo.toml")], check=True)
    if not arguments.peeringd_given and any(name.startswith("peeringd") for name in arguments.speakers):
        subprocess.run([*cargo, str(PRODUCT / "Cargo.toml")], check=True)


def inside(arguments):
    signal.signal(signal.SIGTERM, room.interrupted)
    results = Results(arguments.results, fresh=arguments.fresh)
    finished = True
    try:
        if not arguments.report_only:
            run(arguments, results, pathlib.Path(os.environ[room.MARK]))
    except KeyboardInterrupt:
        finished = False
        print("\ninterrupted; what was measured so far:", file=sys.stderr)
    print(report.text(results))
    if arguments.svg:
        drawn = picture.draw(results)
        if drawn is None:
            print("nothing measured that a picture could show", file=sys.stderr)
            return 1
        arguments.svg.write_text(drawn)
    return 0 if finished else 1


def run(arguments, results, scratch):
    room.furnish()
    tables = Tables(BENCHES / "receiver" / "target" / "release", scratch, arguments.sets)
    limits = Limits(arguments.limit_seconds, arguments.limit_memory * 2**30, arguments.transfers)
    speakers = {}
    for name in arguments.speakers:
        speaker = SPEAKERS[name](arguments.peeringd)
        version = speaker.version()
        if version is None:
            print(f"{name}: not installed, left out", file=sys.stderr)
            continue
        speakers[name] = speaker
        results.forget_other_versions(name, version, arguments.sets)
    results.about(machine.describe())
    # Turn by turn: a noisy minute meets all speakers alike.
    for turn in range(arguments.rounds):
        for shape in dict.fromkeys(shape for shapes in arguments.plan.values() for shape in shapes):
            for name, speaker in speakers.items():
                if shape not in arguments.plan[name] or not results.wants_more(name, shape, turn, arguments.cell_budget):
                    continue
                print(f"round {turn + 1} of {arguments.rounds}: {name}, {shape} … ", end="", file=sys.stderr, flush=True)
                measured = measure(speaker, tables.get(shape.prefixes), shape, scratch, limits)
                results.add(name, shape, measured)
                print(report.brief(measured), file=sys.stderr)
