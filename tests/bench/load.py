"""Runs the load generator against one server."""

import json
import os
import subprocess

from servers import PROBE

# Clients' addresses: each has its own, as machines have.
FROM = "10.69.1.1"
TFTP_FILE, TFTP_BYTES = "loader.bin", 1_048_699  # about an ipxe.efi; no multiple of a block
HTTP_FILE, HTTP_BYTES = "initrd.bin", 120_000_123
PROBE_BYTES = 300


def generator():
    return os.environ["HEARTH_LOAD"]


def write_files(root):
    """The files that are served; writing them also puts them into the page cache."""
    for name, size in ((TFTP_FILE, TFTP_BYTES), (HTTP_FILE, HTTP_BYTES),
                       (PROBE, PROBE_BYTES)):
        subprocess.run([generator(), "file", root / name, "--bytes", str(size)], check=True)


def tftp(server, clients, block_size, window, *more):
    """The command line of TFTP clients."""
    return [generator(), "tftp", f"{server.address}:69", TFTP_FILE, "--bytes", TFTP_BYTES,
            "--clients", clients, "--from", FROM, "--block-size", block_size, "--window", window,
            *more]


def http(server, clients, *more):
    """The command line of HTTP clients."""
    return [generator(), "http", f"{server.address}:{server.http_port}",
            server.http_folder + HTTP_FILE, "--bytes", HTTP_BYTES, "--clients", clients,
            "--from", FROM, *more]


def run(command, cores=None):
    """What the clients saw. They run on `cores` only, if given."""
    prepare = (lambda: os.sched_setaffinity(0, cores)) if cores else None
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True,
                          timeout=120, preexec_fn=prepare)
    if done.returncode:
        raise RuntimeError(f"{command}: {done.stderr.strip()}")
    return json.loads(done.stdout)
