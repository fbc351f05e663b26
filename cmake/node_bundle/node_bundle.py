"""Makes the node bundle: programs, their libraries and the demo models in one relocatable .tar.zst with a manifest.

    NAME/bin/…                programs, looking for libraries in $ORIGIN/../lib
    NAME/lib/…                our libraries and every library they need that is neither glibc nor the NVIDIA driver nor cuBLAS
    NAME/share/gantry/…       demo models, licence
    NAME/share/doc/…          copyright notices of the libraries
    NAME/manifest.json        version, glibc need, size and SHA-256 of each file

Python's standard library, and ldd, readelf, strip, patchelf, tar and zstd of the system.
"""

import argparse
import hashlib
import json
import pathlib
import re
import shutil
import struct
import subprocess
import sys

# Never in the bundle. glibc belongs to the node (its parts only work together, and with its loader).
GLIBC = {
    "ld-linux-x86-64.so.2", "libanl.so.1", "libc.so.6", "libdl.so.2", "libm.so.6", "libmvec.so.1", "libnsl.so.1",
    "libpthread.so.0", "libresolv.so.2", "librt.so.1", "libutil.so.1",
}
# Comes with the node's driver, or (cuBLAS, half a gigabyte) with its CUDA; only the CUDA backend looks for them.
DRIVER = re.compile(r"^(libcuda|libnvidia-[\w-]+|libcublas|libcublasLt)\.so")


CUDA_FOLDER = "/usr/local/cuda/lib64"

# The oldest glibc that the bundle runs on.
OLDEST_GLIBC = (2, 35)


def output_of(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def needed(elf: pathlib.Path) -> list[str]:
    """Sonames in DT_NEEDED."""
    return re.findall(r"\(NEEDED\).*\[(.+)\]", output_of("readelf", "-dW", str(elf)))


def resolved(elf: pathlib.Path) -> dict[str, pathlib.Path]:
    """Where the loader of this machine finds each library of the closure of `elf`."""
    found = re.findall(r"^\s*(\S+) => (/\S+)", output_of("ldd", str(elf)), re.MULTILINE)
    return {soname: pathlib.Path(path) for soname, path in found}


def glibc_need(elf: pathlib.Path) -> tuple[int, ...]:
    """The newest glibc version whose symbols `elf` asks for."""
    versions = re.findall(r"Name: GLIBC_(\d+(?:\.\d+)+)", output_of("readelf", "-VW", str(elf)))
    return max((tuple(map(int, version.split("."))) for version in versions), default=(0,))


def sections(data: bytes) -> dict[str, tuple[int, int]]:
    """Offset and size of each section of a 64-bit little-endian ELF file, by name."""
    table, = struct.unpack_from("<Q", data, 0x28)
    size, count, names = struct.unpack_from("<HHH", data, 0x3A)
    headers = [struct.unpack_from("<IIQQQQ", data, table + index * size) for index in range(count)]
    text = headers[names][4]
    return {data[text + name:data.index(b"\0", text + name)].decode(): (offset, length) for name, _, _, _, offset, length in headers}


def version_needs(data: bytes) -> list[tuple[int, str]]:
    """Each entry (Elf64_Vernaux) of .gnu.version_r: its offset in the file, and the version it names."""
    where = sections(data)
    if ".gnu.version_r" not in where:
        return []
    strings = where[".dynstr"][0]
    found = []
    need = where[".gnu.version_r"][0]
    while True:
        _, _, _, first, following = struct.unpack_from("<HHIII", data, need)
        entry = need + first
        while True:
            _, _, _, name, next_entry = struct.unpack_from("<IHHII", data, entry)
            found.append((entry, data[strings + name:data.index(b"\0", strings + name)].decode()))
            if next_entry == 0:
                break
            entry += next_entry
        if following == 0:
            return found
        need += following


def too_new(version: str) -> bool:
    number = re.fullmatch(r"GLIBC_(\d+(?:\.\d+)+)", version)
    return number is not None and tuple(map(int, number[1].split("."))) > OLDEST_GLIBC


def symbols_too_new(elf: pathlib.Path) -> set[str]:
    """Symbols that `elf` wants from a glibc newer than OLDEST_GLIBC."""
    wanted = re.findall(r"\*UND\*\s+\S+\s+\((GLIBC_\S+)\)\s+(\S+)", output_of("objdump", "-T", str(elf)))
    return {symbol for version, symbol in wanted if too_new(version)}


def take_from_compat(elf: pathlib.Path, compat: str, provided: set[str]) -> None:
    """Makes `elf` take what only a newer glibc has from the library `compat`.

    The loader refuses a file that names a glibc version which libc.so.6 does not have, whatever symbol it is for. The entry that
    names it is made to name an older version instead. libc has no such symbol under that version, so the lookup goes on to
    `compat`, which has no versions and matches any.
    """
    symbols = symbols_too_new(elf)
    if not symbols:
        return
    if missing := symbols - provided:
        sys.exit(f"node bundle: {elf.name} needs {', '.join(sorted(missing))} of a glibc newer than {'.'.join(map(str, OLDEST_GLIBC))}")
    subprocess.run(["patchelf", "--add-needed", compat, str(elf)], check=True)
    data = bytearray(elf.read_bytes())
    needs = version_needs(data)
    older = next(entry for entry, version in needs if version == "GLIBC_2.2.5")
    hash_value, = struct.unpack_from("<I", data, older)
    name, = struct.unpack_from("<I", data, older + 8)
    for entry, version in needs:
        if too_new(version):
            struct.pack_into("<I", data, entry, hash_value)
            struct.pack_into("<I", data, entry + 8, name)
    elf.write_bytes(data)


def is_system(soname: str) -> bool:
    return soname in GLIBC or DRIVER.match(soname) is not None


def collect_libraries(roots: list[pathlib.Path]) -> dict[str, pathlib.Path]:
    """Every library that `roots` need, transitively, less those of the system."""
    libraries: dict[str, pathlib.Path] = {}
    pending = list(roots)
    while pending:
        elf = pending.pop()
        where = resolved(elf)
        for soname in needed(elf):
            if is_system(soname) or soname in libraries:
                continue
            path = where.get(soname)
            if path is None:
                sys.exit(f"node bundle: {elf.name} needs {soname}, which this machine does not have")
            libraries[soname] = path
            pending.append(path)
    return libraries


def install_elf(source: pathlib.Path, target: pathlib.Path, rpath: str) -> None:
    """Copies an ELF file without debug information and with an rpath relative to itself."""
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source.resolve(), target)
    target.chmod(0o755)
    # strip comes first: it may undo the layout that patchelf makes.
    subprocess.run(["strip", "--strip-unneeded", str(target)], check=True)
    # DT_RPATH, not DT_RUNPATH: it also serves libraries of libraries, and LD_LIBRARY_PATH cannot put an older libstdc++ before ours.
    subprocess.run(["patchelf", "--force-rpath", "--set-rpath", rpath, str(target)], check=True)


def install_licences(libraries: list[pathlib.Path], target: pathlib.Path) -> None:
    """Copies Debian's copyright file of each package that a library is from; elsewhere than on Debian there is none to copy."""
    if shutil.which("dpkg") is None:
        return
    paths = [str(library.resolve()) for library in libraries]
    # /lib is a link to /usr/lib, but some packages still list their files under /lib.
    paths += [path.removeprefix("/usr") for path in paths]
    owners = subprocess.run(["dpkg", "-S", *paths], capture_output=True, text=True).stdout
    for package in sorted(set(re.findall(r"^([^:,\s]+)(?::\w+)?: ", owners, re.MULTILINE))):
        notice = pathlib.Path("/usr/share/doc", package, "copyright")
        if notice.exists():
            (target / package).mkdir(parents=True, exist_ok=True)
            shutil.copyfile(notice, target / package / "copyright")


def manifest_of(root: pathlib.Path, version: str) -> dict:
    files = []
    for path in sorted(path for path in root.rglob("*") if path.is_file()):
        data = path.read_bytes()
        files.append({"path": str(path.relative_to(root)), "size": len(data), "sha256": hashlib.sha256(data).hexdigest()})
    elfs = [path for folder in ("bin", "lib") for path in (root / folder).iterdir() if path.is_file()]
    return {
        "name": "gantry-node",
        "version": version,
        "architecture": "x86_64",
        "glibc": ".".join(map(str, max(glibc_need(elf) for elf in elfs))),
        "files": files,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--name", required=True, help="top folder of the archive")
    parser.add_argument("--version", required=True)
    parser.add_argument("--output", required=True, type=pathlib.Path)
    parser.add_argument("--work", required=True, type=pathlib.Path, help="folder for the unpacked bundle")
    parser.add_argument("--bin", action="append", default=[], type=pathlib.Path, help="program; repeat")
    parser.add_argument("--lib", action="append", default=[], type=pathlib.Path, help="library of ours; repeat")
    parser.add_argument("--compat", required=True, type=pathlib.Path, help="library with the symbols that an older glibc lacks")
    parser.add_argument("--share", action="append", default=[], help="SOURCE=PATH_IN_BUNDLE, file or folder; repeat")
    arguments = parser.parse_args()

    root = arguments.work / arguments.name
    shutil.rmtree(root, ignore_errors=True)
    for folder in ("bin", "lib"):
        (root / folder).mkdir(parents=True)

    libraries = collect_libraries(arguments.bin + arguments.lib)
    for program in arguments.bin:
        install_elf(program, root / "bin" / program.name, "$ORIGIN/../lib")
    for library in [*arguments.lib, arguments.compat]:
        # Where the loader's cache does not know the node's CUDA, cuBLAS is still found in its usual place.
        needs_cuda = any(DRIVER.match(soname) for soname in needed(library))
        install_elf(library, root / "lib" / library.name, f"$ORIGIN:{CUDA_FOLDER}" if needs_cuda else "$ORIGIN")
    for soname, library in libraries.items():
        install_elf(library, root / "lib" / soname, "$ORIGIN")
    provided = set(re.findall(r" T (\w+)", output_of("nm", "-D", "--defined-only", str(arguments.compat))))
    for folder in ("bin", "lib"):
        for elf in (root / folder).iterdir():
            take_from_compat(elf, arguments.compat.name, provided)
    install_licences(list(libraries.values()), root / "share" / "doc")
    for share in arguments.share:
        source, _, target = share.partition("=")
        target_path = root / target
        target_path.parent.mkdir(parents=True, exist_ok=True)
        if pathlib.Path(source).is_dir():
            shutil.copytree(source, target_path)
        elif pathlib.Path(source).exists():
            shutil.copyfile(source, target_path)

    manifest = manifest_of(root, arguments.version)
    (root / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n")

    # Same input, same archive: no times, no owners.
    subprocess.run(["tar", "--sort=name", "--mtime=@0", "--owner=0", "--group=0", "--numeric-owner", "--use-compress-program=zstd -9 -T0 -q",
                    "-cf", str(arguments.output), "-C", str(arguments.work), arguments.name], check=True)
    size = arguments.output.stat().st_size / 1e6
    print(f"{arguments.output.name}: {len(manifest['files'])} files, {size:.1f} MB, glibc >= {manifest['glibc']}")


if __name__ == "__main__":
    main()
