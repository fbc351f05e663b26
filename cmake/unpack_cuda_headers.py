"""Takes the header files (and the licence) out of NVIDIA's CUDA wheels.

usage: unpack_cuda_headers.py WHEEL... TARGET_FOLDER

nvidia/<any>/include/X of each wheel becomes TARGET_FOLDER/include/X.
"""

import pathlib
import sys
import zipfile


def unpack(wheel: pathlib.Path, target: pathlib.Path) -> int:
    """Unpacks one wheel and returns how many headers it held."""
    count = 0
    with zipfile.ZipFile(wheel) as archive:
        for name in archive.namelist():
            parts = pathlib.PurePosixPath(name).parts
            if name.endswith("/") or ".." in parts:
                continue
            if "include" in parts:
                path = target.joinpath("include", *parts[parts.index("include") + 1:])
                count += 1
            elif parts[-1].lower().startswith("license"):
                path = target / f"LICENSE.{wheel.name.split('-')[0]}"
            else:
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(archive.read(name))
    return count


def main() -> int:
    if len(sys.argv) < 3:
        print(__doc__, file=sys.stderr)
        return 64
    *wheels, target = map(pathlib.Path, sys.argv[1:])
    for wheel in wheels:
        count = unpack(wheel, target)
        print(f"{wheel.name}: {count} headers")
        if count == 0:
            print(f"{wheel.name} holds no include folder", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
