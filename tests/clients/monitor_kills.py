"""The monitor under fire: automatic replies change through Graph while the gateway is killed again and again and the
mediator fails a third of what it is asked; afterwards what the mediator heard is compared with what was set.

usage: monitor_kills.py BINARY [--changes 200] [--kills 50] [--seed N] [--patience SECONDS]

Of each mailbox the mediator must have heard the last state in the end; what it heard must be states that were set, in the
order in which they were (the same one several times in a row, and some of them left out, where nobody looked meanwhile).
The signed webhook must have heard the same, each time with a signature that the library of Standard Webhooks accepts.
"""

import argparse
import base64
import collections
import datetime
import json
import pathlib
import random
import secrets
import sys
import tempfile
import time

import requests
from standardwebhooks import Webhook

from graph import Graph
from stand import Stand, free_port

MONITOR = """
[monitor]
listen = "127.0.0.1:{port}"
mailboxes = ["*@{domain}"]
default_domain = "{domain}"
interval = "{interval}"
longest_interval = "{interval}"
[[monitor.webhooks]]
name = "mediator"
kind = "mediator"
url = "{mediator}"
plain = true
private_networks = ["127.0.0.0/8"]
timeout = "3s"
[[monitor.webhooks]]
name = "hook"
kind = "standard"
url = "{mediator}/hook"
plain = true
private_networks = ["127.0.0.0/8"]
timeout = "3s"
secrets = [{{ file = "hook-secret" }}]
"""


class Watched:
    """A mailbox, and all states that it ever had: (status, message)."""

    def __init__(self, address):
        self.address, self.states = address, []


class Fire:
    """Gateway, simulator and mediator, with the monitor on."""

    def __init__(self, binary, folder, users, interval="2s", crowd=0):
        self.users, self.verified = users, {}
        ports = [free_port(), free_port()]
        self.mediator, self.monitor = (f"http://127.0.0.1:{port}" for port in ports)
        self.secret = "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()
        (pathlib.Path(folder) / "hook-secret").write_text(self.secret)
        simulate = ["--mediator-listen", f"127.0.0.1:{ports[0]}", "--monitor-url", self.monitor]
        domain = users[0].split("@")[1]
        settings = MONITOR.format(port=ports[1], mediator=self.mediator, domain=domain, interval=interval)
        self.stand = Stand(binary, folder, more=settings, simulate=simulate, crowd=crowd)
        self.control("users", {"users": users})
        self.synchronise()
        self.graph = Graph(self.stand.details())

    def synchronise(self):
        """Has the monitor ask the mediator for its users."""
        assert requests.get(self.monitor, timeout=30).ok

    def forget(self):
        """What the mediator has heard so far."""
        assert requests.delete(f"{self.mediator}/control/received", timeout=30).ok

    def control(self, path, body):
        answer = requests.post(f"{self.mediator}/control/{path}", json=body, timeout=30)
        assert answer.ok, answer.text

    def received(self):
        answer = requests.get(f"{self.mediator}/control/received", timeout=30)
        answer.raise_for_status()
        return answer.json()["received"]

    def heard(self):
        """By mailbox: what the mediator heard and took, in order."""
        told = collections.defaultdict(list)
        for one in self.received():
            if one["path"] == "/api/setstatus" and one["answered"] == 200 and not one["failure"]:
                told[one["email"]].append((one["status"], one["message"]))
        return told

    def signed(self):
        """By mailbox: what the signed webhook heard, in order; each signature is verified."""
        told = collections.defaultdict(list)
        verifier = Webhook(self.secret)
        for one in self.received():
            # Garbage is taken for an answer here: only the status counts.
            if one["path"] == "/hook" and one["answered"] in (200, 204):
                if one["number"] not in self.verified:
                    # At once: the library refuses what is older than five minutes.
                    self.verified[one["number"]] = verifier.verify(one["body"].encode(), one["headers"])["data"]
                data = self.verified[one["number"]]
                message = (data["external"] or {"text": ""})["text"]
                told[data["mailbox"]].append(("True" if data["state"] == "away" else "False", message))
        return told

    def state(self, address):
        """What is heard now of a mailbox whose texts hold no markup."""
        kept = self.graph.automatic_replies(address)
        if kept["status"] == "disabled":
            return ("False", "")
        return ("True", "" if kept["externalAudience"] == "none" else kept["externalReplyMessage"])

    def set(self, watched, number, choose):
        """One change; the state before the change may still be seen."""
        text = f"Change {number}: back on day {choose.randrange(100)}"
        replies = {"externalAudience": "all", "externalReplyMessage": f"<p>{text}</p>", "internalReplyMessage": "in"}
        match choose.choice(("disabled", "alwaysEnabled", "alwaysEnabled", "scheduled")):
            case "disabled":
                replies["status"], states = "disabled", [("False", "")]
            case "alwaysEnabled":
                replies["status"], states = "alwaysEnabled", [("True", text)]
            case "scheduled":
                # Its turns come whether or not anybody is there to see them.
                now = datetime.datetime.now(tz=datetime.timezone.utc)
                for bound, seconds in (("Start", choose.randrange(1, 4)), ("End", choose.randrange(5, 9))):
                    at = now + datetime.timedelta(seconds=seconds)
                    replies[f"scheduled{bound}DateTime"] = {"dateTime": at.strftime("%Y-%m-%dT%H:%M:%S"), "timeZone": "UTC"}
                replies["status"], states = "scheduled", [("False", ""), ("True", text), ("False", "")]
        watched.states += states
        self.graph.set_automatic_replies(watched.address, replies)


def once(states):
    return [state for place, state in enumerate(states) if place == 0 or state != states[place - 1]]


def problems(mailboxes, told):
    for watched in mailboxes:
        heard, states = once(told.get(watched.address, [])), iter(once(watched.states))
        if not heard or heard[-1] != watched.states[-1]:
            yield f"{watched.address}: the last state {watched.states[-1]} did not arrive, but {heard[-1:]}"
        for state in heard:
            if not any(state == one for one in states):
                yield f"{watched.address}: {state} was heard out of order, or never set"
                break


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("binary")
    parser.add_argument("--changes", type=int, default=200)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--patience", type=float, default=900, help="seconds until everything must have arrived")
    arguments = parser.parse_args()
    choose = random.Random(arguments.seed)
    world = json.loads((pathlib.Path(__file__).parents[2] / "fixtures/worlds/company.json").read_text())
    tenant = world["tenants"][0]
    users = [one["address"] for one in tenant["mailboxes"] if one["address"].endswith("@" + tenant["domains"][0]) and "automatic_replies" not in one][:20]
    with tempfile.TemporaryDirectory() as folder:
        fire = Fire(pathlib.Path(arguments.binary).resolve(), folder, users)
        mailboxes = [Watched(user) for user in users]
        try:
            for watched in mailboxes:
                # What the world began with may have been seen.
                watched.states.append(fire.state(watched.address))
            fire.control("failures", {"share": 1 / 3, "kinds": ["500", "404", "403", "garbage", "cut"], "seed": arguments.seed})
            kills = 0
            for number in range(arguments.changes):
                fire.set(choose.choice(mailboxes), number, choose)
                fire.signed()
                time.sleep(choose.uniform(0.1, 0.9))
                if kills < arguments.kills and number >= arguments.changes * (kills + 0.5) / arguments.kills:
                    fire.stand.kill()
                    kills += 1
                    time.sleep(choose.uniform(0, 0.5))
                    fire.stand.start()
            print(f"{arguments.changes} changes, {kills} kills; {len(fire.received())} requests to the mediator", flush=True)
            end = time.monotonic() + arguments.patience
            while (left := [*problems(mailboxes, fire.heard()), *problems(mailboxes, fire.signed())]) and time.monotonic() < end:
                time.sleep(2)
            if left:
                print("\n".join(left[:20]))
                sys.exit(f"{len(left)} wrong")
            heard = sum(len(states) for states in fire.heard().values())
            taken = collections.Counter(str(one["failure"] or one["answered"]) for one in fire.received() if one["path"] == "/api/setstatus")
            print(f"every final state arrived, in order, none invented: {heard} taken; answers {dict(taken)}")
        finally:
            fire.stand.stop()


if __name__ == "__main__":
    main()
