"""The table that every speaker gets, and the sizes of what is measured."""

import collections
import dataclasses
import json
import pathlib
import subprocess

from . import room


@dataclasses.dataclass(frozen=True)
class Shape:
    """So many prefixes to so many peers."""

    prefixes: int
    peers: int

    @staticmethod
    def parse(word):
        size, cross, peers = word.strip().partition("x")
        scale = {"k": 1000, "M": 1000000}.get(size[-1:], 1)
        digits = size if scale == 1 else size[:-1]
        if not cross or not digits.isdecimal() or not peers.isdecimal() or not int(digits) or not int(peers):
            raise ValueError(f"{word!r} is not PREFIXESxPEERS, as in 100kx10")
        return Shape(int(digits) * scale, int(peers))

    def __str__(self):
        for scale, letter in ((1000000, "M"), (1000, "k")):
            if self.prefixes % scale == 0:
                return f"{self.prefixes // scale}{letter}x{self.peers}"
        return f"{self.prefixes}x{self.peers}"


class Table:
    """One table in the folder that make-table wrote."""

    def __init__(self, folder, facts, tools):
        self.folder = folder
        self.tools = tools
        self.prefixes = facts["prefixes"]
        self.changed = facts["changed"]
        self.digest = facts["digest"]

    def rows(self, name):
        """`table`, `after` or `changed`: (prefix, set) in prefix order."""
        with open(self.folder / f"{name}.txt") as lines:
            return [tuple(line.split()) for line in lines]

    def by_set(self, name):
        """The prefixes of each set, both in order."""
        sets = collections.defaultdict(list)
        for prefix, number in self.rows(name):
            sets[int(number)].append(prefix)
        return dict(sorted(sets.items()))


class Tables:
    """Makes each table once."""

    def __init__(self, tools, scratch, sets):
        self.tools = pathlib.Path(tools)
        self.scratch = scratch
        self.sets = sets
        self.made = {}

    def get(self, prefixes):
        if prefixes not in self.made:
            folder = self.scratch / f"table-{prefixes}"
            command = [self.tools / "make-table", str(prefixes), str(self.sets), folder, "--next-hop", room.SPEAKER]
            facts = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
            self.made[prefixes] = Table(folder, facts, self.tools)
        return self.made[prefixes]
