"""Simulator and gateway as processes of their own, so that the gateway can be killed and started again.

The gateway reaches the simulator through a proxy which may cut connections. Libraries: none but Python's own; the
certificate is made by the openssl command.
"""

import hashlib
import json
import os
import pathlib
import random
import secrets
import signal
import socket
import subprocess
import threading
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def reachable(port, seconds=60):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise TimeoutError(f"nothing listens on {port}")


class Proxy:
    """Passes bytes on, one connection after the other, and cuts some of them.

    `before`, `during` and `after` are the probabilities that a connection is cut when a request comes: before any of it
    is passed on, with half of it passed on, or with all of it passed on and the answer lost.
    """

    def __init__(self, port, target):
        self.target, self.before, self.during, self.after = target, 0.0, 0.0, 0.0
        self.cuts = {"before": 0, "during": 0, "after": 0}
        self.methods = (b"POST ", b"PATCH ", b"DELETE ")
        self.listener = socket.create_server(("127.0.0.1", port), backlog=256)
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            connection, _ = self.listener.accept()
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, client):
        try:
            server = socket.create_connection(("127.0.0.1", self.target))
        except OSError:
            client.close()
            return
        state = {"drop": False}

        def back():
            try:
                while data := server.recv(65536):
                    if state["drop"]:
                        self.cuts["after"] += 1
                        break
                    client.sendall(data)
            except OSError:
                pass
            finally:
                close(client, server)

        threading.Thread(target=back, daemon=True).start()
        try:
            while data := client.recv(65536):
                if data.startswith(self.methods):
                    chance = random.random()
                    if chance < self.before:
                        self.cuts["before"] += 1
                        break
                    if chance < self.before + self.during:
                        self.cuts["during"] += 1
                        server.sendall(data[: len(data) // 2])
                        break
                    state["drop"] = chance < self.before + self.during + self.after
                server.sendall(data)
        except OSError:
            pass
        finally:
            if not state["drop"]:
                close(client, server)


def close(*ends):
    for end in ends:
        try:
            end.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        end.close()


class Stand:
    """Everything in one folder."""

    def __init__(self, binary, folder, more="", simulate=(), crowd=0):
        self.binary, self.folder = str(binary), pathlib.Path(folder)
        self.simulator_port, self.proxy_port, self.port, self.admin_port = (free_port() for _ in range(4))
        world = json.loads((ROOT / "fixtures/worlds/company.json").read_text())
        self.tenant = world["tenants"][0]
        if crowd:
            self.tenant["crowd"] = {"count": crowd, "domain": self.tenant["domains"][0], "zone": "UTC"}
            self.seed(world)
            (self.folder / "world.json").write_text(json.dumps(world))
            simulate = [*simulate, "--world", str(self.folder / "world.json")]
        self.rooms = [one["address"] for one in self.tenant["mailboxes"] if one.get("kind") == "room" or one["address"].startswith("room-")]
        self.people = [one["address"] for one in self.tenant["mailboxes"] if one["address"] not in self.rooms]
        self.password = secrets.token_urlsafe(24)
        self.certificate()
        (self.folder / "config.toml").write_text(self.configuration(more))
        self.environment = {
            **os.environ,
            "STAND_KEY": secrets.token_urlsafe(48),
            **{f"STAND_{one['client_id'].replace('-', '_')}": one["client_secret"] for one in self.tenant["applications"] if "client_secret" in one},
        }
        self.simulator = subprocess.Popen(
            [self.binary, "simulate", "--listen", f"127.0.0.1:{self.simulator_port}", *simulate], stdout=subprocess.DEVNULL
        )
        reachable(self.simulator_port)
        self.proxy = Proxy(self.proxy_port, self.simulator_port)
        self.log = open(self.folder / "gateway.log", "ab")
        self.gateway = None
        self.start()
        (self.folder / "details.json").write_text(json.dumps(self.details()))

    def certificate(self):
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
             "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
             "-keyout", str(self.folder / "key.pem"), "-out", str(self.folder / "certificate.pem")],
            check=True,
            stderr=subprocess.DEVNULL,
        )

    def configuration(self, more):
        digest = hashlib.sha256(self.password.encode()).hexdigest()
        application = {role: self.application(role) for role in ("Calendars.ReadBasic.All", "Calendars.Read", "Calendars.ReadWrite")}
        serving = {
            "free_busy": application["Calendars.ReadBasic.All"],
            "calendar_read": application["Calendars.Read"],
            "calendar_write": application["Calendars.ReadWrite"],
            "directory": self.application("Place.Read.All", "User.ReadBasic.All"),
            "out_of_office_read": self.application("MailboxSettings.Read"),
        }
        credentials = "\n".join(
            f'[[tenants.credentials]]\nclient_id = "{one["client_id"]}"\n{self.proof(one)}\ncapabilities = ["{capability}"]'
            for capability, one in serving.items()
        )
        return f"""
[server]
listen = "127.0.0.1:{self.port}"
public_url = "https://localhost:{self.port}"
certificate = "certificate.pem"
private_key = "key.pem"
[admin]
listen = "127.0.0.1:{self.admin_port}"
[limits]
drain_delay = "0s"
connections = 10000
connections_per_address = 10000
[store]
path = "store.sqlite"
[tokens]
keys = [{{ id = "stand", secret = {{ env = "STAND_KEY" }} }}]
[log]
level = "info"
{more}
[[tenants]]
name = "contoso"
id = "{self.tenant['id']}"
login_url = "http://127.0.0.1:{self.simulator_port}/"
graph_url = "http://127.0.0.1:{self.proxy_port}/"
domains = {json.dumps(self.tenant['domains'])}
{credentials}
[[clients]]
id = "respa"
secrets_sha256 = ["{digest}"]
capabilities = ["calendar_read", "calendar_write", "directory"]
mailboxes = ["*@{self.tenant['domains'][0]}"]
ceiling = "full"
requests_per_second = 10000
burst = 10000
concurrency = 2000
"""

    def seed(self, world):
        """What else is different in a crowd's world."""

    def proof(self, application):
        """How the gateway shows that it is an application."""
        return f'secret = {{ env = "STAND_{application["client_id"].replace("-", "_")}" }}'

    def application(self, *roles):
        fitting = [one for one in self.tenant["applications"] if set(roles) <= set(one.get("roles", []))]
        return min(fitting, key=lambda one: len(one["roles"]))

    def details(self):
        everything = max(self.tenant["applications"], key=lambda one: len(one.get("roles", [])))
        return {
            "url": f"https://localhost:{self.port}/",
            "ews_url": f"https://localhost:{self.port}/EWS/Exchange.asmx",
            "ca_file": str(self.folder / "certificate.pem"),
            "respa_username": "EXAMPLE\\respa",
            "respa_password": self.password,
            "simulator_url": f"http://127.0.0.1:{self.simulator_port}",
            "simulator_control_url": f"http://127.0.0.1:{self.simulator_port}/control",
            "simulator_tenant": self.tenant["id"],
            "simulator_client_id": everything["client_id"],
            "simulator_client_secret": everything["client_secret"],
            "admin_url": f"http://127.0.0.1:{self.admin_port}",
            "rooms": self.rooms,
            "mailboxes": self.people,
        }

    def start(self):
        self.gateway = subprocess.Popen(
            [self.binary, "serve", "--config", str(self.folder / "config.toml")],
            env=self.environment, stdout=self.log, stderr=self.log,
        )
        reachable(self.port)

    def kill(self):
        """SIGKILL: nothing of the gateway's own can be done any more."""
        self.gateway.send_signal(signal.SIGKILL)
        self.gateway.wait()

    def restart(self):
        self.gateway.terminate()
        self.gateway.wait()
        self.start()

    def metrics(self):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.admin_port}/metrics", timeout=10) as answer:
            return answer.read().decode()

    def stop(self):
        for process in (self.gateway, self.simulator):
            process.terminate()
            process.wait()
