"""SeaweedFS from its wheel, as the S3 server."""

import json

from deploy.local.binaries import binary
from deploy.local.probe import http_status
from deploy.local.process import Program
from deploy.local.run_directory import RunDirectory, free_port

BUCKET = "vitrine"


class ObjectStore:
    """One bucket, one pair of keys; anonymous requests are refused."""

    def __init__(self, run: RunDirectory, port: int, access_key: str, secret_key: str) -> None:
        self.port = port
        self.data = run.path / "object-store"
        self._run = run
        self._credentials = {"accessKey": access_key, "secretKey": secret_key}

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def program(self) -> Program:
        self.data.mkdir(exist_ok=True)
        actions = [f"{action}:{BUCKET}" for action in ("Read", "Write", "List", "Tagging")]
        identity = {"name": "vitrine", "credentials": [self._credentials], "actions": actions}
        config = self._run.write_private("s3.json", json.dumps({"identities": [identity]}))
        # every port has a default that a second stack would find taken
        ports = ("s3.port.grpc", "master.port", "volume.port", "filer.port", "admin.port")
        grpc_ports = ("master.port.grpc", "volume.port.grpc", "filer.port.grpc", "admin.port.grpc")
        options = {
            "dir": str(self.data),
            "ip": "127.0.0.1",
            "ip.bind": "127.0.0.1",
            "s3.port": self.port,
            **{name: free_port() for name in (*ports, *grpc_ports)},
            "s3.port.iceberg": 0,
            "s3.port.lance": 0,
            "s3.config": str(config),
            "bucket": BUCKET,
            "admin.ui": "false",
            "webdav": "false",
            "master.telemetry": "false",
            "filer.localSocket": str(self.data / "filer.sock"),
            "s3.localSocket": str(self.data / "s3.sock"),
        }
        arguments = [f"-{name}={value}" for name, value in options.items()]
        return Program("object-store", [binary("weed"), "mini", *arguments], ready=self.ready)

    def ready(self) -> bool:
        """Refusing a stranger is a sign of life: a bucket that is missing answers 404."""
        return http_status(self.port, f"/{BUCKET}/") == 403
