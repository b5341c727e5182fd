"""SeaweedFS from its wheel, as the S3 server."""

import json
from io import BytesIO

from minio import Minio
from minio.error import MinioException
from urllib3 import PoolManager
from urllib3.exceptions import HTTPError

from deploy.local.binaries import binary
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
        self.data.mkdir(mode=0o700, exist_ok=True)
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
            "volume.preStopSeconds": 0,
            "master.telemetry": "false",
            "filer.localSocket": str(self.data / "filer.sock"),
            "s3.localSocket": str(self.data / "s3.sock"),
        }
        arguments = [f"-{name}={value}" for name, value in options.items()]
        command = [binary("weed"), "mini", *arguments]
        # it waits for idle connections, long after the last request has ended
        return Program("object-store", command, ready=self.ready, stop_seconds=5)

    def ready(self) -> bool:
        """It answers long before it can store: the bucket comes last, the first volume later still."""
        client = Minio(
            f"127.0.0.1:{self.port}",
            access_key=self._credentials["accessKey"],
            secret_key=self._credentials["secretKey"],
            region="us-east-1",
            secure=False,
            http_client=PoolManager(retries=False, timeout=2),
        )
        try:
            client.put_object(BUCKET, ".ready", BytesIO(b"yes"), length=3)
        except (MinioException, HTTPError):
            return False
        return True
