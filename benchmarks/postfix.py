"""Find the test programs of Postfix: installed ones, or those of Debian's package, unpacked under build/.

Nothing is installed and no Postfix is started; smtp-sink and smtp-source are programs of their own.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from functools import cache

from .environments import BUILD
from .working import Measure

_FOLDER = BUILD / "postfix"


@cache
def program(name: str) -> str | None:
    """Return the path of ``smtp-sink`` or ``smtp-source``, fetched if need be; None if it cannot be had."""
    installed = shutil.which(name, path=f"{os.defpath}:/usr/sbin:/usr/local/sbin")
    if installed:
        return installed
    unpacked = _FOLDER / "usr" / "sbin" / name
    if not unpacked.exists():
        _unpack()
    return str(unpacked) if unpacked.exists() else None


def environment() -> dict[str, str]:
    """Return environment variables with which an unpacked program finds its libraries."""
    return {**os.environ, "LD_LIBRARY_PATH": str(_FOLDER / "usr" / "lib" / "postfix")}


def measure_source(port: int, count: int, size: int) -> Measure:
    """Return what smtp-source takes to send that many messages over one connection, its start included."""
    command = [program("smtp-source") or "", "-d", "-m", str(count), "-l", str(size), f"127.0.0.1:{port}"]
    started = time.perf_counter()
    process = subprocess.Popen(command, env=environment())
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise subprocess.CalledProcessError(status, command)
    process.returncode = status
    return Measure(time.perf_counter() - started, usage.ru_utime + usage.ru_stime, 0)


def _unpack() -> None:
    """Fetch the package and unpack it, where there are Debian's tools."""
    if not (shutil.which("apt-get") and shutil.which("dpkg")):
        return
    _FOLDER.mkdir(parents=True, exist_ok=True)
    try:
        fetch = ["apt-get", "download", "-qq", "postfix"]
        subprocess.run(fetch, cwd=_FOLDER, check=True, stderr=subprocess.DEVNULL)
        for package in _FOLDER.glob("*.deb"):
            subprocess.run(["dpkg", "-x", package, _FOLDER], check=True)
    except subprocess.CalledProcessError:
        print("Postfix cannot be had from the package index.", file=sys.stderr)
