"""Figures of the monitor: calls to Graph, processor time and memory while many mailboxes are watched, and how long a
change takes to the mediator.

usage: monitor_figures.py BINARY [--mailboxes 10000] [--seconds 180] [--changes 60]. Prints what benches/README.md tells.
"""

import argparse
import datetime
import pathlib
import random
import re
import statistics
import tempfile
import time

from calendar_figures import graph_calls, memory, since
from monitor_kills import Fire

INTERVAL = "60s"


def processor(stand):
    """Seconds of processor time so far."""
    fields = pathlib.Path(f"/proc/{stand.gateway.pid}/stat").read_text().rsplit(") ", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / 100


def looked(stand):
    return sum(int(count) for count in re.findall(r"away_looks_total\{[^}]*\} (\d+)", stand.metrics()))


def instant(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("binary")
    parser.add_argument("--mailboxes", type=int, default=10_000)
    parser.add_argument("--seconds", type=float, default=180)
    parser.add_argument("--changes", type=int, default=60)
    arguments = parser.parse_args()
    choose = random.Random(1)
    with tempfile.TemporaryDirectory() as folder:
        users = [f"person-{number}@contoso.example" for number in range(1, arguments.mailboxes + 1)]
        binary = pathlib.Path(arguments.binary).resolve()
        fire = Fire(binary, folder, users, interval=INTERVAL, crowd=arguments.mailboxes)
        stand = fire.stand
        try:
            begun = time.monotonic()
            while looked(stand) < arguments.mailboxes:
                time.sleep(1)
            print(f"each of {arguments.mailboxes} mailboxes looked at once after {time.monotonic() - begun:.0f} s", flush=True)
            while len(fire.received()) < arguments.mailboxes:
                time.sleep(2)
            print(f"the mediator has heard of each after {time.monotonic() - begun:.0f} s", flush=True)
            fire.forget()
            calls, seconds, since_then, changed = graph_calls(stand), processor(stand), time.monotonic(), {}
            for number in range(arguments.changes):
                address = fire.users[choose.randrange(arguments.mailboxes)]
                text = f"Change {number}"
                replies = {"status": "alwaysEnabled", "externalAudience": "all", "externalReplyMessage": text, "internalReplyMessage": text}
                fire.graph.set_automatic_replies(address, replies)
                changed[address] = time.time()
                time.sleep(arguments.seconds / arguments.changes)
            taken = time.monotonic() - since_then
            per_minute = {name: count * 60 / taken for name, count in since(calls, graph_calls(stand)).items()}
            share = (processor(stand) - seconds) / taken
            print(f"over {taken:.0f} s: calls to Graph a minute {({name: round(rate) for name, rate in per_minute.items()})}")
            print(f"{share:.1%} of a core, resident {memory(stand):.0f} MB")
            end = time.monotonic() + 90
            while len(heard := {one["email"]: instant(one["at"]) for one in fire.received() if one["path"] == "/api/setstatus"}) < len(changed):
                assert time.monotonic() < end, f"{len(heard)} of {len(changed)} arrived"
                time.sleep(1)
            delays = sorted(heard[address] - at for address, at in changed.items())
            print(f"delay of {len(delays)} changes: p50 {statistics.median(delays):.1f} s, worst {delays[-1]:.1f} s")
        finally:
            stand.stop()


if __name__ == "__main__":
    main()
