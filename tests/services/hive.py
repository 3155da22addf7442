"""Apache HiveServer2 in one process: metastore in Derby, queries in Tez's local mode, tables on S3."""

import getpass
import shutil
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from pyhive import hive

from tests.services.artefact import HIVE_JAVA, RECIPE, hive_jars
from tests.services.java import java_home
from tests.services.seaweed import SeaweedFS
from tests.services.server import HOST, Server

# Packages of the JDK that Hive, Hadoop and Tez reach into.
OPENED = (
    "java.base/java.io",
    "java.base/java.lang",
    "java.base/java.lang.invoke",
    "java.base/java.lang.reflect",
    "java.base/java.net",
    "java.base/java.nio",
    "java.base/java.text",
    "java.base/java.time",
    "java.base/java.util",
    "java.base/java.util.concurrent",
    "java.base/java.util.concurrent.atomic",
    "java.base/java.util.regex",
    "java.base/jdk.internal.ref",
    "java.base/sun.nio.ch",
    "java.base/sun.nio.cs",
    "java.base/sun.security.action",
    "java.base/sun.util.calendar",
    "java.sql/java.sql",
)

# A single process: no YARN, no HDFS, no other metastore, nothing that polls or writes beside `work`.
SETTINGS: Mapping[str, object] = {
    "fs.defaultFS": "file:///",
    "hadoop.tmp.dir": "{work}/hadoop",
    "hive.server2.thrift.bind.host": HOST,
    "hive.server2.webui.port": -1,
    "hive.server2.enable.doAs": "false",
    "hive.server2.thrift.min.worker.threads": 2,
    "hive.server2.logging.operation.enabled": "false",
    "hive.server2.tez.initialize.default.sessions": "false",
    "hive.server2.materializedviews.registry.impl": "DUMMY",
    "hive.notification.event.poll.interval": "0s",
    "hive.scheduled.queries.executor.enabled": "false",
    "hive.metastore.uris": "",
    "hive.metastore.warehouse.dir": "file:{work}/warehouse",
    "hive.metastore.warehouse.external.dir": "file:{work}/external",
    "hive.metastore.schema.verification": "false",
    "hive.metastore.event.db.notification.api.auth": "false",
    "datanucleus.schema.autoCreateAll": "true",
    "javax.jdo.option.ConnectionDriverName": "org.apache.derby.jdbc.EmbeddedDriver",
    "javax.jdo.option.ConnectionURL": "jdbc:derby:;databaseName={work}/metastore;create=true",
    "hive.support.concurrency": "false",
    "hive.txn.manager": "org.apache.hadoop.hive.ql.lockmgr.DummyTxnManager",
    "hive.exec.scratchdir": "file:{work}/scratch",
    "hive.exec.local.scratchdir": "{work}/local",
    "hive.downloaded.resources.dir": "{work}/resources",
    "hive.querylog.location": "{work}/querylog",
    "hive.query.results.cache.enabled": "false",  # it writes below /tmp/hive
    "hive.exec.mode.local.auto": "true",
    "hive.exec.submitviachild": "false",
    "hive.exec.dynamic.partition.mode": "nonstrict",
    "hive.fetch.task.conversion": "more",
    "hive.compute.query.using.stats": "false",
    "hive.stats.autogather": "false",
    "hive.execution.engine": "tez",
    "hive.tez.container.size": 256,
    "mapreduce.framework.name": "local",
    "tez.local.mode": "true",
    "tez.local.mode.without.network": "true",
    "tez.runtime.optimize.local.fetch": "true",
    "tez.ignore.lib.uris": "true",
    "tez.runtime.io.sort.mb": 32,
    "tez.staging-dir": "{work}/tez",
}


class HiveServer(Server):
    """A HiveServer2; no users, unless `auth` is ``CUSTOM``.

    Parameters
    ----------
    work : Path
        Folder of metastore, warehouse and scratch space.
    auth : str
        ``NOSASL``; ``NONE``, where any user and password do; or ``CUSTOM``, where its own do.
    s3 : SeaweedFS, optional
        Where ``s3a://`` leads.
    settings : Mapping, optional
        Of ``hive-site.xml``, over those of this module.
    heap : str
        Largest heap of the JVM.

    Attributes
    ----------
    user, password : str
        Who is let in; the password is None unless `auth` is ``CUSTOM``.
    """

    name = "HiveServer2"

    def __init__(
        self,
        work: Path,
        *,
        auth: str = "NOSASL",
        s3: SeaweedFS | None = None,
        settings: Mapping[str, object] | None = None,
        heap: str = "1g",
    ) -> None:
        super().__init__(work)
        self.host, self.auth, self.heap = HOST, auth, heap
        self.user = "lupus"
        self.password = self.secret("password") if auth == "CUSTOM" else None
        self.s3 = s3
        self.settings = dict(settings or {})

    def connect(self, **options: Any) -> hive.Connection:
        """Return a connection of PyHive that this server lets in."""
        given = {"host": HOST, "port": self.port, "auth": self.auth, "username": self.user}
        # A parameter of a statement may hold ${env:…}, which the server would otherwise fill in.
        given["configuration"] = {"hive.variable.substitute": "false"}
        if self.password is not None:
            given["password"] = self.password
        return hive.connect(**{**given, **options})

    def prepare(self) -> None:
        """Write the settings, and the folders that Hive wants to find."""
        for name in ("conf", "tmp", "warehouse", "external", "local", "scratch"):
            (self.work / name).mkdir(exist_ok=True)
        (self.work / "scratch").chmod(0o733)  # Hive insists
        site = {
            name: str(value).replace("{work}", str(self.work))
            for name, value in {
                **SETTINGS,
                "hive.server2.thrift.port": self.port,
                "hive.server2.authentication": self.auth,
                "hive.server2.custom.authentication.class": "Password",
                **self.settings,
            }.items()
        }
        conf = self.work / "conf"
        write_site(conf / "hive-site.xml", site)
        write_site(conf / "tez-site.xml", {})
        write_site(conf / "core-site.xml", {} if self.s3 is None else s3a(self.s3))
        shutil.copy(RECIPE / "log4j2.properties", conf / "hive-log4j2.properties")

    def command(self) -> list[str]:
        """Return the JVM with Hive's server."""
        return [
            str(java_home(HIVE_JAVA, HIVE_JAVA) / "bin" / "java"),
            f"-Xmx{self.heap}",
            "-XX:+UseSerialGC",
            "-XX:TieredStopAtLevel=1",  # the server lives for minutes, and mostly starts
            "-Xshare:auto",
            "-Duser.timezone=UTC",
            "-Djava.net.preferIPv4Stack=true",
            f"-Djava.io.tmpdir={self.work / 'tmp'}",
            f"-Dderby.system.home={self.work}",
            *(f"--add-opens={package}=ALL-UNNAMED" for package in OPENED),
            *("-cp", f"{self.work}/conf:{hive_jars()}/*"),
            "org.apache.hive.service.server.HiveServer2",
        ]

    def environment(self) -> Mapping[str, str]:
        """Return the user of Tez and the keys of S3."""
        return {
            "HADOOP_USER_NAME": getpass.getuser(),  # Tez: who submits owns the staging folder
            "LUPUS_SERVICE_USER": self.user,
            "LUPUS_SERVICE_PASSWORD": self.password or "",
            # Hive hides the keys of core-site.xml from the jobs it starts.
            **({} if self.s3 is None else self.s3.variables()),
        }

    def ready(self) -> bool:
        """Return whether the port is open."""
        try:
            socket.create_connection((HOST, self.port), 1).close()
        except OSError:
            return False
        return True


def s3a(s3: SeaweedFS) -> dict[str, object]:
    """Return the settings of Hadoop for an S3 store, with retries that end in seconds rather than minutes."""
    return {
        "fs.s3a.endpoint": s3.endpoint,
        "fs.s3a.endpoint.region": s3.region,
        "fs.s3a.path.style.access": "true",
        "fs.s3a.connection.ssl.enabled": "false",
        "fs.s3a.access.key": s3.access_key,
        "fs.s3a.secret.key": s3.secret_key,
        "fs.s3a.attempts.maximum": 2,
        "fs.s3a.retry.limit": 3,
        "fs.s3a.connection.establish.timeout": 5_000,
    }


def write_site(path: Path, settings: Mapping[str, object]) -> None:
    """Write settings as Hadoop reads them."""
    properties = "".join(
        f"<property><name>{escape(name)}</name><value>{escape(str(value))}</value></property>\n"
        for name, value in settings.items()
    )
    path.touch(mode=0o600)
    path.write_text(f"<configuration>\n{properties}</configuration>\n")
