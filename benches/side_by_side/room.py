"""Where everything runs: namespaces of its own for network, mounts and processes, so that addresses and ports are free, and
nothing that was started outlives the command, however it ends. Daemons are started, watched and stopped here too."""

import ctypes
import os
import pathlib
import pwd
import signal
import socket
import subprocess
import tempfile
import time

# The environment variable that says we are inside; its value is the folder for temporary files.
MARK = "SIDE_BY_SIDE_ROOM"
# Peer I of the speaker dials SPEAKER + I from PEERS + I: every peer has its own next hop. Not 127/8, which FRR refuses as a next
# hop; `lab: true` lets peeringd use it.
SPEAKER = "10.75.0.1"
PEERS = "10.76.0.1"
PORT = 179
SPEAKER_AS = 8075
PEER_AS = 65001


def enter(command):
    """`command` in namespaces of its own."""
    namespaces = ["--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
    if os.geteuid() != 0:
        # Enough for all but OpenBGPD, which changes to a user of its own.
        namespaces.append("--map-root-user")
    return ["unshare", *namespaces, *command]


def run_inside(command, prefix, outside=False):
    """Runs a command of these benches again, in the room and with a folder for temporary files; its exit status. `outside`: in that
    folder, but in no room."""
    with tempfile.TemporaryDirectory(prefix=prefix) as scratch:
        environment = {**os.environ, MARK: scratch}
        child = subprocess.Popen(command if outside else enter(command), env=environment, preexec_fn=die_with_parent)
        for number in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, lambda *_: terminate(child.pid))
        while True:
            try:
                return child.wait()
            except KeyboardInterrupt:
                # The terminal told the child as well; it ends its processes first.
                continue


def die_with_parent():
    pr_set_pdeathsig = 1
    ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGKILL)


def terminate(unshare):
    """Tells the process inside: unshare itself turns a deaf ear."""
    for child in pathlib.Path(f"/proc/{unshare}/task/{unshare}/children").read_text().split():
        os.kill(int(child), signal.SIGTERM)


def interrupted(*_):
    raise KeyboardInterrupt


def furnish():
    """Addresses on the loopback interface, and a /run that no service of the machine sees."""
    for words in (
        "mount -t tmpfs tmpfs /run",
        "ip link set lo up",
        f"ip address add {SPEAKER}/16 dev lo",
        f"ip address add {PEERS}/16 dev lo",
    ):
        subprocess.run(words.split(), check=True)


def speaker_address(peer):
    return offset(SPEAKER, peer)


def peer_address(peer):
    return offset(PEERS, peer)


def offset(address, by):
    octets = address.split(".")
    number = int.from_bytes(bytes(map(int, octets)), "big") + by
    return ".".join(map(str, number.to_bytes(4, "big")))


def home_of(user):
    try:
        return pathlib.Path(pwd.getpwnam(user).pw_dir)
    except KeyError:
        return None


def await_listener(address, timeout):
    """Until someone listens: at a path, or at (host, port)."""
    family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        with socket.socket(family) as probe:
            if probe.connect_ex(address) == 0:
                return
        time.sleep(0.01)


class Daemons:
    """The processes of one speaker, and those that they start."""

    def __init__(self, log):
        self.log = open(log, "ab")
        self.started = []
        self.clients = []

    def start(self, *command, directory=None):
        words = [str(word) for word in command]
        process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log, cwd=directory)
        self.started.append(process)
        return process

    def client(self, *command):
        """A command that tells the daemons something: not waited for, and no part of their memory and time."""
        words = [str(word) for word in command]
        self.clients.append(subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log))

    def fault(self):
        """What ended that should not have, or failed."""
        if any(process.poll() is not None for process in self.started):
            return "the speaker ended by itself"
        failed = [process.args[0] for process in self.clients if process.poll()]
        return f"{failed[0]} failed" if failed else None

    def pids(self):
        """Those started and their descendants."""
        parents = {}
        for entry in os.listdir("/proc"):
            if entry.isdigit():
                fields = stat_fields(entry)
                if fields and fields[0] != "Z":
                    parents[int(entry)] = int(fields[1])
        wanted = {process.pid for process in self.started if process.pid in parents}
        grown = True
        while grown:
            more = {pid for pid, parent in parents.items() if parent in wanted} - wanted
            wanted |= more
            grown = bool(more)
        return wanted

    def memory(self, field):
        """The sum of VmRSS or VmHWM, in octets."""
        return sum(status_field(pid, field) for pid in self.pids())

    def cpu_seconds(self):
        """Of all threads since they were started, ended ones included, to a hundredth."""
        tick = os.sysconf("SC_CLK_TCK")
        total = 0.0
        for pid in self.pids():
            fields = stat_fields(pid)
            ticks = (int(fields[11]) + int(fields[12])) / tick if fields else 0.0
            total += max(ticks, sum(thread_seconds(pid).values()))
        return total

    def threads(self):
        """CPU seconds of each living thread, to a nanosecond."""
        return {thread: seconds for pid in self.pids() for thread, seconds in thread_seconds(pid).items()}

    def stop(self):
        """Asks, then insists. By process id, and only what was started here."""
        for number, patience in ((signal.SIGTERM, 5.0), (signal.SIGKILL, 10.0)):
            pids = self.pids()
            for pid in pids:
                try:
                    os.kill(pid, number)
                except ProcessLookupError:
                    pass
            deadline = time.monotonic() + patience
            while any(still_runs(pid) for pid in pids) and time.monotonic() < deadline:
                time.sleep(0.01)
        for process in self.clients:
            process.kill()
        for process in self.started + self.clients:
            process.wait()
        self.log.close()


def still_runs(pid):
    try:
        # The children of a daemon that has ended are ours: this is process 1 of its namespace.
        os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        pass
    fields = stat_fields(pid)
    return bool(fields) and fields[0] != "Z"


def stat_fields(pid):
    """Of /proc/PID/stat, those behind the name: 0 is the state, 1 the parent, 11 and 12 the user and system time."""
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None


def status_field(pid, field):
    try:
        for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
            name, _, value = line.partition(":")
            if name == field:
                return int(value.split()[0]) * 1024
    except OSError:
        pass
    return 0


def thread_seconds(pid):
    seconds = {}
    try:
        for thread in os.listdir(f"/proc/{pid}/task"):
            seconds[int(thread)] = int(pathlib.Path(f"/proc/{pid}/task/{thread}/schedstat").read_text().split()[0]) / 1e9
    except OSError:
        pass
    return seconds
