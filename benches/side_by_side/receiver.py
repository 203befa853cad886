"""The receiver: a child process that prints a JSON line for each thing that happens."""

import json
import queue
import subprocess
import threading

from . import room


class Receiver:
    def __init__(self, table, peers, seconds, digest=False):
        command = [
            table.tools / "receive",
            "--connect", f"{room.SPEAKER}:{room.PORT}",
            "--connect-step", "1",
            "--sessions", str(peers),
            "--local-base", room.PEERS,
            "--local-as", str(room.PEER_AS),
            "--expect", str(table.prefixes),
            "--timeout", str(seconds + 5),
            "--watch", "100000",
            "--summary",
        ]  # fmt: skip
        if digest:
            command.append("--digest")
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        self.events = queue.Queue()
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        for line in self.process.stdout:
            self.events.put(json.loads(line))
        self.events.put({"event": "failed", "error": "the receiver ended"})

    def next_event(self, timeout):
        """The next event, or `None` when there is none for so many seconds."""
        try:
            return self.events.get(timeout=timeout)
        except queue.Empty:
            return None

    def stop(self):
        self.process.kill()
        self.process.wait()
