"""Log-in by NTLM with unmodified clients, against a demonstration: DETAILS.json is the only argument.

requests_ntlm in whichever version is installed, curl if there is one, and exchangelib if it is installed.
"""

import importlib.metadata
import json
import pathlib
import shutil
import subprocess
import sys

import requests
from requests_ntlm import HttpNtlmAuth

LISTS = (
    '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"'
    ' xmlns:m="http://schemas.microsoft.com/exchange/services/2006/messages"><s:Body><m:GetRoomLists/></s:Body>'
    "</s:Envelope>"
)
HEADERS = {"Content-type": "text/xml; charset=UTF-8", "Accept": "text/xml"}


def post(session, details):
    return session.post(details["ews_url"], data=LISTS, headers=HEADERS, verify=details["ca_file"], timeout=10)


def session_of(user, password):
    session = requests.Session()
    session.trust_env = False
    session.auth = HttpNtlmAuth(user, password)
    return session


def requests_ntlm(details):
    user, password = details["respa_username"], details["respa_password"]
    plain = user.split("\\")[1]
    names = [user, plain, plain.upper(), f"{plain.upper()}".join(["example\\", ""])]
    pairs = [(name, password) for name in names]
    pairs += [(details["account_username"], details["account_password"])]
    pairs += [(details["account_mailbox"], details["account_password"])]
    pairs += [(details["basic_username"], details["basic_password"])]
    for name, secret in pairs:
        session = session_of(name, secret)
        first = post(session, details)
        assert first.status_code == 200, (name, first.status_code, first.headers)
        assert [leg.status_code for leg in first.history] == [401, 401], first.history
        # The connection is the client's from now on.
        second = post(session, details)
        assert second.status_code == 200 and not second.history, second.history
        assert "Authorization" not in second.request.headers
        basic = requests.post(
            details["ews_url"], data=LISTS, headers=HEADERS, auth=(name, secret), verify=details["ca_file"]
        )
        assert basic.status_code == 200, "the same password works by Basic"
    for name, secret in [(user, password + "x"), (plain, details["account_password"]), ("nobody", password)]:
        refused = post(session_of(name, secret), details)
        assert refused.status_code == 401, (name, refused.status_code)
    schemes = requests.post(details["ews_url"], data=LISTS, verify=details["ca_file"]).raw.headers.getlist(
        "www-authenticate"
    )
    assert [scheme.split()[0] for scheme in schemes] == ["Basic", "Bearer", "NTLM"], schemes
    versions = {name: importlib.metadata.version(name) for name in ("requests_ntlm", "ntlm_auth", "pyspnego") if has(name)}
    print(f"{versions}: {len(pairs)} user names log in")


def curl(details):
    def run(*arguments):
        command = ["curl", "-sS", "--cacert", details["ca_file"], "-o", "/dev/null", "-w", "%{http_code} %{num_connects} "]
        command += [*arguments, "-H", "Content-type: text/xml", "-d", LISTS]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        return done.stdout.split() if done.returncode == 0 else done.stderr

    url, user = details["ews_url"], f'{details["respa_username"]}:{details["respa_password"]}'
    # curl speaks HTTP/2 when it is offered; for NTLM it comes back with HTTP/1.1.
    for version in ("--http1.1", "--http2"):
        for scheme in ("--ntlm", "--anyauth"):
            answer = run(version, scheme, "-u", user, url)
            assert answer[0] == "200", (version, scheme, answer)
    both = run("--http1.1", "--ntlm", "-u", user, url, "-o", "/dev/null", url)
    assert both == ["200", "1", "200", "0"], both
    assert run("--ntlm", "-u", user + "x", url)[0] == "401"
    # Straight to the answer that NTLM is not for HTTP/2.
    unasked = run("--http2", url, "-H", "Authorization: NTLM TlRMTVNTUAABAAAAB4IIAAAAAAAAAAAAAAAAAAAAAAA=")
    assert unasked[0] == "401", unasked
    print("curl: logs in by NTLM, also when it comes by HTTP/2")


def exchangelib(details):
    from exchangelib import DELEGATE, NTLM, Account, Configuration, Credentials, Version
    from exchangelib.protocol import FailFast
    from exchangelib.version import EXCHANGE_2016

    for auth_type in (NTLM, None):
        configuration = Configuration(
            service_endpoint=details["ews_url"],
            credentials=Credentials(details["respa_username"], details["respa_password"]),
            auth_type=auth_type,
            version=Version(build=EXCHANGE_2016),
            retry_policy=FailFast(),
        )
        account = Account(
            primary_smtp_address=details["rooms"][0], config=configuration, autodiscover=False, access_type=DELEGATE
        )
        assert account.protocol.auth_type == NTLM, account.protocol.auth_type
        assert list(account.protocol.get_roomlists()), "no room lists"
    print("exchangelib: logs in by NTLM, told to and by itself")


def has(name):
    try:
        return bool(importlib.metadata.version(name))
    except importlib.metadata.PackageNotFoundError:
        return False


def main():
    details = json.loads(pathlib.Path(sys.argv[1]).read_text())
    requests_ntlm(details)
    if shutil.which("curl"):
        curl(details)
    if has("exchangelib"):
        exchangelib(details)


if __name__ == "__main__":
    main()
