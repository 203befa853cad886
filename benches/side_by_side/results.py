"""What was measured, kept in a JSON file so that an interrupted run goes on where it stopped."""

import json
import statistics

from .tables import Shape


class Results:
    """`runs["SPEAKER/PREFIXESxPEERS"]` is a list of runs as `measure` returns them."""

    def __init__(self, path, fresh):
        self.path = path
        self.data = {"machine": {}, "versions": {}, "sets": None, "runs": {}}
        if path and path.exists() and not fresh:
            self.data = json.loads(path.read_text())

    def about(self, machine):
        self.data["machine"] = machine
        self.save()

    def forget_other_versions(self, speaker, version, sets):
        """Runs of another build, or of another table, do not belong beside new ones."""
        if self.data["sets"] != sets:
            self.data.update(sets=sets, runs={}, versions={})
        if self.data["versions"].get(speaker) != version:
            self.data["runs"] = {key: runs for key, runs in self.data["runs"].items() if key.partition("/")[0] != speaker}
            self.data["versions"][speaker] = version

    def wants_more(self, speaker, shape, turn, budget):
        """Whether this cell's run of this round is still to be made. One that was stopped, or that has cost its budget, is not run
        again."""
        runs = self.runs(speaker, shape)
        spent = sum(run["seconds"] for run in runs)
        return len(runs) <= turn and spent < budget and not any(run["stopped"] for run in runs)

    def add(self, speaker, shape, run):
        self.data["runs"].setdefault(f"{speaker}/{shape}", []).append(run)
        self.save()

    def save(self):
        if self.path:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            fresh = self.path.with_suffix(".new")
            fresh.write_text(json.dumps(self.data, indent=1))
            fresh.replace(self.path)

    def runs(self, speaker, shape):
        return self.data["runs"].get(f"{speaker}/{shape}", [])

    def shapes(self):
        """All that were measured: by prefixes times peers, then by prefixes."""
        shapes = {Shape.parse(key.partition("/")[2]) for key in self.data["runs"]}
        return sorted(shapes, key=lambda shape: (shape.prefixes * shape.peers, shape.prefixes))

    def speakers(self, shape):
        return [name for name in self.data["versions"] if self.runs(name, shape)]

    def median(self, speaker, shape, figure):
        """Over all runs, and over all transfers of a run where there are several; `None` when never measured."""
        values = []
        for run in self.runs(speaker, shape):
            value = run.get(figure)
            values += value if isinstance(value, list) else [] if value is None else [value]
        return statistics.median(values) if values else None

    def stopped(self, speaker, shape):
        """Why a run of this cell was stopped, if one was."""
        return next((run["stopped"] for run in self.runs(speaker, shape) if run["stopped"]), None)
