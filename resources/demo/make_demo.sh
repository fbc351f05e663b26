#!/usr/bin/env bash
# Makes the two demo reports on a machine with a GPU: the same load on BERT-base, outputs to pageable and then to pinned host memory.
# usage: make_demo.sh BIN_FOLDER MODEL_REPOSITORY OUT_FOLDER
set -euo pipefail
bin=$1 models=$2 out=$3
state=$(mktemp -d)
chmod 700 "$state"
node=unix:$state/d.sock
"$bin/gantryd" --socket "$state/d.sock" --report-folder "$state/reports" --ready-file "$state/ready" 2>"$out/gantryd.log" &
daemon=$!
trap 'kill $daemon; wait $daemon || true' EXIT
for ((i = 0; i < 100; i++)); do [[ -s $state/ready ]] && break; sleep 0.1; done
"$bin/gantryctl" --node "$node" node info --json >"$out/node.json"
for memory in pageable pinned; do
    id=$("$bin/gantryctl" --node "$node" --json target launch --name "gantry-serve-$memory" --grpc-address 127.0.0.1:18001 \
        --metrics-url http://127.0.0.1:18002/metrics --wait-ready 60s -- \
        "$bin/gantry-serve" --model-repository "$models" --grpc-port 18001 --http-port 0 --metrics-port 18002 --output-memory "$memory" |
        python3 -c 'import json, sys; print(json.load(sys.stdin)["id"])')
    load=("$bin/gantryctl" --json load --address 127.0.0.1:18001 --model bert_base --concurrency 16 --sequence 64)
    "${load[@]}" --for 5s >"$out/load-$memory-before.json"
    "${load[@]}" --for 14s >"$out/load-$memory-during.json" &
    during=$!
    sleep 11
    "$bin/gantryctl" --node "$node" --json capture --target "$id" --for 400ms --label "BERT-base, 4 instances, $memory outputs" \
        -o "$out/bert-$memory.gantry" >"$out/capture-$memory.json"
    wait "$during"
    "${load[@]}" --for 5s >"$out/load-$memory-after.json"
    "$bin/gantryctl" --node "$node" target stop "$id" >/dev/null
    "$bin/gantryctl" --json report info "$out/bert-$memory.gantry" >"$out/info-$memory.json"
    if command -v zstd >/dev/null; then zstd -q -19 --rm "$out/bert-$memory.gantry" -o "$out/bert-$memory.gantry.zst"; fi
done
