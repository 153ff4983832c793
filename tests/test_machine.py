from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from paretoscope import machine

_INTEL = (
    "processor\t: 0\nmodel name\t: Some  CPU 8480+\nflags\t\t: fpu smep avx2 avx512_vnni amx_int8"
    " sse4_2\n\nprocessor\t: 1\nmodel name\t: b\n"
)
_HIDDEN = "processor : 0\ncpu family : 25\nmodel : 17\nmodel name : AMD EPYC\nflags : avx\n"
_ARM = (
    "processor\t: 0\nFeatures\t: fp asimd asimddp i8mm sve bf16\nCPU implementer\t: 0x41\nCPU"
    " part\t: 0xd40\n"
)


def _host(root: Path, files: dict[str, str]) -> Path:
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return root


def test_processor_names_and_flags(tmp_path: Path) -> None:
    intel = machine.read_machine(_host(tmp_path / "intel", {"proc/cpuinfo": _INTEL}))
    assert (intel.cpu, intel.flags) == (
        "Some CPU 8480+",
        ("amx_int8", "avx2", "avx512_vnni", "sse4_2"),
    )
    assert "VNNI" in intel.in_words()
    assert (
        machine.read_machine(_host(tmp_path / "amd", {"proc/cpuinfo": _HIDDEN})).cpu
        == "AMD EPYC (family 25, model 17)"
    )
    arm = machine.read_machine(_host(tmp_path / "arm", {"proc/cpuinfo": _ARM}))
    assert (arm.cpu, arm.flags) == (
        "ARM implementer 0x41 part 0xd40",
        ("asimd", "asimddp", "bf16", "i8mm", "sve"),
    )


def test_control_groups_of_version_2_limit_cores_and_memory(tmp_path: Path) -> None:
    root = _host(
        tmp_path,
        {
            "proc/self/cgroup": "0::/pod/container\n",
            "proc/meminfo": "MemTotal:       33554432 kB\n",
            "sys/fs/cgroup/pod/cpu.max": "150000 100000\n",
            "sys/fs/cgroup/pod/container/cpu.max": "max 100000\n",
            "sys/fs/cgroup/pod/memory.max": "2147483648\n",
            "sys/fs/cgroup/pod/container/memory.max": "max\n",
        },
    )
    assert machine.usable_cores(root) == 1
    assert machine.usable_memory(root) == 2**31


def test_control_groups_of_version_1_limit_cores_and_memory(tmp_path: Path) -> None:
    root = _host(
        tmp_path,
        {
            # Seen from within a container: the path is outside of what is mounted, the mount is the
            # group itself.
            "proc/self/cgroup": "4:memory:/../docker/1\n1:cpu,cpuacct:/../docker/1\n",
            "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "100000\n",
            "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n",
            "sys/fs/cgroup/memory/memory.limit_in_bytes": "1073741824\n",
        },
    )
    assert machine.usable_cores(root) == 1
    assert machine.usable_memory(root) == 2**30


def test_no_limit_means_what_the_kernel_gives(tmp_path: Path) -> None:
    root = _host(
        tmp_path,
        {
            "proc/self/cgroup": "1:cpu:/\n4:memory:/\n",
            "proc/meminfo": "MemTotal: 16777000 kB\n",
            "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1\n",
            "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n",
            "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
        },
    )
    assert machine.usable_cores(root) == len(os.sched_getaffinity(0))
    assert machine.usable_memory(root) == 2**34


def test_the_id_is_stable_and_changes_with_what_matters(tmp_path: Path) -> None:
    one = machine.read_machine(_host(tmp_path / "one", {"proc/cpuinfo": _INTEL}))
    again = machine.read_machine(_host(tmp_path / "again", {"proc/cpuinfo": _INTEL}))
    other = machine.read_machine(
        _host(tmp_path / "other", {"proc/cpuinfo": _INTEL.replace("avx512_vnni", "")})
    )
    assert one == again
    assert one.id != other.id


def test_this_machine() -> None:
    here = machine.fingerprint()
    assert here is machine.fingerprint()
    assert here.cores >= 1
    assert here.memory_bytes > 2**28
    assert here.versions["numpy"] == np.__version__
    assert set(here.versions) == {"python", "onnxruntime", "numpy"}
