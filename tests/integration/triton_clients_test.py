"""gantry-serve driven by Triton's own clients: the Python packages tritonclient.http and tritonclient.grpc, and perf_analyzer.

usage: triton_clients_test.py SCENARIO BUILD_FOLDER

A Python with tritonclient is looked for in this order: the program GANTRY_TRITONCLIENT_PYTHON names, this Python, a virtual environment in
BUILD_FOLDER/tritonclient, which is made once where pip reaches a package index (about 45 MB, some 20 s; never with
GANTRY_TRITONCLIENT_PYTHON=none). perf_analyzer is that of GANTRY_PERF_ANALYZER or of PATH: no package index has it for today's Python.
What cannot be had makes the scenario skip (status 77) and say so.
"""

import csv
import fcntl
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

DEADLINE_S = 60
INSTALL_S = 150


def skip(reason):
    print("skipped:", reason)
    sys.exit(77)


def has_clients(python):
    probe = "import tritonclient.http, tritonclient.grpc, tritonclient.utils.shared_memory"
    return subprocess.run([python, "-c", probe], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0


def made_python(build):
    """The Python of the virtual environment in the build folder; tried once, since where it failed it fails again."""
    folder = build / "tritonclient"
    python, failed = folder / "bin/python", build / "tritonclient.failed"
    with open(build / "tritonclient.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if failed.exists():
            skip(f"{failed.read_text()}; delete {failed} to try again")
        if python.exists():
            return python
        steps = [[sys.executable, "-m", "venv", folder],
                 [python, "-m", "pip", "install", "-q", "--disable-pip-version-check", "--timeout", "5", "--retries", "0",
                  "tritonclient[http,grpc]"]]
        for step in steps:
            try:
                done = subprocess.run(step, capture_output=True, text=True, timeout=INSTALL_S)
                problem = (done.stderr or done.stdout).strip().splitlines()[-1:] if done.returncode else None
            except subprocess.TimeoutExpired:
                problem = [f"it took longer than {INSTALL_S} s"]
            if problem is not None:
                shutil.rmtree(folder, ignore_errors=True)
                failed.write_text(f"tritonclient cannot be installed ({' '.join(map(str, step[1:4]))}: {''.join(problem)})")
                skip(failed.read_text())
        return python


def run_in_python_with_clients(build):
    """Goes on in the Python that has tritonclient, if that is not this one."""
    wanted = os.environ.get("GANTRY_TRITONCLIENT_PYTHON")
    if has_clients(sys.executable):
        return
    if wanted and (wanted == "none" or not has_clients(wanted)):
        skip(f"GANTRY_TRITONCLIENT_PYTHON is {wanted}, which has no tritonclient")
    python = wanted or made_python(build)
    if os.environ.get("GANTRY_TRITONCLIENT_RUNNING"):
        skip(f"{python} does not import tritonclient")
    os.environ["GANTRY_TRITONCLIENT_RUNNING"] = "1"
    os.execv(python, [str(python), *sys.argv])


ADD_SUB = """
backend: "add_sub"
max_batch_size: 8
input [ { name: "INPUT0" data_type: TYPE_INT32 dims: 16 }, { name: "INPUT1" data_type: TYPE_INT32 dims: 16 } ]
output [ { name: "OUTPUT0" data_type: TYPE_INT32 dims: 16 }, { name: "OUTPUT1" data_type: TYPE_INT32 dims: 16 } ]
dynamic_batching { }
"""
TEXT = """
backend: "identity"
input { name: "INPUT0" data_type: TYPE_STRING dims: -1 }
output { name: "OUTPUT0" data_type: TYPE_STRING dims: -1 }
"""
REPEAT = """
backend: "identity"
input { name: "INPUT0" data_type: TYPE_INT32 dims: 1 }
output { name: "OUTPUT0" data_type: TYPE_INT32 dims: 1 }
model_transaction_policy { decoupled: true }
parameters { key: "responses" value { string_value: "3" } }
"""


class Server:
    """gantry-serve on free ports, with models of its own; ended and checked by `with`."""

    def __init__(self, build, *options):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="gantry-test-"))
        for name, config in (("add_sub", ADD_SUB), ("text", TEXT), ("repeat", REPEAT)):
            (self.folder / "models" / name / "1").mkdir(parents=True)
            (self.folder / "models" / name / "config.pbtxt").write_text(config)
        ready = self.folder / "ready"
        self.process = subprocess.Popen(
            [build / "bin/gantry-serve", "--cpu-only", "--model-repository", self.folder / "models", "--grpc-port", "0", "--http-port", "0",
             "--metrics-port", "0", "--ready-file", ready, "--model-control-mode", "explicit", "--load-model", "*",
             "--trace-config", f"triton,file={self.folder}/trace.json", *options],
            stderr=subprocess.DEVNULL)
        end = time.monotonic() + DEADLINE_S
        while not ready.exists():
            assert self.process.poll() is None and time.monotonic() < end, "gantry-serve did not start"
            time.sleep(0.05)
        ports = json.loads(ready.read_text())
        self.grpc, self.http, self.metrics = (f"127.0.0.1:{ports[name]}" for name in ("grpc_port", "http_port", "metrics_port"))

    def metrics_text(self):
        with urllib.request.urlopen(f"http://{self.metrics}/metrics", timeout=DEADLINE_S) as response:
            return response.read().decode()

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(DEADLINE_S)
        shutil.rmtree(self.folder)
        if kind is None:
            assert status == 0, status


def inputs(client, rows=1, binary=None):
    import numpy as np
    values = [np.arange(rows * 16, dtype=np.int32).reshape(rows, 16), np.ones((rows, 16), dtype=np.int32)]
    tensors = [client.InferInput(f"INPUT{i}", value.shape, "INT32") for i, value in enumerate(values)]
    for tensor, value in zip(tensors, values):
        tensor.set_data_from_numpy(value, **({} if binary is None else {"binary_data": binary}))
    return tensors, values


def check(result, values):
    assert (result.as_numpy("OUTPUT0") == values[0] + values[1]).all()
    assert (result.as_numpy("OUTPUT1") == values[0] - values[1]).all()


def refused(call, *parts):
    """The call fails as tritonclient has it, with these parts in its sentence."""
    from tritonclient.utils import InferenceServerException
    try:
        call()
    except InferenceServerException as error:
        assert all(part in str(error) for part in parts), (str(error), parts)
        return
    raise AssertionError(f"not refused: {parts}")


def shared_memory(client, module, name):
    """Inputs and an output in system shared memory; the object's region is registered and unregistered."""
    import numpy as np
    import tritonclient.utils.shared_memory as shm
    values = [np.arange(16, dtype=np.int32).reshape(1, 16), np.full((1, 16), 5, dtype=np.int32)]
    region = shm.create_shared_memory_region(name, f"/{name}-{os.getpid()}", 192)
    try:
        shm.set_shared_memory_region(region, values)
        client.register_system_shared_memory(name, f"/{name}-{os.getpid()}", 192)
        refused(lambda: client.register_system_shared_memory(name, f"/{name}-{os.getpid()}", 192), "already in manager")
        tensors = [module.InferInput(f"INPUT{i}", [1, 16], "INT32") for i in range(2)]
        for i, tensor in enumerate(tensors):
            tensor.set_shared_memory(name, 64, offset=64 * i)
        output = module.InferRequestedOutput("OUTPUT0")
        output.set_shared_memory(name, 64, offset=128)
        client.infer("add_sub", tensors, outputs=[output])
        assert (shm.get_contents_as_numpy(region, np.int32, [48])[32:] == (values[0] + values[1])[0]).all()
        tensors[0].set_shared_memory(name, 64, offset=160)
        refused(lambda: client.infer("add_sub", tensors), "Invalid offset + byte size for shared memory region")
        client.unregister_system_shared_memory()
        refused(lambda: client.infer("add_sub", tensors), "Unable to find shared memory region")
    finally:
        shm.destroy_shared_memory_region(region)


def serves_the_http_client(build):
    import numpy as np
    import tritonclient.http as client_module
    with Server(build) as server, client_module.InferenceServerClient(server.http, concurrency=4) as client:
        assert client.is_server_live() and client.is_server_ready() and client.is_model_ready("add_sub")
        assert not client.is_model_ready("nope")
        assert "binary_tensor_data" in client.get_server_metadata()["extensions"]
        assert client.get_model_metadata("add_sub")["inputs"][0] == {"name": "INPUT0", "datatype": "INT32", "shape": [-1, 16]}
        assert client.get_model_config("add_sub")["max_batch_size"] == 8
        for binary in (True, False):
            tensors, values = inputs(client_module, rows=3, binary=binary)
            outputs = [client_module.InferRequestedOutput(f"OUTPUT{i}", binary_data=binary) for i in range(2)]
            check(client.infer("add_sub", tensors, outputs=outputs, request_id="7"), values)
            check(client.infer("add_sub", tensors, request_compression_algorithm="gzip", response_compression_algorithm="deflate"), values)
        handles = [client.async_infer("add_sub", tensors) for _ in range(16)]
        for handle in handles:
            check(handle.get_result(), values)
        text = client_module.InferInput("INPUT0", [3], "BYTES")
        for binary in (True, False):
            text.set_data_from_numpy(np.array(["a", "öl", ""], dtype=object), binary_data=binary)
            given = client_module.InferRequestedOutput("OUTPUT0", binary_data=binary)
            echoed = [v if isinstance(v, str) else v.decode() for v in client.infer("text", [text], outputs=[given]).as_numpy("OUTPUT0")]
            assert echoed == ["a", "öl", ""], echoed
        classes = client.infer("add_sub", tensors, outputs=[client_module.InferRequestedOutput("OUTPUT0", class_count=2)])
        assert classes.as_numpy("OUTPUT0")[0][0].decode() == "16:15", classes.as_numpy("OUTPUT0")
        tensors[0].set_shape([3, 15])
        refused(lambda: client.infer("add_sub", tensors), "[400]", "INPUT0")
        refused(lambda: client.infer("nope", tensors), "[404]", "Request for unknown model: 'nope' is not found")
        refused(lambda: client.infer("repeat", tensors), "[501]", "decoupled")
        shared_memory(client, client_module, "gantry_http")
        controls(client)
        statistics = client.get_inference_statistics("add_sub")["model_stats"][0]
        assert statistics["inference_stats"]["success"]["count"] == 22, statistics  # 4 of 3 rows, 16 more, classes, shared memory
        assert statistics["inference_count"] == 64, statistics
        assert 'nv_inference_count{model="add_sub",version="1"} 64\n' in server.metrics_text()


def controls(client):
    """What both clients call alike: the repository, the tracer and the log."""
    models = client.get_model_repository_index()
    names = {model["name"] for model in models} if isinstance(models, list) else {model.name for model in models.models}
    assert {"add_sub", "text", "repeat"} <= names, names
    client.unload_model("text")
    end = time.monotonic() + DEADLINE_S
    while client.is_model_ready("text"):
        assert time.monotonic() < end
    client.load_model("text")
    assert client.is_model_ready("text")
    refused(lambda: client.load_model("nope"), "failed to load 'nope'")
    client.update_trace_settings(settings={"trace_level": ["TIMESTAMPS"], "trace_rate": "1"})
    now = client.get_trace_settings("add_sub")
    assert "TIMESTAMPS" in str(now) and "trace.json" in str(now), now
    refused(lambda: client.update_trace_settings(settings={"trace_rate": "x"}), "Unable to parse 'trace_rate', got: x")
    client.update_trace_settings(settings={"trace_level": ["OFF"]})
    client.update_log_settings({"log_verbose_level": 1})
    assert "log_verbose_level" in str(client.get_log_settings())
    assert len(str(client.get_cuda_shared_memory_status())) <= 2


def serves_the_grpc_client(build):
    import numpy as np
    import tritonclient.grpc as client_module
    with Server(build) as server, client_module.InferenceServerClient(server.grpc) as client:
        assert client.is_server_live() and client.is_server_ready() and client.is_model_ready("add_sub")
        assert client.get_model_metadata("add_sub").inputs[0].shape == [-1, 16]
        assert client.get_model_config("add_sub").config.max_batch_size == 8
        tensors, values = inputs(client_module, rows=2)
        check(client.infer("add_sub", tensors, compression_algorithm="gzip"), values)
        answers, changed = [], threading.Condition()

        def keep(result, error):
            with changed:
                answers.append((result, error))
                changed.notify()

        def wait_for(count):
            with changed:
                assert changed.wait_for(lambda: len(answers) >= count, DEADLINE_S), f"{len(answers)} answers"
                taken = list(answers)
                answers.clear()
            return taken

        for _ in range(16):
            client.async_infer("add_sub", tensors, keep)
        for result, error in wait_for(16):
            assert error is None, error
            check(result, values)

        client.start_stream(keep)
        for _ in range(16):
            client.async_stream_infer("add_sub", tensors)
        for result, error in wait_for(16):
            assert error is None, error
            check(result, values)
            assert result.get_response().parameters["triton_final_response"].bool_param
        number = client_module.InferInput("INPUT0", [1], "INT32")
        number.set_data_from_numpy(np.array([42], dtype=np.int32))
        client.async_stream_infer("repeat", [number], request_id="r", enable_empty_final_response=True)
        responses = wait_for(3)
        finals = [result.get_response().parameters["triton_final_response"].bool_param for result, error in responses]
        assert finals == [False, False, True], finals
        assert [result.as_numpy("OUTPUT0")[0] for result, _ in responses] == [42] * 3
        client.async_stream_infer("nope", tensors, request_id="lost")
        (_, error), = wait_for(1)
        assert "Request for unknown model: 'nope' is not found" in str(error), error
        client.stop_stream()

        tensors[0].set_shape([2, 15])
        refused(lambda: client.infer("add_sub", tensors), "StatusCode.INVALID_ARGUMENT", "INPUT0")
        shared_memory(client, client_module, "gantry_grpc")
        controls(client)
        count = client.get_inference_statistics("add_sub").model_stats[0].inference_stats.success.count
        assert count == 34, count


def serves_perf_analyzer(build):
    program = os.environ.get("GANTRY_PERF_ANALYZER") or shutil.which("perf_analyzer")
    if not program or subprocess.run([program, "--version"], capture_output=True).returncode != 0:
        skip("no perf_analyzer: name one with GANTRY_PERF_ANALYZER (and its libraries with LD_LIBRARY_PATH)")
    with Server(build) as server:
        shared = ["--shared-memory", "system", "--output-shared-memory-size", "64"]
        runs = {
            "grpc": ["-i", "grpc", "-u", server.grpc, "--concurrency-range", "4", "--async", "-b", "2"],
            "stream": ["-i", "grpc", "-u", server.grpc, "--concurrency-range", "4", "--streaming"],
            "grpc_shm": ["-i", "grpc", "-u", server.grpc, "--concurrency-range", "2", *shared],
            "http": ["-i", "http", "-u", server.http, "--concurrency-range", "4"],
            "http_json": ["-i", "http", "-u", server.http, "--request-rate-range", "50", "--input-tensor-format", "json",
                          "--output-tensor-format", "json"],
            "http_shm": ["-i", "http", "-u", server.http, "--concurrency-range", "2", *shared],
            "traced": ["-i", "grpc", "-u", server.grpc, "--concurrency-range", "1", "--trace-level", "TIMESTAMPS", "--trace-rate", "1",
                       "--trace-count", "20", "--collect-metrics", "--metrics-url", f"{server.metrics}/metrics"],
        }
        for name, options in runs.items():
            table = server.folder / f"{name}.csv"
            command = [program, "-m", "add_sub", "--measurement-mode", "count_windows", "--measurement-request-count", "50",
                       "--stability-percentage", "999", "-f", table, *options]
            done = subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE_S)
            assert done.returncode == 0, (name, done.stdout, done.stderr)
            row, = csv.DictReader(table.read_text().splitlines())
            assert float(row["Inferences/Second"]) > 0, (name, row)
            # The server's share is there, and no longer than the whole.
            server_us = sum(float(row[f"Server {part}"]) for part in ("Queue", "Compute Input", "Compute Infer", "Compute Output"))
            assert 0 < server_us <= float(row["p99 latency"]), (name, row)
        assert len({entry["id"] for entry in closed_trace(server)}) == 20


def closed_trace(server):
    """The trace file, whose array is closed only when the server ends."""
    path = server.folder / "trace.json"
    end = time.monotonic() + DEADLINE_S
    while not path.exists() or path.read_text().count("REQUEST_END") < 20:
        assert time.monotonic() < end, "the requests were not traced"
        time.sleep(0.05)
    return json.loads(path.read_text() + "]")


def main():
    scenario, build = sys.argv[1], pathlib.Path(sys.argv[2])
    if scenario != "serves_perf_analyzer":
        run_in_python_with_clients(build)
    globals()[scenario](build)


main()
