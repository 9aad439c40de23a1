"""The gateway's client assertions before a token endpoint of another make: certificate_assertion.py BINARY.

The endpoint verifies them with PyJWT as Microsoft documents
(https://learn.microsoft.com/entra/identity-platform/certificate-credentials), and gives a token for nothing less. First it
is shown assertions with one flaw each, all of which it must refuse; then the gateway asks it with a key from a PKCS #8
file, a PKCS #1 file and a PKCS #12 file, and with a certificate that nobody registered.
"""

import base64
import http.server
import json
import secrets
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid
import pathlib

import jwt
from cryptography.hazmat.primitives.serialization import PrivateFormat

from certificate import Certificate
from stand import free_port

TENANT = "11111111-2222-4333-8444-555555555555"
JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
SCOPE = "https://graph.microsoft.com/.default"
LONGEST = 600
PATIENCE = 25


def thumbprint(certificate):
    return base64.urlsafe_b64encode(certificate.thumbprint).decode().rstrip("=")


class Endpoint:
    """Entra and Graph in one, as far as a token goes."""

    def __init__(self, registered):
        self.registered = registered  # client id -> its certificate
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}/{TENANT}/oauth2/v2.0/token"
        self.seen, self.tokens, self.refusals, self.served = set(), {}, {}, set()
        endpoint = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                form = self.rfile.read(int(self.headers["content-length"])).decode()
                self.answer(*endpoint.token(self.path, self.headers.get("content-type"), form))

            def do_GET(self):
                token = (self.headers.get("authorization") or "").removeprefix("Bearer ")
                client = endpoint.tokens.get(token)
                if client is None:
                    self.answer(401, {"error": {"code": "InvalidAuthenticationToken", "message": "no such token"}})
                else:
                    endpoint.served.add(client)
                    self.answer(200, {"value": []})

            def answer(self, status, body):
                text = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *_):
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()

    def token(self, path, kind, form):
        fields = urllib.parse.parse_qs(form, strict_parsing=True)
        client = fields.get("client_id", ["nobody"])[0]
        try:
            assert kind == "application/x-www-form-urlencoded", f"content-type {kind}"
            assert path == urllib.parse.urlsplit(self.url).path, f"path {path}"
            self.verify(client, {name: values[0] for name, values in fields.items() if len(values) == 1})
        except (AssertionError, ValueError, TypeError, jwt.PyJWTError) as problem:
            self.refusals[client] = f"{type(problem).__name__}: {problem}"
            told = f"AADSTS700027: {self.refusals[client]}"
            return 401, {"error": "invalid_client", "error_description": told}
        token = secrets.token_urlsafe(32)
        self.tokens[token] = client
        return 200, {"token_type": "Bearer", "expires_in": 3599, "access_token": token}

    def verify(self, client, form):
        expected = {"grant_type", "client_id", "scope", "client_assertion_type", "client_assertion"}
        assert set(form) == expected, f"the form has {sorted(form)}"
        assert form["grant_type"] == "client_credentials", form["grant_type"]
        assert form["scope"] == SCOPE, form["scope"]
        assert form["client_assertion_type"] == JWT_BEARER, form["client_assertion_type"]
        certificate = self.registered.get(client)
        assert certificate is not None, "an unknown application"
        header = jwt.get_unverified_header(form["client_assertion"])
        assert header.get("alg") == "PS256", f"alg {header.get('alg')}"
        assert header.get("typ") == "JWT", f"typ {header.get('typ')}"
        assert header.get("x5t#S256") == thumbprint(certificate), "x5t#S256 is not the certificate's"
        claims = jwt.decode(
            form["client_assertion"], certificate.public_pem(), algorithms=["PS256"], audience=self.url, issuer=client,
            subject=client, options={"require": ["aud", "iss", "sub", "jti", "nbf", "iat", "exp"]},
        )
        assert isinstance(claims["aud"], str), "several audiences"
        assert str(uuid.UUID(claims["jti"])) == claims["jti"], f"jti {claims['jti']}"
        assert claims["jti"] not in self.seen, "this jti was here before"
        self.seen.add(claims["jti"])
        assert claims["exp"] - min(claims["nbf"], claims["iat"]) <= LONGEST, "it holds for too long"
        assert claims["exp"] - time.time() <= LONGEST, "it holds for too long"


def show(endpoint, client, assertion, **more):
    """Status of a request for a token."""
    form = {"grant_type": "client_credentials", "client_id": client, "scope": SCOPE,
            "client_assertion_type": JWT_BEARER, "client_assertion": assertion, **more}
    form = {name: value for name, value in form.items() if value is not None}
    try:
        with urllib.request.urlopen(endpoint.url, urllib.parse.urlencode(form).encode(), timeout=10) as answer:
            return answer.status
    except urllib.error.HTTPError as refusal:
        return refusal.code


def the_endpoint_refuses_every_flaw(endpoint, client):
    certificate = endpoint.registered[client]
    other = Certificate("other")
    count = 0

    def shown(claims=(), header=(), key=certificate.key, algorithm="PS256", form=()):
        now = int(time.time())
        good = {"aud": endpoint.url, "iss": client, "sub": client, "jti": str(uuid.uuid4()), "nbf": now, "iat": now, "exp": now + 300}
        good = {name: value for name, value in {**good, **dict(claims)}.items() if value is not None}
        head = {"typ": "JWT", "x5t#S256": thumbprint(certificate), **dict(header)}
        return show(endpoint, client, jwt.encode(good, key, algorithm=algorithm, headers=head), **dict(form))

    assert shown() == 200, endpoint.refusals
    now = int(time.time())
    once = {"jti": str(uuid.uuid4())}
    assert shown(claims=once) == 200, endpoint.refusals
    flaws = [
        {"claims": once},
        {"claims": {"aud": "https://login.microsoftonline.com/common/oauth2/v2.0/token"}},
        {"claims": {"aud": [endpoint.url, "https://other.example"]}},
        {"claims": {"iss": "other"}},
        {"claims": {"sub": "other"}},
        {"claims": {"jti": "1"}},
        {"claims": {"exp": now - 1}},
        {"claims": {"nbf": now + 60}},
        {"claims": {"exp": now + LONGEST + 60}},
        *({"claims": {name: None}} for name in ("aud", "iss", "sub", "jti", "nbf", "iat", "exp")),
        {"header": {"x5t#S256": thumbprint(other)}},
        {"header": {"x5t#S256": certificate.thumbprint.hex()}},
        {"header": {"typ": "at+jwt"}},
        {"key": other.key},
        {"algorithm": "RS256"},
        {"algorithm": "HS256", "key": "x" * 64},
        {"form": {"scope": "https://graph.microsoft.com/Calendars.Read"}},
        {"form": {"client_assertion_type": None}},
        {"form": {"client_secret": "x"}},
    ]
    for flaw in flaws:
        assert shown(**flaw) == 401, f"taken: {flaw}"
        count += 1
    endpoint.tokens.clear()
    return count


def configuration(folder, endpoint, ports, credentials):
    listed = "\n".join(
        f'[[tenants.credentials]]\nclient_id = "{client}"\ncertificates = [{{ {how} }}]\ncapabilities = ["{capability}"]'
        for client, (how, capability) in credentials.items()
    )
    (folder / "config.toml").write_text(f"""
[server]
listen = "127.0.0.1:{ports[0]}"
public_url = "https://localhost:{ports[0]}"
certificate = "tls.pem"
private_key = "tls.pem"
[admin]
listen = "127.0.0.1:{ports[1]}"
[limits]
drain_delay = "0s"
[store]
path = "store.sqlite"
[tokens]
keys = [{{ id = "one", secret = {{ file = "signing-key" }} }}]
[[tenants]]
name = "contoso"
id = "{TENANT}"
login_url = "http://127.0.0.1:{endpoint.port}/"
graph_url = "http://127.0.0.1:{endpoint.port}/"
domains = ["contoso.example"]
{listed}
[[clients]]
id = "somebody"
secrets_sha256 = ["{"0" * 64}"]
capabilities = ["free_busy"]
mailboxes = ["*@contoso.example"]
ceiling = "time"
""")


def states(port):
    """How the gateway's tokens stand, by application; nothing while it is starting."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5) as answer:
            health = json.load(answer)
    except OSError:
        return {}
    return {one["client_id"]: one for one in health["tenants"][0]["credentials"]}


def main():
    kinds = {
        "app-pkcs8": ('certificate = "8.pem", private_key = "8.key"', "free_busy"),
        "app-pkcs1": ('certificate = "1.pem", private_key = "1.key"', "calendar_read"),
        "app-pkcs12": ('pkcs12 = "12.pfx", password = { file = "password" }', "out_of_office_read"),
        "app-stranger": ('certificate = "stranger.pem", private_key = "stranger.pem"', "directory"),
    }
    own = {client: Certificate(client, days) for client, days in zip(kinds, (30, 60, 90, 30))}
    registered = {**own, "app-stranger": Certificate("another")}
    endpoint = Endpoint(registered)
    flaws = the_endpoint_refuses_every_flaw(endpoint, "app-pkcs8")
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        (folder / "8.pem").write_text(own["app-pkcs8"].pem())
        (folder / "8.key").write_text(own["app-pkcs8"].key_pem())
        (folder / "1.pem").write_text(own["app-pkcs1"].pem())
        (folder / "1.key").write_text(own["app-pkcs1"].key_pem(PrivateFormat.TraditionalOpenSSL))
        (folder / "12.pfx").write_bytes(own["app-pkcs12"].pkcs12("a pass word"))
        (folder / "password").write_text("a pass word\n")
        own["app-stranger"].write(folder / "stranger.pem")
        Certificate("localhost").write(folder / "tls.pem")
        (folder / "signing-key").write_text(secrets.token_urlsafe(48))
        ports = free_port(), free_port()
        configuration(folder, endpoint, ports, kinds)
        with open(folder / "gateway.log", "wb") as log:
            gateway = subprocess.Popen([sys.argv[1], "serve", "--config", str(folder / "config.toml")], stdout=log, stderr=log)
        try:
            end = time.monotonic() + PATIENCE
            while not (found := states(ports[1])) or any(one["token"]["state"] == "none" for one in found.values()):
                problem = (folder / "gateway.log").read_text()
                assert gateway.poll() is None and time.monotonic() < end, f"{found}\n{problem}"
                time.sleep(0.1)
        finally:
            gateway.terminate()
            gateway.wait()
        problem = f"{endpoint.refusals}\n{(folder / 'gateway.log').read_text()}"
    for client in ("app-pkcs8", "app-pkcs1", "app-pkcs12"):
        assert found[client]["token"]["state"] == "valid", f"{client}: {found[client]}\n{problem}"
        assert client in endpoint.tokens.values(), client
        expires = own[client].expires.strftime("%Y-%m-%dT%H:%M:%SZ")
        assert found[client]["expires"] == expires, f"{found[client]} {expires}"
    stranger = found["app-stranger"]["token"]
    assert stranger["state"] == "refused" and "x5t#S256 is not the certificate's" in stranger["why"], stranger
    assert endpoint.served, "Graph was called with such a token"
    print(f"assertions: three kinds of key files believed by PyJWT, {flaws} flaws and a stranger refused")


if __name__ == "__main__":
    main()
