"""What a speaker is to those who measure it."""

import shutil
import subprocess


class Speaker:
    name = ""
    # What it is measured at unless told otherwise.
    default_shapes = frozenset({"1Mx1", "100kx10", "100kx100"})
    # Whether it can change its table without a restart.
    reloads = True
    # Whether only the cold start is of interest.
    cold_start_only = False

    def __init__(self, peeringd):
        self.folder = None

    @classmethod
    def wants(cls, shape, everywhere):
        """Whether to measure it at this shape: one of its own, or any where shapes were asked for."""
        if cls.cold_start_only and shape.peers > 1:
            return False
        return everywhere or str(shape) in cls.default_shapes

    def version(self):
        """Words that differ where builds differ, or `None` when it is not installed."""
        raise NotImplementedError

    def prepare(self, folder, table, peers):
        """Writes its files to the folder; not timed."""
        raise NotImplementedError

    def start(self, daemons):
        """Starts it; timed from here on."""
        raise NotImplementedError

    def load(self, daemons):
        """Gives it the table, where that does not come with the start."""

    def write_change(self, table):
        """Writes the table with 1 % changed; not timed."""

    def reload(self, daemons):
        """Has it read that; timed from here on."""


def said(*command):
    """The first line that mentions a digit, of what a command says about its version."""
    if shutil.which(command[0]) is None:
        return None
    output = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True).stdout
    return next((line.strip() for line in output.splitlines() if any(letter.isdigit() for letter in line)), None)
