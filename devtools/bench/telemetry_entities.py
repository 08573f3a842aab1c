"""What bursts of pushes write in a real Home Assistant: the counts of the test that holds them."""

from pathlib import Path
import subprocess
import sys
import tempfile
from xml.etree import ElementTree as ET

TEST = "tests/platforms/test_entity_writes.py"


def bench_entities() -> None:
    """Run the test in a process of its own and print what it counted."""
    with tempfile.TemporaryDirectory() as directory:
        report = Path(directory) / "report.xml"
        command = (sys.executable, "-m", "pytest", "-q", "-n0", "-o", "junit_family=xunit1", TEST)
        run = subprocess.run(
            [*command, f"--junitxml={report}"], capture_output=True, text=True, check=False
        )
        if not report.exists():
            sys.exit(run.stdout + run.stderr)
        counted = [
            (str(row.get("name")), [int(n) for n in str(row.get("value")).split()])
            for row in ET.parse(report).iter("property")
        ]
    print("bursts of a simulated car's values, in a real Home Assistant")
    print(f"  {'':32}{'values sent':>12}{'entities changed':>18}{'written':>9}")
    for name, (values, changed, written) in counted:
        print(f"  {name:32}{values:12}{changed:18}{written:9}")
    values, changed, written = (
        sum(column) for column in zip(*(row for _, row in counted), strict=True)
    )
    print(f"  {'all of them':32}{values:12}{changed:18}{written:9}")
    print(f"  {'writes per changed entity':32}{written / changed:12.2f}")
    if run.returncode:
        sys.exit(run.stdout)
