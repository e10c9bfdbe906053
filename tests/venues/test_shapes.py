"""Many threads that decode a shape for the first time at the same time: in a process of their own, for it would die."""

from __future__ import annotations

import subprocess
import sys

PLAY = """
import sys, threading, types
import msgspec
from venues.shapes import ready

sys.setswitchinterval(1e-6)
source = "import msgspec\\nfrom typing import Optional\\n"
for number in range(12):
    source += f"class A{number}(msgspec.Struct):\\n"
    source += "".join(f"    f{field}: Optional[dict[str, list[int]]] = None\\n" for field in range(30))
    source += f"    inner: Optional['A{number - 1}'] = None\\n" if number else ""
body = b'{"f1":{"a":[1]},"inner":{"f2":null,"inner":{"f3":{"b":[2]}}}}'
for turn in range(25):
    module = sys.modules[f"m{turn}"] = types.ModuleType(f"m{turn}")
    exec(source, module.__dict__)
    gate, read = threading.Barrier(6), []
    def decode(shape):
        gate.wait()
        read.append(msgspec.json.decode(body, type=ready(shape)))
    threads = [threading.Thread(target=decode, args=(shape,)) for shape in [module.A11, module.A11, module.A10] * 2]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert len(read) == 6
print("whole")
"""


def test_shapes_that_are_ready_survive_the_first_time():
    """With `type=shape` instead it ends by signal 11, nearly always."""
    done = subprocess.run([sys.executable, "-c", PLAY], capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "whole\n", "")
