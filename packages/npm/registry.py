"""A registry on loopback that has some packages and nothing else."""

import hashlib
import http.server
import io
import json
import tarfile
import threading
from base64 import b64encode
from urllib.parse import unquote


def with_version(tarball, version):
    """The same package as if it were of another version."""
    changed = io.BytesIO()
    with tarfile.open(fileobj=io.BytesIO(tarball)) as before, tarfile.open(fileobj=changed, mode="w:gz") as after:
        for member in before:
            content = before.extractfile(member).read()
            if member.name == "package/package.json":
                manifest = json.loads(content)
                manifest["version"] = version
                for name in manifest.get("optionalDependencies", {}):
                    manifest["optionalDependencies"][name] = version
                content = json.dumps(manifest).encode()
                member.size = len(content)
            after.addfile(member, io.BytesIO(content))
    return changed.getvalue()


class Registry:
    """Serves until the process ends; `url` is its address."""

    def __init__(self):
        self.files = {}
        self.packages = {}
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self.handler())
        self.url = f"http://127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever, daemon=True).start()

    def handler(registry):
        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                path = unquote(self.path).lstrip("/")
                package = registry.packages.get(path)
                body = registry.files.get(path) if package is None else json.dumps(package).encode()
                self.send_response(404 if body is None else 200)
                self.send_header("Content-Type", "application/json" if package else "application/octet-stream")
                self.send_header("Content-Length", str(len(body or b"{}")))
                self.end_headers()
                self.wfile.write(body or b"{}")

            def log_message(self, *_):
                pass

        return Handler

    def publish(self, tarball):
        """Takes a package; what is published last is the latest."""
        with tarfile.open(fileobj=io.BytesIO(tarball)) as archive:
            manifest = json.load(archive.extractfile("package/package.json"))
        name, version = manifest["name"], manifest["version"]
        path = f"{name}/-/{name}-{version}.tgz"
        integrity = f"sha512-{b64encode(hashlib.sha512(tarball).digest()).decode()}"
        manifest["dist"] = {"tarball": f"{self.url}/{path}", "integrity": integrity}
        self.files[path] = tarball
        package = self.packages.setdefault(name, {"name": name, "versions": {}})
        package["versions"][version] = manifest
        package["dist-tags"] = {"latest": version}
