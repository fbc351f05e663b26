#!/usr/bin/env bash
# Makes the recording that ./run rehearses, on a machine with a GPU: gantry-serve under a load that changes, recorded while windows are captured.
# usage: make_rehearsal.sh BIN_FOLDER MODEL_REPOSITORY OUT_FOLDER [SECONDS [WINDOW [RATE]]]
#   OUT_FOLDER does not exist yet. Without a GPU: 40 500ms 12. RATE: requests a second to bert_base in the middle of the session; a third of it before and after.
set -euo pipefail
set -m # a load is a process group of its own, which ends as one
bin=$1 models=$2 out=$3 seconds=${4:-60} window=${5:-50ms} rate=${6:-1200}
state=$(mktemp -d)
chmod 700 "$state"
node=unix:$state/d.sock
"$bin/gantryd" --socket "$state/d.sock" --report-folder "$state/reports" --ready-file "$state/ready" 2>"$state/gantryd.log" &
daemon=$!
loads=()
finish() {
    local load
    for load in ${loads[@]+"${loads[@]}"}; do kill -- "-$load" 2>/dev/null || true; done
    kill $daemon 2>/dev/null || true
    wait $daemon || true
    rm -rf "$state"
}
trap finish EXIT
for ((i = 0; i < 100; i++)); do [[ -s $state/ready ]] && break; sleep 0.1; done
ctl=("$bin/gantryctl" --node "$node")
id=$("${ctl[@]}" --json target launch --name gantry-serve --grpc-address 127.0.0.1:18001 --metrics-url http://127.0.0.1:18002/metrics \
    --wait-ready 120s -- "$bin/gantry-serve" --model-repository "$models" --grpc-port 18001 --http-port 0 --metrics-port 18002 |
    python3 -c 'import json, sys; print(json.load(sys.stdin)["id"])')

# load MODEL RATE SECONDS
load() { "$bin/gantryctl" --json load --address 127.0.0.1:18001 --model "$1" --rate "$2" --for "$3s" >/dev/null; }
load bert_base 10 3 # what the first requests cost is not the session
load add_sub 20 "$((seconds + 5))" &
loads+=($!)
disown "$!"
{ load bert_base "$((rate / 3))" "$((seconds / 3))" && load bert_base "$rate" "$((seconds / 3))" && load bert_base "$((rate / 3))" "$((seconds / 3 + 5))"; } &
loads+=($!)
disown "$!"
"${ctl[@]}" node record --for "${seconds}s" -o "$out" &
recording=$!
for part in 1 2 3; do
    sleep "$((seconds / 4))"
    "${ctl[@]}" capture --target "$id" --for "$window" --label "window $part" -o "$state/window.gantry" >/dev/null
done
wait $recording
if command -v zstd >/dev/null; then zstd -q -19 --rm "$out"/reports/*.gantry; fi
du -sh "$out"
