"""The fingerprint of a machine: everything that a latency or an int8 accuracy may depend on.

Reads `/proc` and `/sys` on Linux, else uses Python's `platform`. Versions of runtimes are read from
package metadata, without importing them.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import re
from collections.abc import Iterator
from functools import lru_cache
from importlib import metadata
from pathlib import Path

from paretoscope.values import Value

_FLAGS = re.compile(
    r"^(avx.*|.*vnni.*|amx.*|fma|f16c|sse4_2|neon|asimd.*|sve.*|i8mm|bf16|sme|sme\d.*)$"
)
"""Instruction sets by which matrix kernels are selected."""
_RUNTIME = ("onnxruntime", "numpy")
_MEMORY_STEP = 64 * 2**20
"""Installed memory is rounded to a multiple of this: kernels report it with small differences."""


@lru_cache(maxsize=1)
def fingerprint() -> Machine:
    """This machine; read once per process, in milliseconds."""
    return read_machine(Path("/"))


def read_machine(root: Path) -> Machine:
    """The machine with `/proc` and `/sys` below `root`."""
    cpu, flags = _processor(root)
    fields = {
        "cpu": cpu,
        "flags": flags,
        "cores": usable_cores(root),
        "memory_bytes": usable_memory(root),
        "system": _system(),
        "versions": {"python": platform.python_version(), **_versions()},
    }
    content = json.dumps(fields, sort_keys=True).encode()
    return Machine.model_validate({"id": hashlib.sha256(content).hexdigest()[:12], **fields})


def usable_cores(root: Path = Path("/")) -> int:
    """Cores that this process may use: its affinity, limited by its control groups, at least 1."""
    cores = (
        len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    )
    for folder in _control_groups(root, "cpu"):
        quota = _quota(folder)
        if quota is not None:
            cores = min(cores, int(quota))
    return max(1, cores)


def usable_memory(root: Path = Path("/")) -> int:
    """Bytes of memory that this process may use: installed memory, limited by control groups."""
    found = re.search(r"^MemTotal:\s+(\d+) kB", _text(root / "proc/meminfo"), re.MULTILINE)
    installed = (
        int(found[1]) * 1024 if found else os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    )
    memory = round(installed / _MEMORY_STEP) * _MEMORY_STEP
    for folder in _control_groups(root, "memory"):
        for name in ("memory.max", "memory.limit_in_bytes"):
            limit = _text(folder / name).strip()
            if limit.isdigit():
                memory = min(memory, int(limit))
    return memory


def _processor(root: Path) -> tuple[str, tuple[str, ...]]:
    """Name and instruction sets (`_FLAGS`) of the first processor in `/proc/cpuinfo`."""
    first = _text(root / "proc/cpuinfo").split("\n\n")[0]
    rows = {
        key.strip().lower(): value.strip()
        for key, _, value in (line.partition(":") for line in first.splitlines())
    }
    listed = (rows.get("flags") or rows.get("features") or "").lower().split()
    flags = tuple(sorted({flag for flag in listed if _FLAGS.match(flag)}))
    name = " ".join(rows.get("model name", "").split())
    if not name and "cpu part" in rows:
        name = f"ARM implementer {rows.get('cpu implementer', '?')} part {rows['cpu part']}"
    if name and not any(letter.isdigit() for letter in name) and "model" in rows:
        # A virtual machine may hide the product number ("AMD EPYC"); family and model identify the
        # generation.
        name = f"{name} (family {rows.get('cpu family', '?')}, model {rows['model']})"
    return name or platform.processor() or platform.machine(), flags


def _system() -> str:
    """Operating system with its version up to the minor one, architecture, C library."""
    release = ".".join(platform.release().split(".")[:2])
    library = " ".join(platform.libc_ver()).strip()
    return ", ".join(
        part for part in (f"{platform.system()} {release}", platform.machine(), library) if part
    )


def _versions() -> dict[str, str]:
    versions: dict[str, str] = {}
    for package in _RUNTIME:
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            versions[package] = "absent"
    return versions


def _control_groups(root: Path, controller: str) -> Iterator[Path]:
    """Folders of this process's control group and its parents: version 2, then version 1."""
    mount = root / "sys/fs/cgroup"
    for line in _text(root / "proc/self/cgroup").splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers and controller not in controllers.split(","):
            continue
        top = mount / controller if controllers else mount
        # In a container the path may be outside of the mount, whose root is then the group.
        parts = [] if ".." in path else [part for part in path.split("/") if part]
        for depth in range(len(parts), -1, -1):
            yield top.joinpath(*parts[:depth])


def _quota(folder: Path) -> float | None:
    """Number of CPUs that a control group allows; None without a limit."""
    if words := _text(folder / "cpu.max").split():
        quota, period = words[0], words[-1]
    else:
        quota = _text(folder / "cpu.cfs_quota_us").strip()
        period = _text(folder / "cpu.cfs_period_us").strip()
    if not (quota.isdigit() and period.isdigit() and int(period)):
        return None
    return int(quota) / int(period)


def _text(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""


class Machine(Value):
    """The fingerprint of a machine. `id` is 12 hex digits of a hash of all other fields."""

    id: str
    cpu: str
    flags: tuple[str, ...] = ()
    cores: int
    memory_bytes: int
    system: str
    versions: dict[str, str]

    def in_words(self) -> str:
        vnni = ", VNNI" if any("vnni" in flag for flag in self.flags) else ""
        return f"{self.cpu}, {self.cores} cores{vnni}"
