"""Scenarios with real processes: gantryd, gantry-serve under capture, a load, gantryctl.

usage: capture_test.py SCENARIO BUILD_FOLDER SOURCE_FOLDER
"""

import hashlib
import http.server
import json
import os
import pathlib
import re
import resource
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time

from test_node import DEADLINE_S, Launched, Node, run, wait_until


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


def captures_requests_by_the_servers_own_tracer(node):
    trace = node.folder / "requests.json"
    target, address = node.launch_server("--trace-config", f"triton,file={trace}")
    node.load(address, 30, model="add_sub")
    end = time.monotonic() + DEADLINE_S
    windows = requests = 0
    while requests == 0 and time.monotonic() < end:  # the load may not have begun in the first window
        windows += 1
        report = node.folder / f"{windows}.gantry"
        node.ctl("capture", "--engine", "triton", "--target", target["id"], "--for", "1s", "-o", report)
        requests = node.ctl("report", "info", report)["counts"]["requests"]
    assert requests > 0
    phases = {row["name"] for row in node.ctl("report", "stats", report, "--by", "phase")}
    assert {"queue", "compute_input", "compute_infer", "compute_output"} <= phases, phases
    size = trace.stat().st_size
    node.load(address, 1, model="add_sub").communicate(timeout=DEADLINE_S)
    assert trace.stat().st_size == size, "the tracer was left on"


def says_what_the_window_cost_the_server(node):
    target, address = node.launch_server()
    node.others.append(subprocess.Popen([node.bin / "gantryctl", "load", "--address", address, "--model", "add_sub", "--rate", "300", "--for", "40s"],
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
    time.sleep(3)  # of which the time before the window is taken
    done = node.ctl("capture", "--target", target["id"], "--for", "1s", "-o", node.folder / "cost.gantry")
    cost = done["summary"]["window_cost"]
    for span in ("before", "during", "after"):
        assert cost[span], (span, cost)
        assert 200 < cost[span]["requests_per_second"] < 400, (span, cost)
        assert cost[span]["p99_ns"] > cost[span]["p50_ns"] > 0, (span, cost)
        assert cost[span]["mean_ns"] > 0, (span, cost)
    assert cost["p99_difference"]["error_ns"] > 0, cost
    assert cost["target_cpu_ns"] is None or cost["target_cpu_ns"] > 0, cost
    assert cost["daemon_cpu_ns"] > 0 and cost["record_bytes"] > 0, cost
    assert re.match(r"^(not clear|[+-][0-9.]+ % ± [0-9.]+ % req/s)", cost["sentence"]), cost
    # The node has the same report: its figures were completed in place.
    listed = [report for report in node.ctl("report", "list") if report["name"] == done["report"]]
    assert listed and hashlib.sha256((node.folder / "cost.gantry").read_bytes()).hexdigest() == done["sha256"], listed
    at_once = node.ctl("capture", "--target", target["id"], "--for", "500ms", "--no-after", "-o", node.folder / "now.gantry")
    assert at_once["summary"]["window_cost"]["after"] is None, at_once
    info = node.ctl("report", "info", node.folder / "now.gantry")
    assert "still to come" in info["window_cost"]["why_no_after"], info


def names_the_threads_of_a_process_in_a_container_as_its_events_do(node):
    namespace = ["unshare", "--pid", "--fork", "--mount-proc"]
    if subprocess.run([*namespace, "true"], check=False, stderr=subprocess.DEVNULL).returncode != 0:
        print("pid namespaces cannot be made here")
        sys.exit(77)
    node.ctl("capture", "--launch", "--for", "300ms", "--no-after", "-o", node.folder / "ns.gantry", "--", *namespace,
             node.bin / "gantry_nvtx_loop")
    report = sqlite3.connect(node.folder / "ns.gantry")
    names = dict(report.execute("SELECT globalTid & 0xFFFFFF, value FROM ThreadNames JOIN StringIds ON id = nameId"))
    threads = {tid for (tid,) in report.execute("SELECT DISTINCT globalTid & 0xFFFFFF FROM NVTX_EVENTS WHERE eventType = 59")}
    assert threads and threads <= names.keys(), (threads, names)


def saves_by_itself_when_a_metric_says_so(node):
    target, address = node.launch_server()
    node.load(address, 40, "add_sub")
    wait_until(lambda: node.ctl("target", "list")[0]["models"], "the server tells its models")
    time.sleep(1)  # its metrics have been read
    refused = node.ctl("recorder", "start", "--target", target["id"], "--save-when", "latencie > 1us", status=65)
    assert "there are latency, " in refused["error"]["message"], refused
    recorder = node.ctl("recorder", "start", "--target", target["id"], "--keep", "20s", "--save-when", "p50 latency > 1us", "--for", "400ms",
                        "--last", "2s", "--next", "500ms", "--at-most", "1", "--label", "night watch")
    reports = wait_until(lambda: [r for r in node.ctl("report", "list") if r["label"].startswith("night watch")], "a report is saved")
    assert reports[0]["label"] == "night watch: p50 latency > 1us", reports
    status = [one for one in node.ctl("recorder", "list") if one["capture_id"] == recorder["capture_id"]][0]
    assert status["rule_saves"] == status["rule_saves_at_most"] == 1, status
    assert "it saves no more" in status["save_state"], status
    node.ctl("report", "fetch", reports[0]["name"], "-o", node.folder / "night.gantry")
    info = node.ctl("report", "info", node.folder / "night.gantry")
    assert info["counts"]["requests"] > 0, info
    node.ctl("recorder", "stop")


def asks_the_engines_profiler_to_open_the_window(node):
    """A program called vllm, and the HTTP server that the real one has; without a GPU its workers never call cudaProfilerStart."""
    asked = []

    class Engine(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            asked.append((self.path, body))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_):
            pass

    engine = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Engine)
    threading.Thread(target=engine.serve_forever, daemon=True).start()
    program = node.folder / "vllm"
    program.symlink_to((node.bin / "gantry-serve").resolve())
    job = [program, "--cpu-only", "--model-repository", node.models, "--grpc-port", 0, "--http-port", 0, "--metrics-port", 0]
    names = [profile["name"] for profile in node.ctl("target", "profiles")]
    assert "vllm" in names and "sglang" in names, names
    bad = node.ctl("target", "launch", "--profile", "vlm", "--", *job, status=65)
    assert "vllm" in bad["error"]["message"], bad
    # Its port is told where the profile looks for it.
    profiles = node.folder / "profiles"
    profiles.mkdir()
    (profiles / "vllm.json").write_text(json.dumps({
        "name": "vllm", "title": "vLLM", "detect": {"executables": ["vllm"]}, "iterations": {"variables": ["FAKE_ITERATIONS"]},
        "profiler": {"port": engine.server_address[1], "start": {"method": "POST", "path": "/start_profile"},
                     "stop": {"method": "POST", "path": "/stop_profile"}}}))
    node.daemon.terminate()
    node.daemon.wait()
    node.start("--target-profiles", profiles)
    target = node.ctl("target", "launch", "--profile", "auto", "--iterations-range", "3-7", "--", *job)
    assert target["profile"] == "vllm" and target["profiler_url"].endswith(str(engine.server_address[1])), target
    assert b"FAKE_ITERATIONS=3-7" in pathlib.Path(f"/proc/{target['pid']}/environ").read_bytes().split(b"\0")
    wait_until(lambda: node.ctl("target", "list")[0]["processes"], "the target can be captured")
    capture = subprocess.Popen([node.bin / "gantryctl", "--node", node.address, "capture", "--profiler", "--for", "1s", "-o", node.folder / "v.gantry"],
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    node.others.append(capture)
    wait_until(lambda: len(asked) == 1, "the profiler is asked to start")
    node.daemon.terminate()  # gantryd ends: the profiler is not left on
    node.daemon.wait(DEADLINE_S)
    assert asked == [("/start_profile", b""), ("/stop_profile", b"")], asked
    engine.shutdown()


def ends_a_window_after_so_many_requests(node):
    target, address = node.launch_server()
    node.load(address, 40, "add_sub")
    node.ctl("capture", "--target", target["id"], "--requests", "60", "-o", node.folder / "n.gantry")
    requests = node.ctl("report", "info", node.folder / "n.gantry")["counts"]["requests"]
    # An end that was read before its start did not count, and windows held half as many again. Those on top arrive while it closes.
    assert 60 <= requests <= 80, requests


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


def check_whole(report):
    """Fails unless SQLite finds the file in order and it is a report of a window."""
    with sqlite3.connect(f"file:{report}?mode=ro", uri=True) as database:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)], report
        assert database.execute("SELECT count(*) FROM ANALYSIS_DETAILS").fetchone() == (1,), report


def leaves_whole_reports_or_none(node, kill):
    """Calls kill(target, client) at one instant after the other of a window that waits, records, ends, is written and fetched."""
    shutil.copytree(node.models / "add_sub", node.folder / "models/add_sub")
    node.models = node.folder / "models"  # starts in a moment
    target = None
    for i in range(12):
        if target is None or not node.launched[-1].is_alive():
            target, address = node.launch_server()
            node.load(address, 60, model="add_sub")
        fetched = node.folder / f"fetched-{i}.gantry"
        client = subprocess.Popen([node.bin / "gantryctl", "--node", node.address, "capture", "--after", "200ms", "--for", "200ms", "--no-after",
                                   "-o", fetched], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        node.others.append(client)
        time.sleep(0.06 * i)  # the instant, not a wait for anything
        kill(target, client)
        if node.daemon.poll() is not None:
            node.start()
            wait_until(lambda: target["pid"] in [t["pid"] for t in node.ctl("target", "list")], "the target is adopted")
        said = client.communicate(timeout=DEADLINE_S)[1]
        assert client.returncode in (0, -signal.SIGKILL) or "gantryctl: " in said, (i, client.returncode, said)
        if client.returncode == 0 or fetched.exists():
            check_whole(fetched)
        # One that was killed may just have given the file its name.
        assert client.returncode in (0, -signal.SIGKILL) or not fetched.exists(), (i, said)
        wait_until(lambda: all(capture["state"] in ("done", "failed") for capture in node.ctl("node", "captures")), "the window ends")
        for report in node.ctl("report", "list"):
            check_whole(node.folder / "reports" / report["name"])
    target, _ = node.launch_server()  # as if nothing had been
    node.ctl("capture", "--target", target["id"], "--for", "200ms", "--no-after", "-o", node.folder / "after.gantry")
    check_whole(node.folder / "after.gantry")


def leaves_whole_reports_when_the_target_is_killed_at_any_instant(node):
    leaves_whole_reports_or_none(node, lambda target, client: os.kill(target["pid"], signal.SIGKILL))


def leaves_whole_reports_when_the_daemon_is_killed_at_any_instant(node):
    leaves_whole_reports_or_none(node, lambda target, client: node.kill_daemon())


def leaves_whole_reports_when_the_client_is_killed_at_any_instant(node):
    leaves_whole_reports_or_none(node, lambda target, client: client.kill())


def lists_loads_and_unloads_the_models_of_a_server(node):
    target, _ = node.launch_server("--model-control-mode", "explicit", "--load-model", "add_sub")
    server = target["id"]

    def state(name):
        return [model["state"] for model in node.ctl("model", "list", server) if model["name"] == name]

    assert state("add_sub") == ["READY"] and state("identity") != ["READY"], node.ctl("model", "list", server)
    served = node.ctl("model", "config", server, "add_sub")["config"]
    assert "max_batch_size: 16\n" in served, served

    edited = node.folder / "config.pbtxt"
    edited.write_text(served.replace("max_batch_size: 16", "max_batch_size: 32"))
    checked = node.ctl("model", "load", server, "add_sub", "--config", edited, "--check")
    assert checked["problems"] == [] and "-max_batch_size: 16\n+max_batch_size: 32\n" in checked["diff"], checked
    assert node.ctl("model", "config", server, "add_sub")["config"] == served  # checking changed nothing
    node.ctl("model", "load", server, "add_sub", "--config", edited)
    assert "max_batch_size: 32\n" in node.ctl("model", "config", server, "add_sub")["config"]

    edited.write_text("name: \"add_sub\"\nmax_batch_size: many\n")
    problems = node.ctl("model", "load", server, "add_sub", "--config", edited, "--check", status=65)["problems"]
    assert (problems[0]["line"], problems[0]["column"]) == (2, 17), problems
    error = node.ctl("model", "load", server, "add_sub", "--config", edited, status=65)["error"]
    assert "config.pbtxt:2:17: " in error["message"], error
    edited.write_text(served.replace('backend: "add_sub"', 'backend: "none_such"'))
    error = node.ctl("model", "load", server, "add_sub", "--config", edited, status=65)["error"]
    assert "none_such" in error["message"], error
    assert "max_batch_size: 32\n" in node.ctl("model", "config", server, "add_sub")["config"]  # what served goes on

    node.ctl("model", "load", server, "identity")
    assert state("identity") == ["READY"]
    node.ctl("model", "unload", server, "identity")
    assert state("identity") != ["READY"]
    node.ctl("model", "load", server, "add_sub")
    assert node.ctl("model", "config", server, "add_sub")["config"] == served  # the repository's again
    program = node.ctl("target", "launch", "--no-inject", "--", "sleep", "60")["id"]
    assert "endpoint" in node.ctl("model", "list", program, status=2)["error"]["message"]


def adopts_a_target_after_the_daemon_was_killed(node):
    target, address = node.launch_server()
    load = node.load(address, 8)
    node.kill_daemon()
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
    node.launch_server()
    node.ctl("capture", "--for", "500ms", "-o", node.folder / "first.gantry")
    assert node.ctl("report", "fetch", "nothing.gantry", status=65)["error"]["code"] == "not_found"
    assert node.ctl("report", "fetch", "../secret", "-o", node.folder / "s", status=65)["error"]["code"] == "not_found"
    cut = node.folder / "cut.gantry"
    cut.write_bytes((node.folder / "first.gantry").read_bytes()[:20000])
    assert node.ctl("report", "info", cut, status=65)["error"]["message"]
    away = subprocess.run([node.bin / "gantryctl", "--node", "unix:/dev/null/nonexistent/d.sock", "node", "info"], capture_output=True, text=True, timeout=DEADLINE_S)
    assert away.returncode == 69 and "gantryd" in away.stderr, away


def tells_a_second_client_who_holds_the_window(node):
    target, _ = node.launch_server()
    first = subprocess.Popen([node.bin / "gantryctl", "--json", "--node", node.address, "capture", "--until-exit", "-o", node.folder / "first.gantry"],
                             stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    node.others.append(first)
    wait_until(node.is_held, "the window is open")
    busy = node.ctl("capture", "--target", target["id"], "--for", "1s", "-o", node.folder / "second.gantry", status=75)
    assert busy["error"]["code"] == "busy", busy
    assert "gantryctl" in busy["error"]["message"], busy  # names the holder
    assert not (node.folder / "second.gantry").exists()
    first.send_signal(signal.SIGINT)  # ends the window early; the report arrives all the same
    out, _ = first.communicate(timeout=DEADLINE_S)
    assert first.returncode == 0, out
    assert node.ctl("report", "info", node.folder / "first.gantry")["format"] == "gantry"
    assert not node.is_held()


def waits_behind_a_capture_of_another_engine(node):
    target, _ = node.launch_server("--trace-config", f"triton,file={node.folder}/requests.json")
    first = subprocess.Popen([node.bin / "gantryctl", "--node", node.address, "capture", "--engine", "triton", "--for", "50s", "--no-after",
                              "-o", node.folder / "first.gantry"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    node.others.append(first)
    wait_until(node.is_held, "the window is open")
    second = ["capture", "--target", target["id"], "--for", "200ms", "--no-after", "-o", node.folder / "second.gantry"]
    assert "triton" in node.ctl(*second, status=75)["error"]["message"]
    waiting = subprocess.Popen([node.bin / "gantryctl", "--json", "--node", node.address, *second, "--queue"], stdout=subprocess.PIPE, text=True)
    node.others.append(waiting)
    held = [capture["capture_id"] for capture in node.ctl("node", "captures") if capture["state"] == "capturing"]
    node.ctl("node", "stop-capture", *held)
    out, _ = waiting.communicate(timeout=DEADLINE_S)
    assert waiting.returncode == 0, out
    assert first.wait(DEADLINE_S) == 0
    check_whole(node.folder / "second.gantry")
    check_whole(node.folder / "first.gantry")


def gives_up_at_the_second_interrupt_though_the_daemon_hangs(node):
    node.launch_server()
    capture = subprocess.Popen([node.bin / "gantryctl", "--node", node.address, "capture", "--until-exit", "-o", node.folder / "first.gantry"],
                               stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    node.others.append(capture)
    wait_until(node.is_held, "the window is open")
    node.daemon.send_signal(signal.SIGSTOP)
    try:
        def is_ended():  # signals that come together count once, so more than two are sent
            capture.send_signal(signal.SIGINT)
            return capture.poll() is not None
        wait_until(is_ended, "gantryctl gives up")
        assert capture.returncode not in (0, -signal.SIGINT), capture.returncode
        said = capture.stderr.read()  # it said that the window goes on, though the first signal had asked for its end
        assert len(said.splitlines()) == 1 and "gantryd has not said that it closed the window" in said, said
    finally:
        node.daemon.send_signal(signal.SIGCONT)


def says_once_that_the_target_ended_in_the_window(node):
    target, _ = node.launch_server()
    capture = subprocess.Popen([node.bin / "gantryctl", "--node", node.address, "capture", "--for", "20s", "-o", node.folder / "k.gantry"],
                               stdout=subprocess.PIPE, text=True)
    node.others.append(capture)
    wait_until(node.is_held, "the window is open")
    os.kill(target["pid"], signal.SIGKILL)
    out, _ = capture.communicate(timeout=DEADLINE_S)
    assert capture.returncode == 0, out  # the report is there
    assert len([line for line in out.splitlines() if line.startswith("note")]) == 1, out


def launches_a_command_that_follows_launch_directly(node):
    job = [node.bin / "gantry-serve", "--cpu-only", "--model-repository", node.models, "--grpc-port", 0, "--http-port", 0, "--metrics-port", 0]
    done = node.ctl("capture", "--for", "300ms", "-o", node.folder / "j.gantry", "--wait-ready", "50s", "--launch", "--", *job)
    assert done["file"] == str(node.folder / "j.gantry"), done
    assert [target["argv"] for target in node.ctl("target", "list")] == [[str(word) for word in job]]


def shows_metrics_however_short_the_time(node):
    watch = [node.bin / "gantryctl", "--node", node.address, "node", "watch", "--for"]
    for length in ("1ms", "300ms", "1s"):
        shown = subprocess.run([*watch, length], capture_output=True, text=True, timeout=DEADLINE_S)
        assert shown.returncode == 0, shown
        assert re.search(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\n  host CPU +utilisation +[\d.e-]+ %$", shown.stdout, re.M), (length, shown)
    shown = subprocess.run([*watch, "1s", "--json"], capture_output=True, text=True, timeout=DEADLINE_S)
    samples = [json.loads(line) for line in shown.stdout.splitlines()]
    assert any(sample["name"] == "host_cpu_ratio" for sample in samples), shown
    now = time.time_ns()
    assert all(abs(now - sample["utc_ns"]) < DEADLINE_S * 10**9 and sample["mono_ns"] > 0 for sample in samples), samples


def says_in_its_own_words_that_a_port_is_taken(node):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        for command, status in (
                ([node.bin / "gantryd", "--listen", f"127.0.0.1:{port}", "--report-folder", node.folder / "other"], 69),
                ([node.bin / "gantry-serve", "--cpu-only", "--model-repository", node.models, "--grpc-port", str(port), "--http-port", "0", "--metrics-port", "0"], 73)):
            ended = subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE_S, env={**os.environ, "XDG_RUNTIME_DIR": str(node.folder)})
            assert ended.returncode == status, ended
            assert str(port) in ended.stderr.splitlines()[-1], ended
            assert ".cc:" not in ended.stderr, ended  # nothing of gRPC's own log


class CuttingProxy:
    """Stands between a client and the daemon, and kills the daemon after so many bytes of its answers."""

    def __init__(self, node, after_bytes):
        self.node, self.left, self.cut = node, after_bytes, threading.Event()
        self.address = f"unix:{node.folder}/proxy.sock"
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(node.folder / "proxy.sock"))
        self.listener.listen()
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            client, _ = self.listener.accept()
            server = socket.socket(socket.AF_UNIX)
            try:
                server.connect(str(self.node.folder / "d.sock"))
            except OSError:  # the daemon is gone, and so is this connection
                client.close()
                continue
            threading.Thread(target=self.forward, args=(client, server, False), daemon=True).start()
            threading.Thread(target=self.forward, args=(server, client, True), daemon=True).start()

    def forward(self, source, sink, is_answer):
        try:
            while data := source.recv(65536):
                sink.sendall(data)
                if is_answer and not self.cut.is_set():
                    self.left -= len(data)
                    if self.left <= 0:
                        self.node.kill_daemon()
                        self.cut.set()
                        break
        except OSError:  # the other direction has ended
            pass
        for end in (source, sink):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


def add_report(node, name, size):
    """A file in the report folder; what is in it does not matter to a fetch. Returns its SHA-256."""
    content = os.urandom(size)
    (node.folder / "reports" / name).write_bytes(content)
    return hashlib.sha256(content).hexdigest()


def resumes_a_fetch_that_the_daemons_death_cut(node):
    size = 32 << 20
    sha256 = add_report(node, "big.gantry", size)
    file, part = node.folder / "big.gantry", node.folder / "big.gantry.part"
    proxy = CuttingProxy(node, size // 4)
    fetch = subprocess.Popen([node.bin / "gantryctl", "--node", proxy.address, "report", "fetch", "big.gantry", "-o", file], stderr=subprocess.PIPE, text=True)
    node.others.append(fetch)
    assert proxy.cut.wait(DEADLINE_S)
    fetch.send_signal(signal.SIGINT)  # no need to wait until it has tried to reconnect for long enough
    _, said = fetch.communicate(timeout=DEADLINE_S)
    assert fetch.returncode not in (0, -signal.SIGINT) and len(said.splitlines()) == 1, (fetch.returncode, said)
    assert not file.exists()
    kept = part.stat().st_size
    assert 0 < kept < size, kept
    node.start()
    done = node.ctl("report", "fetch", "big.gantry", "-o", file)
    assert done["resumed_from_bytes"] == kept, (done, kept)
    assert done["sha256"] == sha256 == hashlib.sha256(file.read_bytes()).hexdigest(), done
    assert not part.exists()


def outlives_a_restart_of_the_daemon_in_a_fetch(node):
    size = 32 << 20
    sha256 = add_report(node, "big.gantry", size)
    proxy = CuttingProxy(node, size // 4)
    fetch = subprocess.Popen([node.bin / "gantryctl", "--json", "--node", proxy.address, "report", "fetch", "big.gantry", "-o", node.folder / "big.gantry"],
                             stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    node.others.append(fetch)
    assert proxy.cut.wait(DEADLINE_S)
    node.start()
    out, _ = fetch.communicate(timeout=DEADLINE_S)
    assert fetch.returncode == 0, out
    assert json.loads(out)["sha256"] == sha256 == hashlib.sha256((node.folder / "big.gantry").read_bytes()).hexdigest(), out


def says_that_a_report_does_not_fit_and_keeps_the_others(node):
    # A limit on the size of files stands in for a full disk: it needs no rights, and the write fails at the same place.
    target, _ = node.launch_server()
    first = node.ctl("capture", "--for", "300ms", "-o", node.folder / "first.gantry")
    resource.prlimit(node.daemon.pid, resource.RLIMIT_FSIZE, (16384, resource.RLIM_INFINITY))
    failed = subprocess.run([node.bin / "gantryctl", "--node", node.address, "capture", "--for", "300ms", "-o", node.folder / "second.gantry"],
                            capture_output=True, text=True, timeout=DEADLINE_S)
    assert failed.returncode == 73, failed
    assert len(failed.stderr.splitlines()) == 1 and "reports" in failed.stderr, failed  # says where
    assert not (node.folder / "second.gantry").exists()
    # Half a report would take the space that the next one needs.
    assert [path.name for path in (node.folder / "reports").iterdir() if not path.name.startswith(".")] == [first["report"]]
    assert [report["name"] for report in node.ctl("report", "list")] == [first["report"]]
    assert node.ctl("report", "fetch", first["report"], "-o", node.folder / "again.gantry")["sha256"] == first["sha256"]
    # With space again the same daemon captures the same target.
    resource.prlimit(node.daemon.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    assert [t["state"] for t in node.ctl("target", "list")] == ["running"]
    node.ctl("capture", "--target", target["id"], "--for", "300ms", "-o", node.folder / "third.gantry")


def keeps_the_part_of_a_fetch_that_fits(node):
    size = 1 << 20
    sha256 = add_report(node, "big.gantry", size)
    file = node.folder / "big.gantry"

    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (size // 2, resource.RLIM_INFINITY))

    # Python ignores SIGXFSZ, and so does what it starts unless told otherwise: the write fails as on a full disk.
    failed = subprocess.run([node.bin / "gantryctl", "--node", node.address, "report", "fetch", "big.gantry", "-o", file],
                            preexec_fn=limit, restore_signals=False, capture_output=True, text=True, timeout=DEADLINE_S)
    assert failed.returncode == 73, failed
    assert len(failed.stderr.splitlines()) == 1 and "big.gantry.part" in failed.stderr, failed
    assert (node.folder / "big.gantry.part").stat().st_size == size // 2
    done = node.ctl("report", "fetch", "big.gantry", "-o", file)
    assert done["resumed_from_bytes"] == size // 2 and done["sha256"] == sha256, done
    # gRPC took 10 s to be given back after a fetch whose client had gone; a supervisor would have lost patience.
    node.daemon.terminate()
    assert node.daemon.wait(5) == 0


def python_ranges(report):
    """Calls by process, domain, function, color and category, as a report has them."""
    rows = sqlite3.connect(report).execute("""
        SELECT range.globalTid >> 24 & 0xFFFFFF, domain.value, text.value, range.color, category.value, count(*), count(range.end)
        FROM NVTX_EVENTS range JOIN StringIds text ON text.id = range.textId
        JOIN NVTX_EVENTS named ON named.eventType = 75 AND named.domainId = range.domainId AND named.globalTid >> 24 = range.globalTid >> 24
        JOIN StringIds domain ON domain.id = named.textId
        LEFT JOIN NVTX_EVENTS kind ON kind.eventType = 33 AND kind.domainId = range.domainId AND kind.category = range.category
            AND kind.globalTid >> 24 = range.globalTid >> 24
        LEFT JOIN StringIds category ON category.id = kind.textId
        WHERE range.eventType = 59 GROUP BY 1, 2, 3, 4, 5""").fetchall()
    assert all(row[5] == row[6] for row in rows), "a range has no end"
    return rows


def traces_the_python_functions_that_a_file_names(node):
    if sys.version_info < (3, 8) or sys.implementation.name != "cpython":
        sys.exit(77)
    programs = pathlib.Path(__file__).parent / "python"
    own = node.folder / "own"
    own.mkdir()
    (own / "sitecustomize.py").write_text("import sys\nsys.has_own_sitecustomize = True\n")
    report = node.folder / "python.gantry"
    node.ctl("capture", "--launch", "--until-exit", "--python-functions", programs / "traced_functions.json", "--env", f"PYTHONPATH={own}",
             "-o", report, "--", sys.executable, programs / "traced_program.py", "fork", "spawn", "forkserver")
    log = subprocess.run([node.bin / "gantryctl", "--node", node.address, "target", "log", "t1"], capture_output=True, text=True,
                         timeout=DEADLINE_S).stdout
    assert "everything is as it was" in log, log
    for said in ("__main__.not_there is not traced: the main program", "traced_library.nothing is not traced: module traced_library has no nothing",
                 "traced_library.Model.nothing is not traced", "traced_library.constant is not traced: it is no function but of type int",
                 "traced_library.cached is not traced: it is no plain function", "were not imported: never_imported"):
        assert said in log, (said, log)

    rows = python_ranges(report)
    first = min(row[0] for row in rows)
    calls = {(domain, function): count for pid, domain, function, _, _, count, _ in rows if pid == first}
    assert calls == {
        ("Library", "plain"): 2, ("Library", "shape"): 2, ("Library", "raises"): 1,
        ("Library", "count"): 7,  # resumptions: 3 of the first, 2 each of those that are closed and thrown into
        ("Library", "coroutine"): 2, ("Library", "ticks"): 6,
        ("Library", "Model"): 1, ("Library", "Model.make"): 1, ("Library", "Model.forward"): 1, ("Library", "Model.double"): 2,
        ("Library", "Model.area"): 1, ("Library", "Derived.inherited"): 1,
        ("Main", "step"): 1, ("Main", "helper"): 1, ("Main", "Trainer.run"): 1, ("Python", "dumps"): 1}, calls
    looks = {(domain, function): (color, category) for pid, domain, function, color, category, _, _ in rows if pid == first}
    assert looks["Library", "plain"] == (0xFF3F51B5, "steps") and looks["Library", "Model.forward"] == (0xFFFF0000, "steps"), looks
    assert looks["Main", "step"] == (None, None), looks
    # Each of the three pools has called the functions four times, in processes of its own.
    for function in ("step", "helper", "plain"):
        assert sum(row[5] for row in rows if row[0] != first and row[2] == function) == 12, (function, rows)


def refuses_a_file_of_python_functions_that_is_wrong(node):
    wrong = node.folder / "wrong.json"
    wrong.write_text('[{"module": "torch", "functions": ["matmul"]},\n {"functions": ["f"]}]')
    refused = subprocess.run([node.bin / "gantryctl", "--node", node.address, "target", "launch", "--python-functions", wrong, "--", "true"],
                             capture_output=True, text=True, timeout=DEADLINE_S)
    assert refused.returncode == 65 and "object 2 has no module" in refused.stderr, refused
    assert node.ctl("target", "list") == []


def opens_windows_on_several_nodes_at_one_instant(node):
    other = Node(node.bin.parent, node.models.parent.parent)
    try:
        other.start()
        for each in (node, other):
            each.ctl("target", "launch", "--wait-ready", "20s", "--", each.bin / "gantry_nvtx_loop")
        # A third that is not there does not hold up the others.
        asked = time.time_ns()
        done = node.ctl("capture", "--with", other.address, "--with", "unix:/nonexistent/d.sock", "--for", "400ms",
                        "-o", node.folder / "ranks.gantry", status=69)
        first, second, third = done["nodes"]
        assert third["error"]["code"] == "unreachable" and third["file"] is None, third
        names = [pathlib.Path(one["file"]).name for one in (first, second)]
        host = socket.gethostname()
        assert names == [f"ranks-{host}.gantry", f"ranks-{host}-2.gantry"], names
        # Both nodes go by this machine's clock: the offsets that were measured are 0, up to what they say of themselves.
        sessions = set()
        for one in (first, second):
            rows = dict(sqlite3.connect(one["file"]).execute("SELECT name, value FROM META_DATA_CAPTURE"))
            sessions.add(rows["GANTRY_NODE_SESSION"])
            assert rows["GANTRY_NODE_SESSION_NODES"] == "2", rows
            error = int(rows["GANTRY_SHARED_CLOCK_ERROR_NS"])
            assert abs(int(rows["GANTRY_SHARED_CLOCK_OFFSET_NS"])) <= error == one["clock_error_ns"], (rows, one)
        assert len(sessions) == 1, sessions
        assert done["clock_error_ns"] == first["clock_error_ns"] + second["clock_error_ns"], done
        info = node.ctl("report", "info", first["file"], second["file"])
        assert info["files"][1]["alignment"] == "shared clock", info["files"]
        assert info["files"][1]["alignment_error_ns"] == done["clock_error_ns"], info["files"]
        # At one instant, which lies ahead so that the command reaches every node, and not when each hears of it.
        begins = [sqlite3.connect(one["file"]).execute("SELECT utcEpochNs FROM TARGET_INFO_SESSION_START_TIME").fetchone()[0]
                  for one in (first, second)]
        assert abs(begins[0] - begins[1]) < 400_000_000 and min(begins) - asked > 250_000_000, (begins, asked)
    finally:
        other.stop()


def refuses_what_several_nodes_cannot_do_together(node):
    refused = node.ctl("capture", "--with", node.address, "--repeat", "2", "--for", "1s", status=64)
    assert "goes without --repeat" in refused["error"]["message"], refused


def manages_processes_logs_and_reports(node):
    check = subprocess.run([node.bin / "gantryctl", "--json", "--node", node.address, "node", "check"], capture_output=True, text=True, timeout=30)
    document = json.loads(check.stdout)
    status = {"ok": 0, "note": 0, "limited": 1, "blocked": 1, "unknown": 2}[document["worst"]]
    assert check.returncode == status, (check.returncode, document["worst"])
    topics = {item["topic"]: item for item in document["items"]}
    assert {"driver", "disk", "capture library", "clock offset"} <= topics.keys(), topics.keys()
    assert topics["capture library"]["level"] == "ok", topics["capture library"]
    assert node.ctl("node", "info")["user_name"]

    first, _ = node.launch_server()
    target = node.ctl("target", "restart", first["id"])
    node.launched.append(Launched(target["pid"]))
    assert target["id"] != first["id"] and target["argv"] == first["argv"], target
    node.ctl("node", "processes")
    processes = [p for p in node.ctl("node", "processes")["processes"] if p["target"] == target["id"]]
    assert target["pid"] in [p["pid"] for p in processes], processes
    assert processes[0]["resident_bytes"] > 0 and processes[0]["user"], processes

    def lines(*options):
        done = subprocess.run([node.bin / "gantryctl", "--json", "--node", node.address, "target", "log", *options], capture_output=True, text=True, timeout=30, check=True)
        return [json.loads(line) for line in done.stdout.splitlines()]
    assert {line["level"] for line in lines()} == {"info"}, "gantryd's own"
    assert lines("--level", "error") == []
    assert all("listens" in line["text"] for line in lines("--grep", "LISTENS")) and lines("--grep", "LISTENS")

    for i in range(3):
        add_report(node, f"old-{i}.gantry", 1 << 20)
        os.utime(node.folder / f"reports/old-{i}.gantry", (1_000_000_000 + i, 1_000_000_000 + i))
    assert node.ctl("report", "keep", "old-0.gantry") == {"name": "old-0.gantry", "is_kept": True}
    policy = node.ctl("report", "policy", "--max-total", "2M", "--max-age", "36500d")
    assert policy["max_total_bytes"] == 2 << 20 and policy["reports"] == 3, "what the daemon has known for less than a minute stays"
    assert node.ctl("report", "policy", "--max-age", "none")["max_age_ns"] is None
    node.kill_daemon()
    node.start()
    assert node.ctl("report", "policy")["max_total_bytes"] == 2 << 20, "it survives the daemon"
    assert [r["name"] for r in node.ctl("report", "list") if r["is_kept"]] == ["old-0.gantry"]
    assert node.ctl("report", "unkeep", "old-0.gantry")["is_kept"] is False
    node.ctl("report", "policy", "--max-total", "many", status=64)
    node.ctl("report", "keep", "../x.gantry", status=65)
    node.ctl("target", "restart", "t999", status=65)


def names_the_execution_of_gpu_work_as_the_server_knows_it(node):
    truth = node.folder / "truth.jsonl"
    target, address = node.launch_server("--ground-truth", truth, gpu=True)
    if "no CUDA" in node.log(target) or "no GPU" in node.log(target):
        print("skipped: gantry-serve found no GPU")
        sys.exit(77)
    node.load(address, 6)
    wait_until(lambda: truth.read_text().count("bert_base") > 20, "requests are served")
    node.ctl("capture", "--target", target["id"], "--for", "1s", "-o", node.folder / "a.gantry")
    node.ctl("target", "stop", target["id"])  # the log is whole
    checked = json.loads(subprocess.run([node.bin / "join_check", node.folder / "a.gantry", truth], capture_output=True, text=True, check=True).stdout)
    assert checked["events"] > 1000 and checked["wrong"] == 0, checked
    assert checked["right"] >= 0.999 * checked["events"], checked


if __name__ == "__main__":
    run(globals())
