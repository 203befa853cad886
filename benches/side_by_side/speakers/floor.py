"""The floor: bytes made beforehand, written to each peer. It reads no configuration, chooses nothing and forgets nothing."""

from .. import room
from .base import Speaker


class Floor(Speaker):
    name = "floor"
    default_shapes = frozenset({"1Mx1", "1Mx10", "100kx10", "100kx100"})
    reloads = False

    def version(self):
        return "ready-made bytes, densest packing"

    def prepare(self, folder, table, peers):
        self.command = [table.tools / "replay", f"0.0.0.0:{room.PORT}", table.folder / "messages.bin"]

    def start(self, daemons):
        daemons.start(*self.command)
