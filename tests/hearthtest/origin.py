"""A stand-in for every place that Hearth fetches from, with faults that can be switched on.

One HTTP server, one folder each:

    /ipxe/       boot.ipxe.org, filled from Debian's package `ipxe`
    /factory/    the Talos image factory, by its documented API
    /debian/     a Debian mirror, filled from `debian-installer-12-netboot-amd64`
    /memtest/    memtest86+, filled from Debian's package `memtest86+`
    /files/      whatever a test puts there

In a test: `with Origin() as origin: origin.fault("/files/kernel", "500", times=2)`.
As a program (another network namespace, another language):
`python3 -m hearthtest.origin --address 192.0.2.1 --port 8080`; then `POST /_origin/fault`
with `{"path", "kind", "times"}`, `POST /_origin/put` and `GET /_origin/log` do what the methods do.
"""

import argparse
import base64
import hashlib
import http.server
import io
import json
import pathlib
import re
import sys
import tarfile
import threading
import zipfile

from hearthtest import schematic

IPXE = pathlib.Path("/usr/lib/ipxe")
DEBIAN = pathlib.Path("/usr/lib/debian-installer/images")
MEMTEST = pathlib.Path("/boot")
TALOS_VERSIONS = ["v1.10.7", "v1.11.1", "v1.11.2"]
TALOS_CMDLINE = ("talos.platform=metal console=tty0 init_on_alloc=1 slab_nomerge pti=on "
                 "consoleblank=0 nvme_core.io_timeout=4294967295 printk.devkmsg=on selinux=1 "
                 "module.sig_enforce=1 proc_mem.force_override=never")
EXTENSIONS = [
    {"name": "siderolabs/bnx2-bnx2x", "ref": "ghcr.io/siderolabs/bnx2-bnx2x:20250917", "digest": "sha256:00",
     "author": "Sidero Labs", "description": "Firmware of Broadcom NetXtreme II."},
    {"name": "siderolabs/gvisor", "ref": "ghcr.io/siderolabs/gvisor:2025", "digest": "sha256:01",
     "author": "Sidero Labs", "description": "A container sandbox."},
]

FAULTS = """
status:N      answers with status N (500, 503, ...)
half          announces the whole file, sends half of it and hangs up
stall         announces the whole file, sends half of it and is silent
wrong         sends other bytes, as many as announced
redirect:URL  302 to URL
nothing       accepts and is silent
slow:N        sends N bytes a second
norange       takes no notice of Range
wrongrange    answers 206 with another range than asked
nolength      no Content-Length; the end is the end of the connection
page          200 with a web page, as a network's login page does
wrongid       (POST /factory/schematics) answers another id
"""


class Origin:
    """The server; `files` maps paths to bytes, or to paths of files on the disk.

    `tls`: an `ssl.SSLContext` of a server; then it speaks HTTPS.
    """

    def __init__(self, address="127.0.0.1", port=0, tls=None):
        self.files = {}
        self.schematics = {}
        self.requests = []
        self.faults = []
        self.lock = threading.Lock()
        self.ending = threading.Event()
        self.cmdline = TALOS_CMDLINE
        self.talos_kernel = None     # bytes or a path; None: bytes that tell id, version and name
        self.talos_initramfs = None
        handler = type("Handler", (Handler,), {"origin": self})
        self.server = Server((address, port), handler)
        self.server.daemon_threads = True
        self.server.tls = tls
        self.thread = None
        self.fill()

    # what is offered

    def fill(self):
        if IPXE.is_dir():
            self.fill_ipxe()
        for release in DEBIAN.glob("*/*/text/debian-installer/*"):
            suite = {"11": "bullseye", "12": "bookworm", "13": "trixie"}.get(release.parts[-5])
            if suite:
                self.debian(suite, release.name, release / "linux", release / "initrd.gz")
        if (MEMTEST / "memtest86+x64.efi").exists():
            self.fill_memtest()

    def fill_ipxe(self):
        for name in ("undionly.kpxe", "ipxe.pxe", "ipxe.lkrn"):
            self.put(f"/ipxe/{name}", IPXE / name)
        for name in ("ipxe.efi", "snponly.efi"):
            self.put(f"/ipxe/x86_64-efi/{name}", IPXE / name)
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w:gz") as archive:
            for name in ("ipxe.pxe", "undionly.kpxe"):
                archive.add(IPXE / name, f"ipxeboot/{name}")
            for name in ("ipxe.efi", "snponly.efi"):
                archive.add(IPXE / name, f"ipxeboot/x86_64/{name}")
        self.put("/ipxe/ipxeboot.tar.gz", packed.getvalue())

    def fill_memtest(self):
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, source in (("x86_64", "x64.efi"), ("i586", "ia32.efi")):
                archive.write(MEMTEST / f"memtest86+{source}", f"mt86p_800_{name}")
        self.put("/memtest/mt86plus_8.00.binaries.zip", packed.getvalue())
        for path in MEMTEST.glob("memtest86+*"):
            self.put(f"/memtest/{path.name}", path)

    def debian(self, suite, arch, kernel, initrd):
        """Offers an installer's netboot files with the SHA256SUMS that belongs to them."""
        images = f"/debian/dists/{suite}/main/installer-{arch}/current/images"
        sums = []
        for name, content in (("linux", kernel), ("initrd.gz", initrd)):
            path = f"netboot/debian-installer/{arch}/{name}"
            self.put(f"{images}/{path}", content)
            sums.append(f"{hashlib.sha256(read(content)).hexdigest()}  ./{path}\n")
        self.put(f"{images}/SHA256SUMS", "".join(sums).encode())

    def put(self, path, content):
        """Offers bytes, or a file on the disk, at a path."""
        with self.lock:
            self.files[path] = content

    def remove(self, path):
        with self.lock:
            self.files.pop(path, None)

    # faults and what was asked

    def fault(self, path, kind, times=None):
        """The next `times` requests for `path` (`*` at its end: all below) go wrong; None: all."""
        with self.lock:
            self.faults.append({"path": path, "kind": str(kind), "times": times})

    def heal(self):
        with self.lock:
            self.faults.clear()

    def take_fault(self, path):
        with self.lock:
            for fault in self.faults:
                wanted = fault["path"]
                fits = path.startswith(wanted[:-1]) if wanted.endswith("*") else path == wanted
                if fits and fault["times"] != 0:
                    if fault["times"] is not None:
                        fault["times"] -= 1
                    return fault["kind"]
        return ""

    def log(self, path=None, method=None):
        """Requests so far: dicts with method, path, range, if_range, status, sent."""
        with self.lock:
            return [dict(one) for one in self.requests
                    if path in (None, one["path"]) and method in (None, one["method"])]

    # its life

    @property
    def url(self):
        address, port = self.server.server_address[:2]
        return f"{'https' if self.server.tls else 'http'}://{address}:{port}"

    def start(self):
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True)
        self.thread.start()
        return self

    def stop(self):
        self.ending.set()
        self.server.shutdown()
        self.server.server_close()

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()


def read(content):
    return content if isinstance(content, bytes) else pathlib.Path(content).read_bytes()


class Server(http.server.ThreadingHTTPServer):
    request_queue_size = 128
    tls = None

    def finish_request(self, request, client_address):
        if self.tls:
            request = self.tls.wrap_socket(request, server_side=True)
        super().finish_request(request, client_address)

    def handle_error(self, request, client_address):
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    origin = None

    def log_message(self, *_):
        pass

    def do_GET(self):
        self.route()

    def do_HEAD(self):
        self.route()

    def do_POST(self):
        self.route()

    def route(self):
        self.entry = {"method": self.command, "path": self.path, "range": self.headers.get("Range"),
                      "if_range": self.headers.get("If-Range"), "status": None, "sent": 0}
        self.body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.path.startswith("/_origin/"):
            return self.control()
        with self.origin.lock:
            self.origin.requests.append(self.entry)
        path, _, _ = self.path.partition("?")
        self.kind = self.origin.take_fault(path)
        if self.kind == "nothing":
            return self.be_silent()
        if self.kind.startswith("status:"):
            return self.answer(int(self.kind[7:]), b"something went wrong\n")
        if self.kind.startswith("redirect:"):
            return self.answer(302, b"", {"Location": self.kind[9:]})
        if self.kind == "page":
            return self.answer(200, b"<html>log in</html>", {"Content-Type": "text/html"})
        if path.startswith("/factory/"):
            return self.factory(path.removeprefix("/factory"))
        with self.origin.lock:
            content = self.origin.files.get(path)
        if content is None:
            return self.answer(404, b"not found\n")
        return self.send_content(read(content))

    def be_silent(self):
        self.close_connection = True
        self.origin.ending.wait()

    def answer(self, status, body, headers=None):
        self.entry["status"] = status
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def answer_json(self, status, value):
        self.answer(status, json.dumps(value).encode(), {"Content-Type": "application/json"})

    def send_content(self, content):
        kind = self.kind
        etag = f'"{hashlib.sha256(content).hexdigest()[:16]}"'
        first, status = 0, 200
        asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range") or "")
        valid = self.headers.get("If-Range") in (None, etag)
        if asked and valid and kind != "norange":
            first, status = int(asked[1]), 206
            if first >= len(content):
                return self.answer(416, b"", {"Content-Range": f"bytes */{len(content)}"})
        self.entry["status"] = status
        self.send_response(status)
        self.send_header("ETag", etag)
        self.send_header("Accept-Ranges", "none" if kind == "norange" else "bytes")
        if status == 206:
            said = first - 1 if kind == "wrongrange" else first
            self.send_header("Content-Range", f"bytes {said}-{len(content) - 1}/{len(content)}")
        body = content[first:]
        if kind == "wrong":
            body = bytes(byte ^ 0x55 for byte in body)
        if kind == "nolength":
            self.send_header("Connection", "close")
            self.close_connection = True
        else:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "HEAD":
            return None
        if kind in ("half", "stall"):
            self.send_body(body[:len(body) // 2])
            self.close_connection = True
            return self.be_silent() if kind == "stall" else None
        if kind.startswith("slow:"):
            step = max(1, int(kind[5:]) // 20)
            for place in range(0, len(body), step):
                self.send_body(body[place:place + step])
                if self.origin.ending.wait(0.05):
                    return None
            return None
        return self.send_body(body)

    def send_body(self, body):
        for place in range(0, len(body), 65536):
            part = body[place:place + 65536]
            self.wfile.write(part)
            self.entry["sent"] += len(part)
        self.wfile.flush()

    # the image factory

    def factory(self, path):
        if self.command == "POST" and path == "/schematics":
            return self.new_schematic()
        if path == "/versions":
            return self.answer_json(200, TALOS_VERSIONS)
        found = re.fullmatch(r"/version/([^/]+)/extensions/official", path)
        if found:
            if found[1] not in TALOS_VERSIONS:
                return self.answer(404, b"version not found\n")
            return self.answer_json(200, EXTENSIONS)
        found = re.fullmatch(r"/schematics/([0-9a-f]+)", path)
        if found and found[1] in self.origin.schematics:
            return self.answer(200, self.origin.schematics[found[1]].encode())
        found = re.fullmatch(r"/image/([0-9a-f]+)/([^/]+)/([^/]+)", path)
        if found and found[1] in self.origin.schematics and found[2] in TALOS_VERSIONS:
            return self.talos(*found.groups())
        return self.answer(404, b"not found\n")

    def new_schematic(self):
        try:
            text = schematic.canonical(json.loads(self.body))
        except (ValueError, AttributeError) as problem:
            return self.answer(400, f"{problem}\n".encode())
        made = hashlib.sha256(text.encode()).hexdigest()
        self.origin.schematics[made] = text
        if self.kind == "wrongid":
            made = "0" * 64
        return self.answer_json(201, {"id": made, "schematic": text})

    def talos(self, made, version, name):
        if name.endswith((".sha256", ".sha512", ".sigstore.json")):
            return self.answer(402, b"enterprise feature\n")
        stem = f"{made} {version} {name}\n".encode()
        if re.fullmatch(r"kernel-(amd64|arm64)", name):
            return self.send_content(read(self.origin.talos_kernel or stem * 2_000))
        if re.fullmatch(r"initramfs-(amd64|arm64)\.xz", name):
            return self.send_content(read(self.origin.talos_initramfs or stem * 5_000))
        if re.fullmatch(r"cmdline-metal-(amd64|arm64)", name):
            text = self.origin.schematics[made]
            extra = re.search(r"    extraKernelArgs:\n((?:        - .*\n)+)", text)
            words = [word.strip("'\"") for word in re.findall(r"- (.*)", extra[1])] if extra else []
            return self.send_content(" ".join([self.origin.cmdline, *words]).encode())
        return self.answer(404, b"not found\n")

    # from another process

    def control(self):
        if self.path == "/_origin/log":
            return self.answer_json(200, self.origin.log())
        asked = json.loads(self.body or b"{}")
        if self.path == "/_origin/fault":
            self.origin.fault(asked["path"], asked["kind"], asked.get("times"))
        elif self.path == "/_origin/heal":
            self.origin.heal()
        elif self.path == "/_origin/put":
            self.origin.put(asked["path"], base64.b64decode(asked["content"]))
        elif self.path == "/_origin/cmdline":
            self.origin.cmdline = asked["text"]
        else:
            return self.answer(404, b"no such control\n")
        return self.answer(200, b"")


def main():
    parser = argparse.ArgumentParser(description="A stand-in for what Hearth fetches from.",
                                     epilog=f"faults:\n{FAULTS}",
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--address", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--talos-kernel", type=pathlib.Path)
    parser.add_argument("--talos-initramfs", type=pathlib.Path)
    given = parser.parse_args()
    origin = Origin(given.address, given.port)
    origin.talos_kernel = given.talos_kernel
    origin.talos_initramfs = given.talos_initramfs
    origin.start()
    print(origin.url, flush=True)
    sys.stdin.read()  # lives as long as whoever started it
    origin.stop()


if __name__ == "__main__":
    main()
