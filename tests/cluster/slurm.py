"""A real Slurm of two nodes on this machine, without systemd and without a trace outside its folder."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "squeue")
#: Where Debian puts what only an administrator starts.
PATH = f"{os.environ['PATH']}:/usr/sbin:/sbin"

CONFIG = """\
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ports[0]}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool-%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd-%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd-%n.log
# What needs cgroups needs systemd.
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
# A job over its memory is stopped by whoever counts it, once a second.
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1
JobAcctGatherParams=OverMemoryKill
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
MinJobAge=86400
ReturnToService=2
SlurmdTimeout=10
KillWait=2
# More processors and memory than this machine has: the jobs share what there is.
SlurmdParameters=config_overrides
GresTypes=gpu
NodeName=n1 NodeHostname={host} NodeAddr=127.0.0.1 Port={ports[1]} CPUs=8 RealMemory=64000 Gres=gpu:1
NodeName=n2 NodeHostname={host} NodeAddr=127.0.0.1 Port={ports[2]} CPUs=8 RealMemory=64000 Gres=gpu:1
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""


class Process(NamedTuple):
    pid: int
    parent: int
    said: str


def processes() -> list[Process]:
    """Every process of this machine."""
    listed = subprocess.run(["ps", "-eo", "pid=,ppid=,args="], capture_output=True, text=True, check=True).stdout
    rows = (line.split(None, 2) for line in listed.splitlines())
    return [Process(int(row[0]), int(row[1]), row[2]) for row in rows]


def read(path: str) -> bytes:
    """What /proc says of a process; nothing where it has ended."""
    try:
        return Path(path).read_bytes()
    except OSError:
        return b""


def free_ports(n: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(n)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


class Slurm:
    """A controller and two nodes, n1 and n2."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        folder.mkdir(mode=0o755)
        for name in ("state", "spool-n1", "spool-n2"):
            (folder / name).mkdir()
        key = folder / "munge.key"
        key.write_bytes(os.urandom(128))
        key.chmod(0o400)
        host = socket.gethostname().partition(".")[0]
        (folder / "slurm.conf").write_text(CONFIG.format(host=host, folder=folder, ports=free_ports(3)))
        (folder / "gres.conf").write_text("NodeName=n[1-2] Name=gpu File=/dev/null\n")  # a GPU that computes nothing
        # Snakemake's job step takes SLURM_CONF from srun, which then looks in /etc/slurm: here it is said again.
        wrapped = folder / "bin/srun"
        wrapped.parent.mkdir()
        conf = folder / "slurm.conf"
        wrapped.write_text(f'#!/bin/sh\nSLURM_CONF={conf} exec {shutil.which("srun")} "$@"\n')
        wrapped.chmod(0o755)
        self.environment = os.environ | {"SLURM_CONF": str(conf), "PATH": f"{wrapped.parent}:{PATH}"}
        munge = {name: folder / f"munge.{name}" for name in ("socket", "pid", "seed", "log")}
        self.start(
            "munged", "--foreground", "--force", f"--key-file={key}", f"--socket={munge['socket']}",
            f"--pid-file={munge['pid']}", f"--seed-file={munge['seed']}", f"--log-file={munge['log']}",
        )  # fmt: skip
        self.until(munge["socket"].exists)
        self.start("slurmctld", "-D")
        for node in ("n1", "n2"):
            self.start_node(node)
        self.until(lambda: self.ask("sinfo", "--noheader", "--format=%D %T").split() == ["2", "idle"])

    def start(self, program: str, *arguments: str, name: str = "") -> None:
        with (self.folder / f"{name or program}.out").open("a") as said:
            self.processes[name or program] = subprocess.Popen(
                [program, *arguments], env=self.environment, stdout=said, stderr=said
            )

    def start_node(self, node: str) -> None:
        self.start("slurmd", "-D", "-N", node, name=node)

    def kill_node(self, node: str) -> None:
        """Let a node go away with all that runs on it, as when its power fails."""
        self.processes.pop(node).kill()
        for pid in self.steps(node):
            subprocess.run(["kill", "-9", str(pid)])

    def steps(self, node: str) -> list[int]:
        """The processes of the jobs on a node: what descends from Slurm's own for them, the last first."""
        jobs = self.ask("squeue", "--noheader", "--format=%i", f"--nodelist={node}").split()
        found = [
            process.pid
            for process in processes()
            if any(process.said.startswith(f"slurmstepd: [{job}.") for job in jobs)
            and f"SLURM_CONF={self.folder}/".encode() in read(f"/proc/{process.pid}/environ")
        ]
        for pid in found:
            found += [process.pid for process in processes() if process.parent == pid]
        return found[::-1]

    def ask(self, *command: str) -> str:
        return subprocess.run(command, env=self.environment, capture_output=True, text=True, timeout=60).stdout.strip()

    def jobs(self, *states: str) -> list[list[str]]:
        """The jobs in some states: their numbers, names of rules, and states."""
        listed = self.ask("squeue", "--noheader", "--format=%i|%k|%T", f"--states={','.join(states) or 'all'}")
        return [line.split("|") for line in listed.splitlines()]

    def until(self, holds: Callable[[], object], seconds: float = 120) -> None:
        end = time.monotonic() + seconds
        while not holds():
            if time.monotonic() > end:
                raise TimeoutError(self.said())
            time.sleep(0.2)

    def said(self) -> str:
        return "\n".join(
            f"{path.name}: {path.read_text(errors='replace')[-2000:]}"
            for path in sorted(self.folder.glob("*"))
            if path.suffix in (".log", ".out")
        )

    def stop(self) -> None:
        for name in ("n1", "n2", "slurmctld", "munged"):
            if process := self.processes.get(name):
                process.terminate()
        for process in self.processes.values():
            process.wait(30)


def missing() -> list[str]:
    """The programs that aren't here."""
    return [name for name in PROGRAMS if not shutil.which(name, path=PATH)]
