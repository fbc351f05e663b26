"""Prints 'N passed, N failed, N skipped' from ctest's JUnit file; exit status 1 when a test failed or none ran.

usage: test_totals.py FILE

A test that could not be started counts as failed: only a test that says itself that it skips is skipped.
"""

import sys
import xml.etree.ElementTree


def main() -> int:
    if len(sys.argv) != 2:
        print(__doc__, file=sys.stderr)
        return 64
    passed, failed, skipped = [], [], []
    for case in xml.etree.ElementTree.parse(sys.argv[1]).getroot().iter("testcase"):
        status, skip = case.get("status"), case.find("skipped")
        reason = "" if skip is None else skip.get("message", "")
        if status == "run":
            passed.append(case)
        elif status == "disabled" or (status == "notrun" and reason.startswith("SKIP_")):
            skipped.append(case)
        else:
            failed.append(case)
    for heading, cases in (("skipped", skipped), ("failed", failed)):
        for case in cases:
            print(f"{heading}: {case.get('name')}")
    print(f"{len(passed)} passed, {len(failed)} failed, {len(skipped)} skipped")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
