"""The monitor of a demonstration (`demo --monitor`), as a telephone system's mediator and a signed webhook see it:
DETAILS.json is its only argument. Automatic replies are set through Graph; signatures are verified by the library of
Standard Webhooks.
"""

import datetime
import json
import pathlib
import sys
import time

import requests
from standardwebhooks import Webhook

from graph import Graph

PATIENCE = 30


def wait_for(what, look):
    end = time.monotonic() + PATIENCE
    while not (found := look()):
        assert time.monotonic() < end, f"{what} did not come"
        time.sleep(0.2)
    return found


def instant(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))


class Mediator:
    def __init__(self, details):
        self.url, self.secret = details["mediator_url"], details["webhook_secret"]

    def received(self, path):
        answer = requests.get(f"{self.url}/control/received", timeout=10)
        return [one for one in answer.json()["received"] if one["path"] == path]

    def told(self, mailbox):
        return [(one["status"], one["message"], instant(one["at"])) for one in self.received("/api/setstatus") if one["email"] == mailbox]

    def signed(self, mailbox):
        verifier = Webhook(self.secret)
        events = [verifier.verify(one["body"].encode(), one["headers"]) for one in self.received("/hook")]
        return [event["data"] for event in events if event["data"]["mailbox"] == mailbox]

    def last(self, mailbox, status):
        """What the mediator heard last, if it is of that status."""
        told = self.told(mailbox)
        return told[-1] if told and told[-1][0] == status else None

    def watch(self, mailbox, status):
        answer = requests.post(f"{self.url}/control/watch", json={"email": mailbox, "status": status}, timeout=30)
        assert answer.ok, answer.text
        return answer.json()


def main():
    details = json.loads(pathlib.Path(sys.argv[1]).read_text())
    graph, mediator, monitor = Graph(details), Mediator(details), details["monitor_url"]
    mailbox = next(one for one in details["mailboxes"] if graph.automatic_replies(one)["status"] == "disabled")
    wait_for("the first word", lambda: mediator.last(mailbox, "False"))

    graph.set_automatic_replies(
        mailbox,
        {
            "status": "alwaysEnabled",
            "externalAudience": "all",
            "internalReplyMessage": "<p>Ask Bob</p>",
            "externalReplyMessage": "<html><body><p>Back on Monday &amp; not before.</p><p>Call Bob:<br>+1&nbsp;2 \N{PALM TREE}</p></body></html>",
        },
    )
    _, message, _ = wait_for("a change", lambda: mediator.last(mailbox, "True"))
    assert message == "Back on Monday & not before.\n\nCall Bob:\n+1 2 \N{PALM TREE}", repr(message)
    event = wait_for("the signed one", lambda: [one for one in mediator.signed(mailbox) if one["state"] == "away"])[-1]
    assert event["audience"] == "everybody" and event["scheduled"] is None, event
    assert event["internal"] == {"text": "Ask Bob", "html": "<p>Ask Bob</p>"}, event
    print("monitor: a change arrives, as text for speech and signed")

    now = datetime.datetime.now(tz=datetime.timezone.utc)
    start, end = now + datetime.timedelta(seconds=7), now + datetime.timedelta(seconds=11)
    utc = lambda at: {"dateTime": at.strftime("%Y-%m-%dT%H:%M:%S"), "timeZone": "UTC"}
    scheduled = {"status": "scheduled", "scheduledStartDateTime": utc(start), "scheduledEndDateTime": utc(end)}
    graph.set_automatic_replies(mailbox, {**scheduled, "externalReplyMessage": "Short break"})
    wait_for("the time before the schedule", lambda: mediator.last(mailbox, "False"))
    begun = wait_for("the schedule's start", lambda: mediator.last(mailbox, "True"))
    assert begun[1] == "Short break", begun
    over = wait_for("the schedule's end", lambda: mediator.last(mailbox, "False"))
    late = [(heard[2] - at.replace(microsecond=0)).total_seconds() for heard, at in ((begun, start), (over, end))]
    assert all(seconds >= 0 for seconds in late), late
    print(f"monitor: a schedule is told at its start and end, {late[0]:.1f} s and {late[1]:.1f} s after")

    listed = requests.get(f"{monitor}/watches/{mailbox}", timeout=10).json()
    assert (listed["state"], listed["problem"]) == ("available", None), listed
    assert mediator.watch(mailbox, "False")["status"] == 200
    assert requests.get(f"{monitor}/watches/{mailbox}", timeout=10).status_code == 404
    assert mediator.watch("nobody@elsewhere.invalid", "True")["status"] == 404
    name = mailbox.split("@")[0]
    answer = mediator.watch(name, "True")
    assert answer["status"] == 200 and name in answer["text"], answer
    wait_for("the first word under another name", lambda: mediator.last(name, "False"))
    for body, problem in (("{", "Not JSON"), ("[]", "Invalid JSON"), ('{"email": "a"}', "Invalid JSON"), ('{"email": 1, "status": "True"}', "Invalid JSON")):
        answer = requests.post(f"{monitor}/monitor", data=body, timeout=10)
        assert (answer.status_code, answer.json()) == (400, {"result": problem}), (body, answer.text)
    print("monitor: the mediator's requests are understood")


if __name__ == "__main__":
    main()
