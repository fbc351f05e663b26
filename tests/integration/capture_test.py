"""Scenarios with real processes: gantryd, gantry-serve under capture, a load, gantryctl.

usage: capture_test.py SCENARIO BUILD_FOLDER SOURCE_FOLDER
"""

import json
import os
import pathlib
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


class Node:
    """A gantryd of this build in a private folder, with everything it needs to be stopped."""

    def __init__(self, build, source):
        self.bin = pathlib.Path(build) / "bin"
        self.models = pathlib.Path(source) / "resources/models"
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="gantry-test-"))
        self.folder.chmod(0o700)
        self.address = f"unix:{self.folder}/d.sock"
        self.daemon = None
        self.others = []

    def start(self):
        ready = self.folder / "ready"
        ready.unlink(missing_ok=True)
        self.daemon = subprocess.Popen(
            [self.bin / "gantryd", "--socket", self.folder / "d.sock", "--report-folder", self.folder / "reports", "--ready-file", ready],
            stderr=subprocess.DEVNULL)
        wait_until(ready.exists, "gantryd is ready")

    def ctl(self, *arguments, status=0):
        """gantryctl --json; its document, after checking its exit status."""
        done = subprocess.run([self.bin / "gantryctl", "--json", "--node", self.address, *map(str, arguments)],
                              capture_output=True, text=True, timeout=DEADLINE_S)
        assert done.returncode == status, (arguments, done.returncode, done.stdout, done.stderr)
        return json.loads(done.stdout)

    def launch_server(self):
        """gantry-serve through the daemon, ready to answer; its target and gRPC address."""
        sockets = [socket.socket() for _ in range(2)]
        for s in sockets:
            s.bind(("127.0.0.1", 0))
        grpc, metrics = (s.getsockname()[1] for s in sockets)
        for s in sockets:
            s.close()
        target = self.ctl("target", "launch", "--name", "gantry-serve", "--grpc-address", f"127.0.0.1:{grpc}",
                          "--metrics-url", f"http://127.0.0.1:{metrics}/metrics", "--wait-ready", "50s", "--",
                          self.bin / "gantry-serve", "--cpu-only", "--model-repository", self.models, "--grpc-port", grpc, "--metrics-port", metrics)
        return target, f"127.0.0.1:{grpc}"

    def load(self, address, seconds):
        load = subprocess.Popen([self.bin / "gantryctl", "--json", "load", "--address", address, "--model", "bert_base", "--rate", "20", "--for", f"{seconds}s"],
                                stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.others.append(load)
        return load

    def stop(self):
        for process in [*self.others, self.daemon]:
            if process and process.poll() is None:
                process.terminate()
                process.wait(20)


def captures_a_serving_server(node):
    target, address = node.launch_server()
    load = node.load(address, 6)
    time.sleep(1)  # requests are under way; the window itself is what is measured
    done = node.ctl("capture", "--target", target["id"], "--for", "1s", "-o", node.folder / "a.gantry")
    assert done["dropped"] == 0, done
    info = node.ctl("report", "info", node.folder / "a.gantry")
    assert info["format"] == "gantry"
    assert info["counts"]["requests"] > 5, info["counts"]
    assert info["counts"]["nvtx_ranges"] > info["counts"]["requests"], info["counts"]
    phases = {row["name"] for row in node.ctl("report", "stats", node.folder / "a.gantry", "--by", "phase")}
    assert {"queue", "compute_input", "compute_infer", "compute_output"} <= phases, phases
    out, _ = load.communicate(timeout=DEADLINE_S)
    result = json.loads(out)
    assert result["ok"] == result["sent"] > 0, result  # the server answered throughout
    assert oct((node.folder / "a.gantry").stat().st_mode & 0o777) == "0o600"


def keeps_what_a_killed_target_recorded(node):
    target, address = node.launch_server()
    node.load(address, 30)
    capture = subprocess.Popen([node.bin / "gantryctl", "--json", "--node", node.address, "capture", "--for", "20s", "-o", node.folder / "k.gantry"],
                               stdout=subprocess.PIPE, text=True)
    node.others.append(capture)
    time.sleep(2)  # some requests fall into the window
    os.kill(target["pid"], signal.SIGKILL)
    out, _ = capture.communicate(timeout=DEADLINE_S)
    assert capture.returncode == 0, out
    info = node.ctl("report", "info", node.folder / "k.gantry")
    assert info["target_exited"] is True, info
    assert info["counts"]["nvtx_ranges"] > 0, info["counts"]
    # The window ends as soon as the target's socket closes; the kernel reports the death of the process a little later.
    wait_until(lambda: [t for t in node.ctl("target", "list") if t["id"] == target["id"] and t["state"] == "killed"], "the target is told to be killed")


def adopts_a_target_after_the_daemon_was_killed(node):
    target, address = node.launch_server()
    load = node.load(address, 8)
    node.daemon.kill()
    node.daemon.wait()
    node.start()
    try:
        adopted = wait_until(lambda: [t for t in node.ctl("target", "list") if t["pid"] == target["pid"]], "the target is there again")[0]
        assert adopted["adopted"] is True, adopted
        node.ctl("capture", "--target", adopted["id"], "--for", "500ms", "-o", node.folder / "b.gantry")
        assert node.ctl("report", "info", node.folder / "b.gantry")["counts"]["nvtx_ranges"] > 0
        out, _ = load.communicate(timeout=DEADLINE_S)
        result = json.loads(out)
        assert result["ok"] == result["sent"] > 0, result  # it never noticed
    finally:
        os.kill(target["pid"], signal.SIGTERM)  # nobody's child any more


def answers_bad_input_with_a_sentence(node):
    target, address = node.launch_server()
    node.load(address, 6)
    first = subprocess.Popen([node.bin / "gantryctl", "--node", node.address, "capture", "--for", "4s", "-o", node.folder / "first.gantry"], stdout=subprocess.DEVNULL)
    node.others.append(first)
    time.sleep(1.5)
    busy = node.ctl("capture", "--target", target["id"], "--for", "1s", "-o", node.folder / "second.gantry", status=75)
    assert "gantryctl" in busy["error"]["message"], busy  # names the holder
    assert first.wait(DEADLINE_S) == 0
    assert node.ctl("report", "fetch", "nothing.gantry", status=65)["error"]["code"] == "not_found"
    assert node.ctl("report", "fetch", "../secret", "-o", node.folder / "s", status=65)["error"]["code"] == "not_found"
    cut = node.folder / "cut.gantry"
    cut.write_bytes((node.folder / "first.gantry").read_bytes()[:20000])
    assert node.ctl("report", "info", cut, status=65)["error"]["message"]
    away = subprocess.run([node.bin / "gantryctl", "--node", "unix:/nonexistent/d.sock", "node", "info"], capture_output=True, text=True, timeout=DEADLINE_S)
    assert away.returncode == 69 and "gantryd" in away.stderr, away


def main():
    scenario, build, source = sys.argv[1:4]
    node = Node(build, source)
    try:
        node.start()
        globals()[scenario](node)
    finally:
        node.stop()


main()
