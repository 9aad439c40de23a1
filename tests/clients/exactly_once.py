"""Writes through a gateway whose connections to Graph are cut and which is killed again and again; afterwards the
simulator's world is compared with what the callers were told.

usage: exactly_once.py BINARY [--writes 1000] [--kills 20] [--seed N] [--patience SECONDS]

Nothing may be there twice; what was confirmed must be there, as it was confirmed; what was said to have failed must not
be there in the end. Calls that got no answer may have either end.
"""

import argparse
import base64
import collections
import http.client
import json
import pathlib
import random
import re
import ssl
import sys
import tempfile
import threading
import time

from stand import Stand

ENVELOPE = """<s:Envelope xmlns:m="http://schemas.microsoft.com/exchange/services/2006/messages" xmlns:t="http://schemas.microsoft.com/exchange/services/2006/types" xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Header><t:RequestServerVersion Version="Exchange2010"/><t:ExchangeImpersonation><t:ConnectingSID><t:SmtpAddress>{room}</t:SmtpAddress></t:ConnectingSID></t:ExchangeImpersonation></s:Header><s:Body>{body}</s:Body></s:Envelope>"""
CREATE = """<m:CreateItem SendMeetingInvitations="SendToAllAndSaveCopy"><m:SavedItemFolderId><t:DistinguishedFolderId Id="calendar"><t:Mailbox><t:EmailAddress>{room}</t:EmailAddress></t:Mailbox></t:DistinguishedFolderId></m:SavedItemFolderId><m:Items><t:CalendarItem><t:Subject>{subject}</t:Subject><t:ReminderIsSet>false</t:ReminderIsSet><t:Start>{start}</t:Start><t:End>{end}</t:End></t:CalendarItem></m:Items></m:CreateItem>"""
UPDATE = """<m:UpdateItem ConflictResolution="AlwaysOverwrite" MessageDisposition="SendAndSaveCopy" SendMeetingInvitationsOrCancellations="SendToAllAndSaveCopy"><m:ItemChanges><t:ItemChange><t:ItemId Id="{id}"/><t:Updates><t:SetItemField><t:FieldURI FieldURI="item:Subject"/><t:CalendarItem><t:Subject>{subject}</t:Subject></t:CalendarItem></t:SetItemField></t:Updates></t:ItemChange></m:ItemChanges></m:UpdateItem>"""
DELETE = """<m:DeleteItem DeleteType="HardDelete" SendMeetingCancellations="SendToAllAndSaveCopy"><m:ItemIds><t:ItemId Id="{id}"/></m:ItemIds></m:DeleteItem>"""


class Item:
    """One item, as its caller knows it."""

    def __init__(self, key, room):
        self.key, self.room, self.id = key, room, None
        self.created = None  # True: confirmed, False: told that it failed, None: no answer
        self.versions = [0]  # the last confirmed version, and later ones whose end is not known
        self.deleted = False  # True: confirmed, None: not known


def call(stand, room, body):
    """The answer's text, or None when there was none."""
    context = ssl.create_default_context(cafile=str(stand.folder / "certificate.pem"))
    connection = http.client.HTTPSConnection("localhost", stand.port, context=context, timeout=30)
    time.sleep(random.uniform(0, 0.15))
    while True:
        try:
            connection.connect()
            break
        except OSError:
            # It was killed: nothing was sent yet.
            time.sleep(0.05)
    login = base64.b64encode(f"respa:{stand.password}".encode()).decode()
    try:
        connection.request(
            "POST", "/EWS/Exchange.asmx", ENVELOPE.format(room=room, body=body),
            {"Content-Type": "text/xml; charset=utf-8", "Authorization": f"Basic {login}"},
        )
        answer = connection.getresponse()
        text = answer.read().decode()
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()
    if answer.status not in (200, 500):
        sys.exit(f"HTTP {answer.status}: {text[:300]}")
    return text


def succeeded(text):
    return 'ResponseClass="Success"' in text and "Fault>" not in text


def work(stand, keys, items, outcomes, lock, seed):
    choose = random.Random(seed)
    while True:
        with lock:
            if not keys:
                return
            key = keys.pop()
        room = choose.choice(stand.rooms[:6])
        item = Item(f"once-{key}", room)
        with lock:
            items.append(item)
        day, hour = 1 + key % 27, key % 20
        text = call(
            stand, room,
            CREATE.format(room=room, subject=f"{item.key} v0", start=f"2027-03-{day:02}T{hour:02}:00:00Z", end=f"2027-03-{day:02}T{hour:02}:30:00Z"),
        )
        if text is not None:
            item.created = succeeded(text)
            if item.created:
                item.id = re.search(r'ItemId Id="([^"]+)"', text).group(1)
        with lock:
            outcomes["create", item.created] += 1
        if not item.created:
            continue
        for version in range(1, choose.choice([1, 2, 3])):
            text = call(stand, room, UPDATE.format(id=item.id, subject=f"{item.key} v{version}"))
            done = None if text is None else succeeded(text)
            item.versions = [version] if done else item.versions + [version]
            with lock:
                outcomes["update", done] += 1
        if choose.random() < 0.4:
            text = call(stand, room, DELETE.format(id=item.id))
            done = None if text is None else succeeded(text)
            item.deleted = True if done else None
            with lock:
                outcomes["delete", done] += 1


def world(stand):
    """Subjects in the rooms, with their number."""
    import urllib.request

    from_simulator = collections.Counter()
    details = stand.details()
    form = f"grant_type=client_credentials&client_id={details['simulator_client_id']}&client_secret={details['simulator_client_secret']}&scope=https%3A%2F%2Fgraph.microsoft.com%2F.default"
    url = f"{details['simulator_url']}/{details['simulator_tenant']}/oauth2/v2.0/token"
    with urllib.request.urlopen(urllib.request.Request(url, form.encode()), timeout=30) as answer:
        token = json.load(answer)["access_token"]
    for room in stand.rooms[:6]:
        url = f"{details['simulator_url']}/v1.0/users/{room}/events?$top=1000&$select=subject"
        while url:
            request = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"})
            with urllib.request.urlopen(request, timeout=30) as answer:
                page = json.load(answer)
            for event in page["value"]:
                if event["subject"].startswith("once-"):
                    from_simulator[room, *event["subject"].split(" v")] += 1
            url = page.get("@odata.nextLink")
    return from_simulator


def problems(items, found):
    by_item = collections.defaultdict(list)
    for (room, key, version), count in found.items():
        by_item[room, key] += [int(version)] * count
    for item in items:
        there = by_item.get((item.room, item.key), [])
        if len(there) > 1:
            yield f"{item.key} is there {len(there)} times"
        elif item.created is False and there:
            yield f"{item.key} is there although its caller was told that it failed"
        elif item.created and item.deleted is False and not there:
            yield f"{item.key} is lost"
        elif item.created and item.deleted is True and there:
            yield f"{item.key} is there although its deletion was confirmed"
        elif item.created and there and there[0] not in item.versions:
            yield f"{item.key} is version {there[0]}, not one of {item.versions}"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("binary")
    parser.add_argument("--writes", type=int, default=1000)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--patience", type=float, default=300, help="seconds until what failed must be gone")
    arguments = parser.parse_args()
    random.seed(arguments.seed)
    with tempfile.TemporaryDirectory() as folder:
        stand = Stand(pathlib.Path(arguments.binary).resolve(), folder)
        try:
            stand.proxy.before, stand.proxy.during, stand.proxy.after = 0.06, 0.06, 0.12
            keys, items, outcomes, lock = list(range(arguments.writes)), [], collections.Counter(), threading.Lock()
            threads = [threading.Thread(target=work, args=(stand, keys, items, outcomes, lock, seed)) for seed in range(8)]
            for thread in threads:
                thread.start()
            kills = 0
            while any(thread.is_alive() for thread in threads):
                time.sleep(random.uniform(0.1, 0.5))
                # Spread over the run.
                if kills < arguments.kills and len(keys) <= arguments.writes * (1 - (kills + 0.5) / arguments.kills):
                    stand.kill()
                    kills += 1
                    time.sleep(random.uniform(0, 0.3))
                    stand.start()
            for thread in threads:
                thread.join()
            stand.proxy.before = stand.proxy.during = stand.proxy.after = 0
            counts = {f"{name} {told}": count for (name, told), count in sorted(outcomes.items(), key=str)}
            print(f"{kills} kills; cuts {stand.proxy.cuts}; told: {counts}", flush=True)
            end = time.monotonic() + arguments.patience
            while (left := list(problems(items, world(stand)))) and time.monotonic() < end:
                time.sleep(2)
            if left:
                print("\n".join(left[:20]))
                sys.exit(f"{len(left)} wrong")
            print(f"exactly once: {sum(outcomes.values())} writes, none twice, none lost, none left behind")
        finally:
            stand.stop()


if __name__ == "__main__":
    main()
