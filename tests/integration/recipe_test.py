"""Scenarios of recipes with real processes: gantryd, gantry-serve, gantryctl recipe.

usage: recipe_test.py SCENARIO BUILD_FOLDER SOURCE_FOLDER
"""

import json
import signal
import socket
import subprocess
import sys

from test_node import DEADLINE_S, run, wait_until


def write_recipe(node, name, capture, load, more=""):
    """A recipe that starts the demo server on free ports."""
    sockets = [socket.socket() for _ in range(2)]
    for s in sockets:
        s.bind(("127.0.0.1", 0))
    grpc, metrics = (s.getsockname()[1] for s in sockets)
    for s in sockets:
        s.close()
    path = node.folder / f"{name}.yaml"
    path.write_text(f"""# made by a test
server:
  model_repository: {node.models}
  program: {node.bin / "gantry-serve"}
  flags: [--cpu-only, --http-port, "0"]
  grpc_address: 127.0.0.1:{grpc}
  metrics_url: http://127.0.0.1:{metrics}/metrics
warm_up: {{requests: 5}}
load: {load}
capture: {capture}
{more}""")
    return path


def check_report(node, path, recipe):
    """The report holds requests, the recipe, and what the load measured."""
    info = node.ctl("report", "info", path)
    assert info["counts"]["requests"] > 0, info
    assert info["recipe"]["name"], info
    assert info["recipe"]["load"]["ok"] > 0, info
    shown = subprocess.run([node.bin / "gantryctl", "recipe", "show", path], capture_output=True, text=True, check=True, timeout=DEADLINE_S)
    assert shown.stdout == recipe, (shown.stdout, recipe)
    plain = subprocess.run([node.bin / "gantryctl", "report", "info", path], capture_output=True, text=True, check=True, timeout=DEADLINE_S)
    assert "\nrecipe  " in plain.stdout and "\nload  " in plain.stdout, plain.stdout
    return shown.stdout


def has_no_server(node):
    return all(target["state"] in ("exited", "killed") for target in node.ctl("target", "list"))


def runs_again_from_its_report(node):
    recipe = write_recipe(node, "first", "{for: 500ms}", "{model: add_sub, concurrency: 2}")
    assert node.ctl("recipe", "check", recipe)["captures"]
    (node.folder / "one").mkdir()
    done = node.ctl("recipe", "run", recipe, "-o", node.folder / "one")
    assert done["load"]["ok"] > 0 and not done["load"]["partial"], done
    assert [window["file"] for window in done["windows"]] == [str(node.folder / "one/first.gantry")], done
    text = check_report(node, node.folder / "one/first.gantry", recipe.read_text())
    assert has_no_server(node), node.ctl("target", "list")
    assert json.loads((node.folder / "one/first.json").read_text())["ok"] == done["load"]["ok"]
    assert node.ctl("report", "info", node.folder / "one/first.csv")["format"] == "perf-analyzer"

    again = node.folder / "again.yaml"
    again.write_text(text)
    (node.folder / "two").mkdir()
    node.ctl("recipe", "run", again, "-o", node.folder / "two")
    check_report(node, node.folder / "two/again.gantry", text)


def keeps_what_an_interrupted_recipe_measured(node):
    recipe = write_recipe(node, "long", "{for: 5m}", "{model: add_sub, concurrency: 1}")
    running = subprocess.Popen([node.bin / "gantryctl", "--json", "--node", node.address, "recipe", "run", recipe, "-o", node.folder],
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    node.others.append(running)

    def records():
        assert running.poll() is None, running.communicate()
        return any(capture["state"] == "capturing" and capture["events"] > 0 for capture in node.ctl("node", "captures"))

    wait_until(records, "the window records")
    running.send_signal(signal.SIGINT)
    out, err = running.communicate(timeout=DEADLINE_S)
    assert running.returncode == 0, (running.returncode, out, err)
    assert json.loads(out)["load"]["partial"], out
    check_report(node, node.folder / "long.gantry", recipe.read_text())
    assert has_no_server(node), node.ctl("target", "list")


def measures_every_combination_of_a_sweep(node):
    recipe = write_recipe(node, "swept", "{for: 500ms}", "{model: add_sub}", "sweep: {instances: [1, 2], concurrency: [1, 4]}\n")
    assert node.ctl("recipe", "check", recipe)["combinations"] == 4
    out = node.folder / "swept"
    done = node.ctl("recipe", "run", recipe, "-o", out)
    assert (done["points"], done["failed"]) == (4, 0), done
    assert has_no_server(node), node.ctl("target", "list")
    assert len(node.ctl("target", "list")) == 2, "a server serves all loads of its configuration"
    sweep = node.ctl("sweep", out)
    measured = {(point["parameters"]["instances"], point["parameters"]["concurrency"]): point for point in sweep["points"]}
    assert sorted(measured) == [("1", "1"), ("1", "4"), ("2", "1"), ("2", "4")], sweep
    for (instances, concurrency), point in measured.items():
        assert point["throughput_per_second"] > 0 and point["measured_by"] == "client" and not point["error"], point
        assert point["report"] == str(out / f"swept-instances-{instances}-concurrency-{concurrency}.gantry"), point
        assert node.ctl("report", "info", point["report"])["counts"]["requests"] > 0
    # The server was really set up so: its configuration is in the reports.
    changed = node.ctl("compare", measured["1", "4"]["report"], measured["2", "4"]["report"], status=None)["changed"]
    assert {"name": "instance_group.count of add_sub", "a": "1", "b": "2"} in changed, changed
    assert {"name": "instances of add_sub that executed", "a": "1", "b": "2"} in changed, changed


def goes_on_behind_a_combination_that_fails(node):
    recipe = write_recipe(node, "partly", "{for: 500ms}", "{model: add_sub, concurrency: 2}", "sweep: {max_batch_size: [2, 8], batch: [1, 4]}\n")
    done = node.ctl("recipe", "run", recipe, "-o", node.folder / "partly", status=1)
    assert done["points"] == 4, done
    points = node.ctl("sweep", node.folder / "partly")["points"]
    bad = [point for point in points if point["error"] or point["failures"]]
    assert [(point["parameters"]["max batch size"], point["parameters"]["batch"]) for point in bad] == [("2", "4")], points
    assert has_no_server(node), node.ctl("target", "list")


def says_what_is_wrong_with_a_recipe(node):
    recipe = write_recipe(node, "wrong", "{for: 1s}", "{model: add_sub, concurency: 2}")
    error = node.ctl("recipe", "check", recipe, status=65)["error"]
    assert error["message"].startswith(f"{recipe}:9: load.concurency: there is no such key"), error
    assert node.ctl("recipe", "run", recipe, status=65)["error"] == error
    assert not node.ctl("target", "list")
    # A model that is not there is found when the server is: it is ended all the same.
    recipe = write_recipe(node, "unknown", "{for: 1s}", "{model: nobody, concurrency: 2}")
    error = node.ctl("recipe", "run", recipe, "-o", node.folder, status=65)["error"]
    assert "nobody" in error["message"], error
    assert has_no_server(node), node.ctl("target", "list")


if __name__ == "__main__":
    run(globals())
