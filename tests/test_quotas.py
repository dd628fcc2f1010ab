"""The cores that a container allows, over files such as Linux shows."""

import os

import pytest

from bytepiece import parallel
from bytepiece._quotas import quotas

V2 = {
    "proc/self/cgroup": "0::/kubepods/pod5/worker\n",
    "sys/fs/cgroup/kubepods/cpu.max": "max 100000\n",
    "sys/fs/cgroup/kubepods/pod5/cpu.max": "250000 100000\n",
    "sys/fs/cgroup/kubepods/pod5/worker/cpu.max": "50000 10000\n",
}
V1 = {
    "proc/self/cgroup": "5:memory:/\n4:cpu,cpuacct:/docker/abc\n1:name=systemd:/x:y\n0::/\n",
    "sys/fs/cgroup/cpu,cpuacct/docker/abc/cpu.cfs_quota_us": "150000\n",
    "sys/fs/cgroup/cpu,cpuacct/docker/abc/cpu.cfs_period_us": "100000\n",
    "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us": "-1\n",
    "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us": "100000\n",
}
# In a container, the path is the host's, and the mounted tree begins at the container's group.
MOUNTED = {
    "proc/self/cgroup": "4:cpu:/docker/abc\n",
    "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "40000\n",
    "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n",
}
NAMESPACE = {"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": "400000 100000\n"}
ODD = {
    "proc/self/cgroup": "nothing\n0::/../up\n",
    "sys/fs/cgroup/cpu.max": "many cores\n",
}
BOTH = {**V1, "proc/self/cgroup": "0::/a\n4:cpu:/b\n", "sys/fs/cgroup/a/cpu.max": "100000 50000\n"}
CASES = [
    ({}, []),
    (V2, [5.0, 2.5]),
    (V1, [1.5]),
    (MOUNTED, [0.4]),
    (NAMESPACE, [4.0]),
    (ODD, []),
    (BOTH, [2.0]),
    ({**NAMESPACE, "sys/fs/cgroup/cpu.max": "max 100000\n"}, []),
    ({**NAMESPACE, "sys/fs/cgroup/cpu.max": "100000 0\n"}, []),
]


def made(root, files):
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, "utf-8")
    return root


@pytest.mark.parametrize(("files", "found"), CASES)
def test_quotas_of_all_groups_above(tmp_path, files, found):
    assert list(quotas(made(tmp_path, files))) == found


@pytest.mark.parametrize(("limits", "cores"), [([], 8), ([9.5], 8), ([5.9, 2.5], 2), ([0.4], 1)])
def test_usable_cores_are_at_most_the_quota(monkeypatch, limits, cores):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)), raising=False)
    monkeypatch.setattr(parallel, "quotas", lambda: iter(limits))
    assert parallel.usable_cores() == cores
