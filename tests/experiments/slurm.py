"""A real Slurm on this machine for the time of a test: one controller, two nodes, its own key, ports and folder.

Needs Debian's slurm-wlm and munge, and root. Where it cannot start, the test that asks for it says why.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

NEEDED = ("munged", "slurmctld", "slurmd", "sbatch", "scancel", "sinfo", "squeue", "scontrol")
PORTS = (17100, 17101, 17102)
CONF = """\
ClusterName=tiny
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ports[0]}
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.sock
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool.%n
SlurmctldPidFile={folder}/controller.pid
SlurmdPidFile={folder}/%n.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SlurmdParameters=config_overrides
ReturnToService=2
MpiDefault=none
KillWait=5
NodeName=n1 NodeHostname={host} NodeAddr=127.0.0.1 Port={ports[1]} CPUs=1 RealMemory=16000
NodeName=n2 NodeHostname={host} NodeAddr=127.0.0.1 Port={ports[2]} CPUs=1 RealMemory=16000
PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""


def lacking() -> str:
    """Why no Slurm can start here; "" where one can."""
    missing = [name for name in NEEDED if shutil.which(name) is None]
    if missing:
        return f"no real Slurm: {', '.join(missing)} missing; Debian has them in slurm-wlm and munge"
    if os.geteuid() != 0:
        return "no real Slurm: its daemons need root"
    for port in PORTS:
        with socket.socket() as one:
            if one.connect_ex(("127.0.0.1", port)) == 0:
                return f"no real Slurm: port {port} is taken"
    return ""


@contextmanager
def running(folder: Path) -> Iterator[Path]:
    """The daemons, up while the block runs; gives the path of slurm.conf, which SLURM_CONF must name.

    Raises:
        RuntimeError: When the nodes are not idle within 30 seconds; the message holds what the daemons said.
    """
    key = folder / "munge.key"
    key.write_bytes(os.urandom(1024))
    key.chmod(0o400)
    folder.chmod(0o755)
    conf = folder / "slurm.conf"
    conf.write_text(CONF.format(host=socket.gethostname(), ports=PORTS, folder=folder))
    for name in ("state", "spool.n1", "spool.n2"):
        (folder / name).mkdir()
    munge = ["munged", "-F", "--force", f"--key-file={key}", f"--socket={folder}/munge.sock",
             f"--pid-file={folder}/munged.pid", f"--log-file={folder}/munged.log", f"--seed-file={folder}/seed"]  # fmt: skip
    daemons = [munge, ["slurmctld", "-D", "-c", "-f", str(conf)],
               *(["slurmd", "-D", "-N", node, "-f", str(conf)] for node in ("n1", "n2"))]  # fmt: skip
    with ExitStack() as stack:
        for number, command in enumerate(daemons):
            log = stack.enter_context((folder / f"daemon{number}.log").open("w"))
            daemon = subprocess.Popen(command, stdout=log, stderr=log, env={**os.environ, "SLURM_CONF": str(conf)})
            stack.callback(_end, daemon)
            time.sleep(0.5 if number == 0 else 0)
        deadline = time.monotonic() + 30
        while "idle 2" not in asked(conf, "sinfo", "-h", "-o", "%T %D"):
            if time.monotonic() > deadline:
                said = " | ".join(log.read_text()[-300:] for log in sorted(folder.glob("daemon*.log")))
                raise RuntimeError(f"Slurm did not start: {said}")
            time.sleep(0.3)
        yield conf


def asked(conf: Path, *command: str) -> str:
    """What a Slurm command prints."""
    env = {**os.environ, "SLURM_CONF": str(conf)}
    return subprocess.run(command, env=env, capture_output=True, text=True, check=False, timeout=30).stdout.strip()


def _end(daemon: subprocess.Popen[bytes]) -> None:
    daemon.terminate()
    try:
        daemon.wait(10)
    except subprocess.TimeoutExpired:
        daemon.kill()
        daemon.wait()
