"""A gantryd of this build for scenarios with real processes."""

import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

DEADLINE_S = 60


def wait_until(condition, what):
    """Polls a condition until it holds; fails the test after DEADLINE_S."""
    end = time.monotonic() + DEADLINE_S
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.05)
    raise AssertionError(f"timed out: {what}")


class Launched:
    """A process that the daemon started, told from a later one of the same number by its start time."""

    def __init__(self, pid):
        self.pid = pid
        self.started = self.start_time()

    def start_time(self):
        """Clock ticks since boot (proc(5), field 22 of stat); None where no such process runs any more."""
        try:
            state, *fields = pathlib.Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            return None
        return None if state == "Z" else fields[18]

    def is_alive(self):
        return self.started is not None and self.start_time() == self.started

    def kill(self):
        if self.is_alive():
            os.kill(self.pid, signal.SIGKILL)


class Node:
    """A gantryd of this build in a private folder, with everything it needs to be stopped."""

    def __init__(self, build, source):
        self.bin = pathlib.Path(build) / "bin"
        self.models = pathlib.Path(source) / "resources/models"
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="gantry-test-"))
        self.folder.chmod(0o700)
        self.address = f"unix:{self.folder}/d.sock"
        self.daemon = None
        self.daemon_log = self.folder / "gantryd.log"
        self.others = []
        self.launched = []  # a daemon that is killed leaves them behind
        self.is_kept = False  # the folder

    def start(self, *options):
        ready = self.folder / "ready"
        ready.unlink(missing_ok=True)
        with self.daemon_log.open("ab") as log:
            self.daemon = subprocess.Popen(
                [self.bin / "gantryd", "--socket", self.folder / "d.sock", "--report-folder", self.folder / "reports", "--ready-file", ready,
                 *options],
                stderr=log)
        wait_until(ready.exists, "gantryd is ready")

    def ctl(self, *arguments, status=0):
        """gantryctl --json; its document, after checking its exit status (None: whichever)."""
        done = subprocess.run([self.bin / "gantryctl", "--json", "--node", self.address, *map(str, arguments)],
                              capture_output=True, text=True, timeout=DEADLINE_S)
        assert status is None or done.returncode == status, (arguments, done.returncode, done.stdout, done.stderr)
        return json.loads(done.stdout)

    def log(self, target):
        """What a target has written so far."""
        return subprocess.run([self.bin / "gantryctl", "--node", self.address, "target", "log", target["id"]], capture_output=True, text=True,
                              timeout=DEADLINE_S, check=True).stdout

    def launch_server(self, *options, gpu=False):
        """gantry-serve through the daemon, ready to answer; its target and gRPC address."""
        sockets = [socket.socket() for _ in range(2)]
        for s in sockets:
            s.bind(("127.0.0.1", 0))
        grpc, metrics = (s.getsockname()[1] for s in sockets)
        for s in sockets:
            s.close()
        target = self.ctl("target", "launch", "--name", "gantry-serve", "--grpc-address", f"127.0.0.1:{grpc}",
                          "--metrics-url", f"http://127.0.0.1:{metrics}/metrics", "--wait-ready", "50s", "--",
                          self.bin / "gantry-serve", *([] if gpu else ["--cpu-only"]), "--model-repository", self.models, "--grpc-port", grpc, "--http-port", 0,
                          "--metrics-port", metrics, *options)
        self.launched.append(Launched(target["pid"]))
        return target, f"127.0.0.1:{grpc}"

    def load(self, address, seconds, model="bert_base"):
        load = subprocess.Popen([self.bin / "gantryctl", "--json", "load", "--address", address, "--model", model, "--rate", "20", "--for", f"{seconds}s"],
                                stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.others.append(load)
        return load

    def is_held(self):
        """A window is open, as somebody sees who would like one."""
        return any(capture["state"] == "capturing" for capture in self.ctl("node", "captures"))

    def kill_daemon(self):
        """SIGKILL: no chance to clean up."""
        self.daemon.kill()
        self.daemon.wait()

    def stop(self):
        for process in [*self.others, self.daemon]:
            if process and process.poll() is None:
                process.terminate()
                process.wait(20)
        for process in self.launched:
            process.kill()
        if not self.is_kept:
            shutil.rmtree(self.folder, ignore_errors=True)


def run(scenarios):
    """Runs the scenario that the command line names on a node of its own; the node's folder stays where it fails."""
    scenario, build, source = sys.argv[1:4]
    node = Node(build, source)
    try:
        node.start()
        scenarios[scenario](node)
    except Exception:
        node.is_kept = True
        print(f"what the node left: {node.folder}", file=sys.stderr)
        raise
    finally:
        node.stop()
