# shellcheck shell=bash
# What ./run and ./check do before they build: Debian packages, CUDA headers, configure. Sourced by both, from the root of the tree,
# with $setup_log naming the file that takes what the commands print.

: "${setup_log:?}"

say() { printf '%s\n' "$*"; }
complain() { printf '%s\n' "$*" >&2; }

# Packages of the given lists that are not installed, one a line.
missing_packages() {
    local wanted installed
    wanted=$(sed -e 's/#.*//' -e '/^[[:space:]]*$/d' -- "$@" | sort -u)
    # dpkg-query fails when it does not know one of the names; what it prints for the others still counts.
    # shellcheck disable=SC2086 # one argument per package
    installed=$(dpkg-query -W -f='${db:Status-Status} ${Package}\n' $wanted 2>/dev/null | sed -n 's/^installed //p' | sort -u) || true
    comm -23 <(printf '%s\n' "$wanted") <(printf '%s\n' "$installed")
}

# Installs packages as root or through sudo; says which command to run where neither is possible.
install_packages() {
    # RUNLEVEL=1 keeps a service that comes along (sshd) from being started.
    local as_root=(env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1)
    local apt=(apt-get -y -o Acquire::Retries=3 -o DPkg::Lock::Timeout=300)
    if [[ $(id -u) -ne 0 ]]; then
        # Without a terminal sudo could only wait for a password that nobody types.
        if ! command -v sudo >/dev/null || ! { [[ -t 0 ]] || sudo -n true 2>/dev/null; }; then
            complain "These packages are missing, and installing them needs root. Run this, then start again:"
            complain "    sudo apt-get update && sudo apt-get install --no-install-recommends $*"
            return 1
        fi
        as_root=(sudo "${as_root[@]}")
    fi
    local attempt
    for attempt in 1 2 3; do
        if "${as_root[@]}" "${apt[@]}" update >>"$setup_log" 2>&1 &&
            "${as_root[@]}" "${apt[@]}" install --no-install-recommends "$@" >>"$setup_log" 2>&1; then
            return 0
        fi
        say "apt-get did not succeed (attempt $attempt of 3)"
        sleep $((attempt * 3))
    done
    complain "apt-get could not install the packages; its messages are in $setup_log. By hand:"
    complain "    sudo apt-get update && sudo apt-get install --no-install-recommends $*"
    return 1
}

# setup_packages LIST…: makes sure that every package of the lists is there.
setup_packages() {
    if ! command -v dpkg-query >/dev/null; then
        say "Not a Debian system: what is needed is listed in $*; going on with what is installed."
        return 0
    fi
    local missing
    mapfile -t missing < <(missing_packages "$@")
    if ((${#missing[@]} == 0)); then
        return 0
    fi
    say "Installing ${#missing[@]} Debian packages: ${missing[*]}"
    install_packages "${missing[@]}"
}

# True where CMake will find the CUPTI, CUDA and NVTX headers of an installed toolkit.
have_cuda_toolkit_headers() {
    local folder
    for folder in ${CUDA_HOME:+"$CUDA_HOME"} ${CUDA_PATH:+"$CUDA_PATH"} /usr/local/cuda /usr; do
        if [[ -e $folder/include/cuda.h && -e $folder/include/nvtx3/nvToolsExt.h ]] &&
            [[ -e $folder/include/cupti.h || -e $folder/extras/CUPTI/include/cupti.h ]]; then
            return 0
        fi
    done
    return 1
}

# Takes the headers out of NVIDIA's Python packages into the folder $1. Every step may fail (no network, no pip).
fetch_cuda_headers() {
    local target=$1 pins=resources/cuda-headers.txt work
    if ! python3 -m pip --version >/dev/null 2>&1; then
        setup_packages <(echo python3-pip) || return 1
    fi
    rm -rf "$target"
    work=$(mktemp -d)
    # pip checks the SHA-256 of each file against the list.
    python3 -m pip download --quiet --disable-pip-version-check --no-deps --only-binary=:all: --require-hashes --retries 3 \
        --dest "$work" --requirement "$pins" >>"$setup_log" 2>&1 &&
        python3 cmake/unpack_cuda_headers.py "$work"/*.whl "$target" >>"$setup_log" 2>&1 &&
        printf '#include <cuda_runtime_api.h>\n#include <cupti.h>\n#include <nvtx3/nvToolsExt.h>\n' |
        c++ -std=c++20 -fsyntax-only -I "$target/include" -x c++ - >>"$setup_log" 2>&1 &&
        cp "$pins" "$target/fetched.txt"
    local status=$?
    rm -rf "$work"
    return "$status"
}

# Makes sure that there are CUDA headers, or says what is left out. Never fails: everything but CUDA capture works without.
setup_cuda_headers() {
    local target=build/cuda-headers
    if have_cuda_toolkit_headers || cmp -s resources/cuda-headers.txt "$target/fetched.txt"; then
        return 0
    fi
    say "No CUDA toolkit here: fetching the CUPTI, NVTX and CUDA runtime headers from NVIDIA's Python packages (16 MB)"
    if ! fetch_cuda_headers "$target"; then
        rm -rf "$target"
        say "The CUDA headers could not be fetched (details: $setup_log)."
        say "Left out of this build: libgantry_capture.so, that is the capture of CUDA work and NVTX ranges in target processes."
    fi
}

# The ci preset turns warnings into errors; that there are none is promised for Debian 12's compiler only.
promises_no_warnings() { grep -qs '^VERSION_CODENAME=bookworm' /etc/os-release; }

# configure PRESET BUILD_FOLDER: runs CMake unless the folder is configured already.
configure() {
    local preset=$1 folder=$2 extra=()
    if [[ -e $folder/build.ninja ]]; then
        return 0
    fi
    if ! promises_no_warnings; then
        extra+=(-DGANTRY_WERROR=OFF)
    fi
    say "Configuring $folder (preset $preset)"
    cmake --preset "$preset" ${extra[@]+"${extra[@]}"} >>"$setup_log" 2>&1
}

# build FOLDER TARGET…: builds, everything into $setup_log, progress in tens of percent on the terminal.
build() {
    local folder=$1
    shift
    NINJA_STATUS='[%p %f/%t] ' ninja -C "$folder" "$@" 2>&1 | tee -a "$setup_log" | awk '
        /^\[ *[0-9]+% [0-9]+\/[0-9]+\]/ {
            percent = $0; sub(/^\[ */, "", percent); sub(/%.*/, "", percent)
            if (int(percent / 10) > shown && percent < 100) { shown = int(percent / 10); printf "  %d0 %%\n", shown; fflush() }
        }'
}
