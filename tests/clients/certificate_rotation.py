"""A certificate is replaced under load: certificate_rotation.py BINARY.

The gateway has two certificate files. One holds the certificate in use, the other one from an earlier change, which
Entra no longer knows. While free/busy is looked up without pause, the latter is replaced by a new certificate, that one is
registered, and the old one removed: in this order, and with tokens that live for seconds, so that each state is met. Not
one look-up may fail, and nothing is restarted.
"""

import base64
import hashlib
import http.client
import itertools
import json
import ssl
import sys
import tempfile
import threading
import time
import urllib.request

from certificate import Certificate
from stand import Stand

LIFE = 3
PEOPLE = 8_000
THREADS = 3
PATIENCE = 30
PASSWORD = "a-secret-for-this-hour-alone"
CLIENT = f"""
[[clients]]
id = "look-up"
secrets_sha256 = ["{hashlib.sha256(PASSWORD.encode()).hexdigest()}"]
capabilities = ["free_busy"]
mailboxes = ["*"]
ceiling = "time"
requests_per_second = 10000
burst = 10000
concurrency = 100
"""
LOOK_UP = """<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" xmlns:m="http://schemas.microsoft.com/exchange/services/2006/messages" xmlns:t="http://schemas.microsoft.com/exchange/services/2006/types"><s:Header><t:RequestServerVersion Version="Exchange2010"/></s:Header><s:Body><m:GetUserAvailabilityRequest><t:TimeZone><t:Bias>0</t:Bias><t:StandardTime><t:Bias>0</t:Bias><t:Time>02:00:00</t:Time><t:DayOrder>5</t:DayOrder><t:Month>10</t:Month><t:DayOfWeek>Sunday</t:DayOfWeek></t:StandardTime><t:DaylightTime><t:Bias>0</t:Bias><t:Time>02:00:00</t:Time><t:DayOrder>1</t:DayOrder><t:Month>4</t:Month><t:DayOfWeek>Sunday</t:DayOfWeek></t:DaylightTime></t:TimeZone><m:MailboxDataArray><t:MailboxData><t:Email><t:Address>{address}</t:Address></t:Email><t:AttendeeType>Required</t:AttendeeType><t:ExcludeConflicts>false</t:ExcludeConflicts></t:MailboxData></m:MailboxDataArray><t:FreeBusyViewOptions><t:TimeWindow><t:StartTime>2027-02-01T00:00:00</t:StartTime><t:EndTime>2027-02-02T00:00:00</t:EndTime></t:TimeWindow><t:MergedFreeBusyIntervalInMinutes>30</t:MergedFreeBusyIntervalInMinutes><t:RequestedView>FreeBusy</t:RequestedView></t:FreeBusyViewOptions></m:GetUserAvailabilityRequest></s:Body></s:Envelope>"""


class Signing(Stand):
    """A stand whose application for free/busy shows one of two certificates, and has no secret."""

    def __init__(self, binary, folder, certificate):
        self.certificate_in_use = certificate
        super().__init__(binary, folder, more=CLIENT, crowd=PEOPLE)

    def seed(self, world):
        world["token_lifetime_seconds"] = LIFE
        application = self.application("Calendars.ReadBasic.All")
        del application["client_secret"]
        application["certificates"] = [self.certificate_in_use.pem()]
        self.client_id = application["client_id"]

    def proof(self, application):
        if application["client_id"] != self.client_id:
            return super().proof(application)
        files = ", ".join(f'{{ certificate = "{name}.pem", private_key = "{name}.pem" }}' for name in ("first", "second"))
        return f"certificates = [{files}]"

    def control(self, method, path, body=None):
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.simulator_port}/control/{path}", method=method,
            data=None if body is None else json.dumps(body).encode(),
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.loads(answer.read() or b"null")

    def tokens(self):
        """Statuses of the application's requests for tokens so far."""
        calls = self.control("GET", "ledger")["calls"]
        return [call["status"] for call in calls if call["call"] == "token" and call["application"] == self.client_id]

    def expiry(self):
        """When the certificate that was believed last expires, in seconds since 1970."""
        lines = [line for line in self.metrics().splitlines() if "credential_expires{" in line and self.client_id in line]
        return int(float(lines[0].rsplit(" ", 1)[1])) if lines else None


class Load:
    """Look-ups of one person after the other, so that none is answered from memory."""

    def __init__(self, stand):
        self.stand, self.numbers, self.over = stand, itertools.count(1), False
        self.answered, self.failed = 0, []
        self.threads = [threading.Thread(target=self.run) for _ in range(THREADS)]
        for thread in self.threads:
            thread.start()

    def run(self):
        context = ssl.create_default_context(cafile=str(self.stand.folder / "certificate.pem"))
        connection = http.client.HTTPSConnection("localhost", self.stand.port, context=context, timeout=30)
        login = base64.b64encode(f"look-up:{PASSWORD}".encode()).decode()
        headers = {"Content-Type": "text/xml; charset=utf-8", "Authorization": f"Basic {login}"}
        while not self.over:
            address = f"person-{next(self.numbers)}@{self.stand.tenant['domains'][0]}"
            try:
                connection.request("POST", "/EWS/Exchange.asmx", LOOK_UP.format(address=address), headers)
                answer = connection.getresponse()
                text = answer.read().decode()
                good = answer.status == 200 and 'ResponseClass="Success"' in text and "<WorkingHours " in text
            except OSError as problem:
                good, text = False, str(problem)
                connection.close()
            if good:
                self.answered += 1
            else:
                self.failed.append(text)
            time.sleep(0.02)

    def stop(self):
        self.over = True
        for thread in self.threads:
            thread.join()


def wait_for(what, look):
    end = time.monotonic() + PATIENCE
    while not look():
        assert time.monotonic() < end, f"{what} did not come"
        time.sleep(0.1)


def main():
    old, new, gone = Certificate("old", 60), Certificate("new", 90), Certificate("gone", 30)
    with tempfile.TemporaryDirectory() as folder:
        old.write(f"{folder}/first.pem")
        gone.write(f"{folder}/second.pem")
        stand = Signing(sys.argv[1], folder, old)
        load = None
        try:
            wait_for("the first token", lambda: stand.expiry() == int(old.expires.timestamp()))
            load = Load(stand)
            wait_for("the first look-up", lambda: load.answered or load.failed)
            path = f"applications/{stand.client_id}/certificates"
            thumbprint = stand.control("GET", "applications")["applications"]
            thumbprint = next(one for one in thumbprint if one["client_id"] == stand.client_id)["certificates"][0]["thumbprint"]

            asked = len(stand.tokens())
            new.write(f"{folder}/second.pem")
            # The new one holds longest, so it is shown first, and refused; the old one is still believed.
            wait_for("a token by the old one", lambda: [401, 200] == stand.tokens()[asked:][-2:])
            assert stand.expiry() == int(old.expires.timestamp())

            stand.control("POST", path, {"certificate": new.pem()})
            wait_for("a token by the new one", lambda: stand.expiry() == int(new.expires.timestamp()))

            stand.control("DELETE", f"{path}/{thumbprint}")
            asked = len(stand.tokens())
            wait_for("tokens without the old one", lambda: len(stand.tokens()) >= asked + 2)
            assert stand.tokens()[asked:] == [200] * len(stand.tokens()[asked:]), stand.tokens()
            load.stop()

            assert not load.failed, f"{len(load.failed)} of {load.answered} failed: {load.failed[0]}"
            assert load.answered > 100, load.answered
            print(f"rotation: {load.answered} look-ups while a certificate was replaced, none failed; tokens {stand.tokens()}")
            # That the load would have noticed: without any certificate that is known, look-ups fail.
            stand.control("PATCH", f"applications/{stand.client_id}", {"certificates": []})
            load = Load(stand)
            wait_for("a failure", lambda: load.failed)
        finally:
            if load:
                load.stop()
            stand.stop()


if __name__ == "__main__":
    main()
