"""Nodes that play a recording: what they show, how captures go on them, what goes wrong when it is asked to."""

import gzip
import json
import pathlib
import signal
import subprocess
import sys
import time

from test_node import DEADLINE_S, Node, wait_until

UNREACHABLE, CANNOT_WRITE, CANNOT_SAY = 69, 73, 2


def watch(node, seconds):
    """Live samples, as objects."""
    done = subprocess.run([node.bin / "gantryctl", "--json", "--node", node.address, "node", "watch", "--for", f"{seconds}s"],
                          capture_output=True, text=True, timeout=DEADLINE_S, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def key(series):
    return series["name"], tuple(sorted(series.get("labels", {}).items()))


def recorded_samples(folder):
    """What is recorded of each series: a list of (offset, value)."""
    series = {s["id"]: key(s) for s in json.loads((folder / "recording.json").read_text())["series"]}
    samples = {}
    with gzip.open(folder / "metrics.jsonl.gz", "rt") as lines:
        for line in map(json.loads, lines):
            for number, value in line["v"]:
                samples.setdefault(series[number], []).append((line["t_ns"], value))
    return samples


def is_played_from(samples, folder):
    """Whether one shift of the clock makes each sample one of the recording."""
    recorded = recorded_samples(folder)
    first = samples[0]
    shifts = {first["mono_ns"] - t for t, value in recorded[key(first)] if value == first["value"]}
    known = {(k, t, value) for k, points in recorded.items() for t, value in points}
    return any(all((key(s), s["mono_ns"] - shift, s["value"]) in known for s in samples) for shift in shifts)


class Rehearsal:
    """A gantryd that plays a recording, with a file of faults."""

    def __init__(self, build, source, recording, *options):
        self.node = Node(build, source)
        self.faults = self.node.folder / "faults"
        self.faults.touch()
        self.node.start("--rehearse", recording, "--rehearse-faults", self.faults, *options)

    def __enter__(self):
        return self.node, self.set_faults

    def set_faults(self, words):
        """They hold as soon as the daemon's log says that they have changed."""
        before = self.changes()
        self.faults.write_text(words)
        if words != "crash":
            wait_until(lambda: self.changes() > before, "the faults are read")

    def changes(self):
        return self.node.daemon_log.read_text().count("the faults of this rehearsal have changed")

    def __exit__(self, *_):
        self.node.stop()


def plays_what_a_real_node_recorded(build, source, session):
    real = Node(build, source)
    folder = real.folder / "recording"
    try:
        real.start()
        target, address = real.launch_server()
        real.load(address, 30)
        recorder = subprocess.Popen([real.bin / "gantryctl", "--json", "--node", real.address, "node", "record", "--for", "6s", "-o", folder],
                                    stdout=subprocess.PIPE, text=True)
        real.others.append(recorder)
        real.ctl("capture", "--target", target["id"], "--for", "500ms", "-o", real.folder / "real.gantry")
        summary = json.loads(recorder.communicate(timeout=DEADLINE_S)[0])
        assert recorder.returncode == 0
        assert summary["reports"] == 1 and summary["targets"] == 1 and summary["models"] >= 4 and summary["log_lines"] >= 1, summary
        models = real.ctl("model", "list", target["id"])
        info = real.ctl("node", "info")
        with Rehearsal(build, source, folder) as (node, _):
            played = node.ctl("node", "info")
            assert played["recording"] == summary["title"] and played["host_name"] == info["host_name"], played
            shown, = node.ctl("target", "list")
            assert (shown["id"], shown["name"], shown["state"]) == (target["id"], "gantry-serve", "running"), shown
            assert node.ctl("model", "list", target["id"]) == models
            assert is_played_from(watch(node, 2), folder)
            node.ctl("capture", "--target", target["id"], "--for", "500ms", "-o", node.folder / "played.gantry")
            counts = [real.ctl("report", "info", n.folder / f)["counts"] for n, f in ((real, "real.gantry"), (node, "played.gantry"))]
            assert counts[0] == counts[1] and counts[0]["requests"] > 0, counts
    finally:
        real.stop()


def plays_the_same_from_the_place_it_is_told(build, source, session):
    with Rehearsal(build, source, session, "--rehearse-start", "20s") as (node, _):
        samples = watch(node, 3)
        assert len(samples) > 100 and is_played_from(samples, session), len(samples)
        recorded = recorded_samples(session)
        # A counter that is past its value of 20 s shows the place.
        name = ("nv_inference_request_success", (("model", "add_sub"), ("target", "t1"), ("version", "1")))
        first = next(s["value"] for s in samples if key(s) == name)
        assert first >= next(value for t, value in recorded[name] if t >= 20e9), first


def captures_as_a_real_node_does(build, source, session):
    with Rehearsal(build, source, session) as (node, _):
        begin = time.monotonic()
        node.ctl("capture", "--target", "t1", "--for", "700ms", "--repeat", "2", "--label", "mine", "-o", node.folder / "r.gantry")
        assert time.monotonic() - begin >= 1.4
        infos = [node.ctl("report", "info", node.folder / f"r-{i}.gantry") for i in (1, 2)]
        assert infos[0]["counts"] != infos[1]["counts"] and infos[0]["counts"]["requests"] > 0, infos
        for info in infos:
            assert any("rehearsal" in warning for warning in info["warnings"]), info["warnings"]
        assert [r["label"] for r in node.ctl("report", "list")] == ["mine", "mine"]

        running = subprocess.Popen([node.bin / "gantryctl", "--node", node.address, "capture", "--target", "t1", "--for", "60s", "-o",
                                    node.folder / "s.gantry"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        node.others.append(running)
        wait_until(node.is_held, "the window is open")
        busy = node.ctl("capture", "--target", "t1", "--for", "1s", "-o", node.folder / "b.gantry", status=75)
        assert "gantryctl" in busy["error"]["message"], busy
        running.send_signal(signal.SIGINT)
        assert running.wait(DEADLINE_S) == 0 and (node.folder / "s.gantry").exists()


def says_what_only_a_real_node_can_do(build, source, session):
    with Rehearsal(build, source, session) as (node, _):
        for options in (["--requests", "5"], ["--for", "1s", "--engine", "nsys"]):
            answer = node.ctl("capture", "--target", "t1", *options, "-o", node.folder / "x.gantry", status=CANNOT_SAY)
            assert answer["error"]["code"] == "unsupported" and "plays a recording" in answer["error"]["message"], answer
        answer = node.ctl("target", "launch", "--", "/bin/true", status=CANNOT_SAY)
        assert "plays a recording" in answer["error"]["message"], answer


def says_that_what_it_tells_of_itself_is_recorded(build, source, session):
    with Rehearsal(build, source, session) as (node, _):
        for command in ("check", "processes"):
            said = subprocess.run([node.bin / "gantryctl", "--node", node.address, "node", command], capture_output=True, text=True, timeout=30)
            assert "plays a recording (NVIDIA H100" in said.stderr and "gantry-serve" in said.stdout + said.stderr, said


def stops_and_starts_its_targets_and_models(build, source, session):
    with Rehearsal(build, source, session) as (node, _):
        target, = node.ctl("target", "list")
        node.ctl("model", "unload", "t1", "bert_base")
        assert {m["name"]: m["state"] for m in node.ctl("model", "list", "t1")}["bert_base"] == "UNAVAILABLE"
        node.ctl("model", "load", "t1", "bert_base")
        assert node.ctl("target", "stop", "t1")["state"] == "exited"
        assert not any(s["labels"].get("target") == "t1" for s in watch(node, 1)[-200:] if s["name"].startswith("nv_inference_request"))
        node.ctl("capture", "--target", "t1", "--for", "1s", "-o", node.folder / "x.gantry", status=CANNOT_SAY)
        assert node.ctl("target", "launch", "--no-inject", "--", *target["argv"])["state"] == "running"


def meets_the_faults_that_its_file_says(build, source, session):
    with Rehearsal(build, source, session) as (node, faults):
        faults("latency=300ms")
        slow = time.monotonic()
        assert node.ctl("node", "info")["clock_error_ns"] >= 150_000_000  # half of the round trip
        assert time.monotonic() - slow >= 0.6

        faults("stall=1500ms")
        stalled = time.monotonic()
        node.ctl("target", "list")
        assert time.monotonic() - stalled >= 1.0

        faults("disk-full=on")
        wait_until(lambda: node.ctl("node", "info")["disk_free_bytes"] == 0, "a full disk")  # a busy machine does not know it at once
        assert node.ctl("report", "policy")["disk_free_bytes"] == 0
        answer = node.ctl("capture", "--target", "t1", "--for", "200ms", "-o", node.folder / "x.gantry", status=CANNOT_WRITE)
        assert "only 0 MiB are free" in answer["error"]["message"], answer

        faults("clock=+100s")
        ahead = watch(node, 1)[-1]["utc_ns"] / 1e9 - time.time()
        assert 95 < ahead < 101, ahead

        faults("version=1")
        answer = node.ctl("node", "info", status=UNREACHABLE)
        assert answer["error"]["code"] == "version_mismatch" and "upgrade gantryd" in answer["error"]["message"], answer

        faults("cut-after=0s")
        node.ctl("node", "info", status=UNREACHABLE)

        faults("cut-after=2s")  # the window goes on at the node, the report is fetched piece by piece
        node.ctl("capture", "--target", "t1", "--for", "4s", "-o", node.folder / "cut.gantry")
        faults("")
        assert node.ctl("report", "info", node.folder / "cut.gantry")["counts"]["requests"] > 0

        faults("crash")
        assert node.daemon.wait(DEADLINE_S) == -signal.SIGKILL
        node.start("--rehearse", session, "--rehearse-faults", node.folder / "faults")  # and does not crash again by itself
        node.ctl("node", "info")


def refuses_what_it_cannot_play(build, source, session):
    node = Node(build, source)
    faults = node.folder / "faults"
    faults.touch()
    try:
        for options, status, words in ((["--rehearse", node.folder], 65, "is no recording of a node"),
                                       (["--rehearse", session, "--rehearse-start", "1000s"], 65, "behind the end"),
                                       (["--rehearse", session, "--rehearse-start", "soon"], 65, "needs a time such as"),
                                       (["--rehearse", session, "--rehearse-faults", node.folder / "none"], 65, "make the file"),
                                       (["--rehearse", session, "--rehearse-faults", faults, "--listen", "127.0.0.1:0"], 65,
                                        "needs a unix socket")):
            done = subprocess.run([node.bin / "gantryd", "--socket", node.folder / "d.sock", "--report-folder", node.folder / "reports",
                                   *options], capture_output=True, text=True, timeout=DEADLINE_S)
            assert done.returncode == status and words in done.stderr, (done.returncode, done.stderr)
    finally:
        node.stop()


SCENARIOS = [plays_what_a_real_node_recorded, plays_the_same_from_the_place_it_is_told, captures_as_a_real_node_does,
             says_what_only_a_real_node_can_do, says_that_what_it_tells_of_itself_is_recorded,
             stops_and_starts_its_targets_and_models, meets_the_faults_that_its_file_says,
             refuses_what_it_cannot_play]

if __name__ == "__main__":
    name, build, source = sys.argv[1:4]
    {s.__name__: s for s in SCENARIOS}[name](build, source, pathlib.Path(source) / "resources/rehearsal/session")
