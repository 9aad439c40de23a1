#!/usr/bin/env python3
"""Load on a demonstration while its Graph fails: throttled, slow, dead, and back again.

usage: fault_run.py DETAILS.json [--seconds N]

DETAILS.json is what `calendar-relay demo --details` writes. Every answer for a mailbox must be what it
was without faults, or an error of its own; anything else is a wrong answer, and the run fails. Needs
nothing but Python. Sends requests to the demonstration on loopback alone, for a bounded time.
"""
import argparse
import base64
import collections
import http.client
import json
import random
import re
import ssl
import sys
import threading
import time
import urllib.parse
import urllib.request

THREADS = 8
RATE = 25  # requests a second and thread
WINDOW = ("2026-12-07T00:00:00", "2026-12-12T00:00:00")
REQUEST = """<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" xmlns:t="http://schemas.microsoft.com/exchange/services/2006/types" xmlns:m="http://schemas.microsoft.com/exchange/services/2006/messages"><s:Header><t:RequestServerVersion Version="Exchange2016"/></s:Header><s:Body><m:GetUserAvailabilityRequest><m:MailboxDataArray>{}</m:MailboxDataArray><t:FreeBusyViewOptions><t:TimeWindow><t:StartTime>{}</t:StartTime><t:EndTime>{}</t:EndTime></t:TimeWindow><t:MergedFreeBusyIntervalInMinutes>30</t:MergedFreeBusyIntervalInMinutes><t:RequestedView>FreeBusyMerged</t:RequestedView></t:FreeBusyViewOptions></m:GetUserAvailabilityRequest></s:Body></s:Envelope>"""
MAILBOX = "<t:MailboxData><t:Email><t:Address>{}</t:Address></t:Email><t:AttendeeType>Required</t:AttendeeType></t:MailboxData>"


class Gateway:
    """One connection."""

    def __init__(self, details):
        url = urllib.parse.urlsplit(details["url"])
        context = ssl.create_default_context(cafile=details["ca_file"])
        self.connection = http.client.HTTPSConnection(url.hostname, url.port, context=context, timeout=30)
        basic = base64.b64encode(f"{details['basic_username']}:{details['basic_password']}".encode()).decode()
        self.headers = {"Content-Type": "text/xml; charset=utf-8", "Authorization": f"Basic {basic}"}

    def look_up(self, mailboxes):
        """What came for each mailbox: its view, or the code of its error."""
        body = REQUEST.format("".join(MAILBOX.format(mailbox) for mailbox in mailboxes), *WINDOW)
        self.connection.request("POST", "/EWS/Exchange.asmx", body, self.headers)
        response = self.connection.getresponse()
        text = response.read().decode()
        if response.status == 500:
            fault = re.search(r"<faultcode[^>]*>a:(\w+)<", text)
            assert fault, f"a fault without a code: {text[:300]}"
            return [f"fault {fault.group(1)}"] * len(mailboxes)
        assert response.status == 200, f"{response.status}: {text[:300]}"
        parts = re.findall(r"<FreeBusyResponse>(.*?)</FreeBusyResponse>", text, re.S)
        assert len(parts) == len(mailboxes), f"{len(parts)} answers for {len(mailboxes)} mailboxes"
        return [read(part) for part in parts]


def read(part):
    error = re.search(r'ResponseClass="Error".*?<ResponseCode>(\w+)<', part, re.S)
    return error.group(1) if error else re.search(r"<FreeBusyView>.*", part, re.S).group(0)


def control(details, method, path, body=None):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(details["simulator_control_url"] + path, data, method=method)
    if data:
        request.add_header("Content-Type", "application/json")
    with urllib.request.urlopen(request, timeout=10) as response:
        return response.read()


def metrics(details):
    with urllib.request.urlopen(details["admin_url"] + "/metrics", timeout=10) as response:
        text = response.read().decode()
    cache = dict(re.findall(r'cache_lookups_total\{outcome="(\w+)"\} (\d+)', text))
    return {name: int(count) for name, count in cache.items()}


def load(details, mailboxes, truth, seconds):
    """Outcomes by name; raises on a wrong answer."""
    outcomes, wrong, slowest = collections.Counter(), [], [0.0]
    end, lock = time.monotonic() + seconds, threading.Lock()

    def run(seed):
        choose, gateway = random.Random(seed), Gateway(details)
        while time.monotonic() < end and not wrong:
            begun = time.monotonic()
            asked = choose.sample(mailboxes, choose.choice([1, 1, 1, 3, 20]))
            try:
                answers = gateway.look_up(asked)
            except Exception as problem:  # noqa: BLE001: whatever it is, it is reported
                wrong.append(f"{type(problem).__name__}: {problem}")
                return
            taken = time.monotonic() - begun
            with lock:
                slowest[0] = max(slowest[0], taken)
                for mailbox, answer in zip(asked, answers):
                    if answer == truth[mailbox]:
                        outcomes["right"] += 1
                    elif answer.startswith("<"):
                        wrong.append(f"{mailbox}: {answer[:300]}")
                    else:
                        outcomes[answer] += 1
            time.sleep(max(0.0, 1 / RATE - taken))

    threads = [threading.Thread(target=run, args=(seed,)) for seed in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if wrong:
        sys.exit("WRONG ANSWER: " + wrong[0])
    return outcomes, slowest[0]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("details")
    parser.add_argument("--seconds", type=float, default=20, help="of each phase but the dead one, which takes 60 or three times as long")
    arguments = parser.parse_args()
    with open(arguments.details) as file:
        details = json.load(file)
    mailboxes = details["mailboxes"] + details["rooms"]
    control(details, "DELETE", "/faults")
    gateway = Gateway(details)
    truth = {}
    for start in range(0, len(mailboxes), 20):
        chunk = mailboxes[start : start + 20]
        truth.update(zip(chunk, gateway.look_up(chunk)))
    known = [mailbox for mailbox in mailboxes if truth[mailbox].startswith("<")]
    assert len(known) > 20, "the world has too few mailboxes"

    seconds = arguments.seconds
    throttled = [
        {"probability": 0.15, "status": 429, "code": "ApplicationThrottled", "retry_after": 1},
        {"probability": 0.15, "status": 503, "code": "serviceNotAvailable", "retry_after": 1},
    ]
    phases = [
        ("no faults", [], seconds),
        ("30 % 429 and 503", throttled, seconds),
        ("2 s latency", [{"delay_ms": 2000}], seconds),
        ("dead", [{"cut": True}], min(60.0, 3 * seconds)),
        ("back again", [], seconds),
    ]
    failed = False
    for name, faults, duration in phases:
        control(details, "DELETE", "/faults")
        for fault in faults:
            control(details, "POST", "/faults", fault)
        before = metrics(details)
        outcomes, slowest = load(details, known, truth, duration)
        cache = {key: count - before.get(key, 0) for key, count in metrics(details).items()}
        print(f"{name:18} {dict(outcomes)}  cache {cache}  slowest {slowest:.2f} s", flush=True)
        if name == "dead" and not cache.get("stale"):
            failed = True
            print("no stale answer was counted while Graph was dead")
    control(details, "DELETE", "/faults")
    # The circuit may need a moment to close after the dead phase; then everything must be right.
    outcomes, _ = load(details, known, truth, 3)
    print(f"{'recovered':18} {dict(outcomes)}")
    if failed or set(outcomes) != {"right"}:
        sys.exit("NOT RECOVERED")
    print("no wrong answer")


if __name__ == "__main__":
    main()
