#!/bin/sh
# Stands in for `nsys`: does what the file "mode" beside it says, and writes its arguments into "arguments" there. With --version it
# says one.
#   copy      copies export.sqlite to where --output says
#   keep      the same, and keeps the report in "received" and the mode of its file in "received.mode"
#   percent   copies, with a bar of progress
#   fail      says why and ends with 1
#   lie       ends with 0 and writes nothing
#   hang      starts a child, writes both process ids into "pids", and waits
#   stubborn  the same, and does not end with SIGTERM
here=$(dirname "$0")
if [ "$1" = --version ]; then
    echo 'NVIDIA Nsight Systems version 2025.1.1.110-251135451612v0'
    exit 0
fi
printf '%s\n' "$@" > "$here/arguments"
while [ $# -gt 0 ]; do
    if [ "$1" = --output ]; then
        target=$2
    fi
    report=$1
    shift
done
case $(cat "$here/mode") in
copy)
    cp "$here/export.sqlite" "$target"
    ;;
keep)
    cp "$report" "$here/received"
    stat -c %a "$report" > "$here/received.mode"
    cp "$here/export.sqlite" "$target"
    ;;
percent)
    printf 'Processing [1/1] [=25%%       ]\r'
    printf 'Processing [1/1] [=====60%%   ]\r'
    printf 'Exporting  [1/1] [=10%%       ]\r'
    printf 'Exporting  [1/1] [=====100%%  ]\n'
    cp "$here/export.sqlite" "$target"
    ;;
fail)
    echo 'Processing events...'
    echo
    echo 'The report was made by a newer version.' >&2
    exit 1
    ;;
lie) ;;
hang | stubborn)
    if [ "$(cat "$here/mode")" = stubborn ]; then
        trap '' TERM
    fi
    sleep 1000 &
    echo "$$ $!" > "$here/pids.new"
    mv "$here/pids.new" "$here/pids"
    while :; do
        wait || sleep 0.05
    done
    ;;
esac
