"""The requests of Respa's respa_exchange, byte for byte as it sends them, through the library that it sends them with
(requests_ntlm), against a demonstration: usage respa_client.py DETAILS.json [--basic].

respa_exchange is no package of its own; what it sends and what it reads of the answers is told in its source, and kept
here: it takes the first ItemId, every CalendarItem, and one envelope of each chunk.
"""

import argparse
import datetime
import importlib.metadata
import json
import pathlib
import sys
import threading
import time
import xml.etree.ElementTree as ElementTree

import requests
import requests_ntlm
from requests.adapters import HTTPAdapter
from requests_ntlm import HttpNtlmAuth
from urllib3.util import Retry

from graph import Graph

S = "http://schemas.xmlsoap.org/soap/envelope/"
M = "http://schemas.microsoft.com/exchange/services/2006/messages"
T = "http://schemas.microsoft.com/exchange/services/2006/types"
NAMES = {"s": S, "m": M, "t": T}

IMPERSONATION = """<t:ExchangeImpersonation>
      <t:ConnectingSID>
        <t:SmtpAddress>{}</t:SmtpAddress>
      </t:ConnectingSID>
    </t:ExchangeImpersonation>"""
ENVELOPE = """<s:Envelope xmlns:m="{m}" xmlns:t="{t}" xmlns:s="{s}">
  <s:Header>
    <t:RequestServerVersion Version="{version}"/>
    {impersonation}
  </s:Header>
  <s:Body>
    {body}
  </s:Body>
</s:Envelope>
"""
FOLDER = """<t:DistinguishedFolderId Id="calendar">
          <t:Mailbox>
            <t:EmailAddress>{}</t:EmailAddress>
          </t:Mailbox>
        </t:DistinguishedFolderId>"""
EVENT_TYPES = ["NewMail", "Created", "Deleted", "Modified", "Moved", "Copied", "FreeBusyChanged"]


class SoapFault(Exception):
    pass


def envelope(version, principal, body):
    impersonation = IMPERSONATION.format(principal) if principal else ""
    text = ENVELOPE.format(m=M, t=T, s=S, version=version, impersonation=impersonation, body=body)
    return text.encode()


def stamp(at):
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


class Exchange:
    """What respa_exchange calls a session: a new connection for nearly every request."""

    def __init__(self, details, basic):
        self.url, self.authority = details["ews_url"], details["ca_file"]
        self.user, self.password = details["respa_username"], details["respa_password"]
        self.basic = basic

    def session(self):
        session = requests.Session()
        session.auth = (self.user, self.password) if self.basic else HttpNtlmAuth(self.user, self.password)
        session.headers.update({"Accept": "text/xml", "Content-type": "text/xml; charset=UTF-8", "Connection": "Keep-Alive"})
        session.mount("https://", HTTPAdapter(max_retries=Retry(connect=3, read=0, status=0, backoff_factor=0.3)))
        return session

    def soap(self, body, principal=None, version="Exchange2010"):
        with self.session() as session:
            answer = session.post(self.url, envelope(version, principal, body), timeout=10, verify=self.authority)
        if answer.status_code not in (200, 500):
            answer.raise_for_status()
        root = ElementTree.fromstring(answer.content)
        fault = root.find(".//s:Fault", NAMES)
        if fault is not None:
            raise SoapFault(f"{fault.findtext('faultcode')}: {fault.findtext('faultstring')}")
        return root

    def create(self, room, subject, start, end, attendee=None, body="line1\nline2"):
        who = (
            f"<t:RequiredAttendees><t:Attendee><t:Mailbox><t:EmailAddress>{attendee}</t:EmailAddress></t:Mailbox></t:Attendee></t:RequiredAttendees>"
            if attendee
            else ""
        )
        return item_id(
            self.soap(
                f"""<m:CreateItem SendMeetingInvitations="SendToAllAndSaveCopy">
      <m:SavedItemFolderId>{FOLDER.format(room)}</m:SavedItemFolderId>
      <m:Items>
        <t:CalendarItem>
          <t:Subject>{subject}</t:Subject>
          <t:Body BodyType="Text">{body}</t:Body>
          <t:ReminderIsSet>false</t:ReminderIsSet>
          <t:Start>{stamp(start)}</t:Start>
          <t:End>{stamp(end)}</t:End>
          <t:IsAllDayEvent>false</t:IsAllDayEvent>
          <t:Location>Room (Unit)</t:Location>
          {who}
        </t:CalendarItem>
      </m:Items>
    </m:CreateItem>""",
                room,
            )
        )

    def update(self, room, identity, subject, start, end, attendee=None, body=""):
        fields = [
            ("item:Subject", f"<t:Subject>{subject}</t:Subject>"),
            ("item:Body", f'<t:Body BodyType="Text">{body}</t:Body>'),
            ("calendar:Start", f"<t:Start>{stamp(start)}</t:Start>"),
            ("calendar:End", f"<t:End>{stamp(end)}</t:End>"),
            ("calendar:Location", "<t:Location>Room</t:Location>"),
        ]
        if attendee:
            mailbox = f"<t:Attendee><t:Mailbox><t:EmailAddress>{attendee}</t:EmailAddress></t:Mailbox></t:Attendee>"
            fields.append(("calendar:RequiredAttendees", f"<t:RequiredAttendees>{mailbox}</t:RequiredAttendees>"))
        updates = "".join(
            f'<t:SetItemField><t:FieldURI FieldURI="{path}"/><t:CalendarItem>{value}</t:CalendarItem></t:SetItemField>'
            for path, value in fields
        )
        return item_id(
            self.soap(
                f"""<m:UpdateItem ConflictResolution="AlwaysOverwrite" MessageDisposition="SendAndSaveCopy" SendMeetingInvitationsOrCancellations="SendToAllAndSaveCopy">
      <m:ItemChanges>
        <t:ItemChange>
          <t:ItemId Id="{identity[0]}" ChangeKey="{identity[1]}"/>
          <t:Updates>{updates}</t:Updates>
        </t:ItemChange>
      </m:ItemChanges>
    </m:UpdateItem>""",
                room,
            )
        )

    def delete(self, room, identity):
        root = self.soap(
            f"""<m:DeleteItem DeleteType="HardDelete" SendMeetingCancellations="SendToAllAndSaveCopy" AffectedTaskOccurrences="AllOccurrences">
      <m:ItemIds>
        <t:ItemId Id="{identity[0]}" ChangeKey="{identity[1]}"/>
      </m:ItemIds>
    </m:DeleteItem>""",
            room,
        )
        return root.find(".//m:DeleteItemResponseMessage", NAMES).get("ResponseClass")

    def find(self, room, start, end):
        root = self.soap(
            f"""<m:FindItem Traversal="Shallow">
      <m:ItemShape>
        <t:BaseShape>AllProperties</t:BaseShape>
      </m:ItemShape>
      <m:CalendarView MaxEntriesReturned="1048576" StartDate="{stamp(start)}" EndDate="{stamp(end)}"/>
      <m:ParentFolderIds>{FOLDER.format(room)}</m:ParentFolderIds>
    </m:FindItem>""",
            room,
        )
        items = {}
        for item in root.iterfind(".//t:CalendarItem", NAMES):
            name = item.find("t:ItemId", NAMES)
            organizer = item.find("t:Organizer/t:Mailbox", NAMES)
            if organizer is not None:
                assert organizer.findtext("t:EmailAddress", namespaces=NAMES), "an organizer without address"
                assert organizer.findtext("t:RoutingType", namespaces=NAMES) == "SMTP"
            items[name.get("Id")] = {
                "change_key": name.get("ChangeKey"),
                "subject": item.find("t:Subject", NAMES).text,
                "start": item.find("t:Start", NAMES).text,
                "end": item.find("t:End", NAMES).text,
                "organizer": None if organizer is None else organizer.findtext("t:EmailAddress", namespaces=NAMES),
                "organizer_name": None if organizer is None else organizer.findtext("t:Name", namespaces=NAMES),
            }
            assert len(name.get("Id")) <= 200 and len(name.get("ChangeKey")) <= 100
        return items

    def resolve(self, room, entry):
        root = self.soap(
            f"""<m:ResolveNames ReturnFullContactData="true">
      <m:UnresolvedEntry>{entry}</m:UnresolvedEntry>
    </m:ResolveNames>""",
            room,
        )
        for resolution in root.iterfind(".//t:Resolution", NAMES):
            mailbox = resolution.find("t:Mailbox", NAMES)
            contact = resolution.find("t:Contact", NAMES)
            assert mailbox.findtext("t:RoutingType", namespaces=NAMES) == "SMTP" and contact is not None
            entries = [entry.text for entry in contact.iterfind("t:EmailAddresses/t:Entry", NAMES)]
            assert all(entries), entries
            return (
                mailbox.findtext("t:Name", namespaces=NAMES),
                mailbox.findtext("t:EmailAddress", namespaces=NAMES),
                contact.findtext("t:GivenName", namespaces=NAMES),
                contact.findtext("t:Surname", namespaces=NAMES),
                entries,
            )
        return None

    def subscribe(self, room):
        types = "".join(f"<t:EventType>{name}Event</t:EventType>" for name in EVENT_TYPES)
        root = self.soap(
            f"""<m:Subscribe>
      <m:StreamingSubscriptionRequest>
        <t:FolderIds>{FOLDER.format(room)}</t:FolderIds>
        <t:EventTypes>{types}</t:EventTypes>
      </m:StreamingSubscriptionRequest>
    </m:Subscribe>""",
            room,
            "Exchange2013",
        )
        return root.find(".//m:SubscriptionId", NAMES).text

    def unsubscribe(self, room, subscription):
        body = f"<m:Unsubscribe><m:SubscriptionId>{subscription}</m:SubscriptionId></m:Unsubscribe>"
        root = self.soap(body, room, "Exchange2013")
        return root.find(".//m:UnsubscribeResponseMessage", NAMES).get("ResponseClass")


class Listener(threading.Thread):
    """respa_exchange's EventAwaiterThread: one stream for all subscriptions, opened again when it ends."""

    def __init__(self, exchange, subscriptions):
        super().__init__(daemon=True)
        self.exchange, self.subscriptions = exchange, subscriptions
        self.events, self.errors, self.connected, self.stop = [], [], threading.Event(), False
        self.chunks = 0

    def run(self):
        while not self.stop:
            try:
                self.stream()
            except requests.RequestException as problem:
                self.errors.append(type(problem).__name__)
            time.sleep(0.3)

    def stream(self):
        ids = "".join(f"<t:SubscriptionId>{name}</t:SubscriptionId>" for name in self.subscriptions)
        body = f"""<m:GetStreamingEvents>
      <m:SubscriptionIds>{ids}</m:SubscriptionIds>
      <m:ConnectionTimeout>20</m:ConnectionTimeout>
    </m:GetStreamingEvents>"""
        with self.exchange.session() as session:
            answer = session.post(
                self.exchange.url,
                envelope("Exchange2013", None, body),
                stream=True,
                timeout=(10, 21 * 60),
                verify=self.exchange.authority,
            )
            assert answer.headers.get("Transfer-Encoding") == "chunked", answer.headers
            assert "Content-Encoding" not in answer.headers, answer.headers
            # One chunk is one document: whatever else comes cannot be parsed.
            for chunk in answer.raw.read_chunked():
                if not chunk.strip():
                    continue
                self.chunks += 1
                assert chunk.startswith(b'<Envelope xmlns="http://schemas.xmlsoap.org/soap/envelope/">'), chunk[:200]
                root = ElementTree.fromstring(chunk)
                message = root.find(".//m:GetStreamingEventsResponseMessage", NAMES)
                if message is None:
                    raise SoapFault(chunk.decode())
                if message.get("ResponseClass") != "Success":
                    code = message.findtext("m:ResponseCode", namespaces=NAMES)
                    assert message.findtext("m:MessageText", namespaces=NAMES)
                    self.errors.append(code)
                    if code == "ErrorSubscriptionNotFound":
                        self.stop = True
                        return
                self.connected.set()
                for notification in root.iterfind(".//m:Notification", NAMES):
                    name = notification.findtext("t:SubscriptionId", namespaces=NAMES)
                    for child in notification:
                        if child.tag.endswith("Event"):
                            assert not child.tag.endswith("StatusEvent"), "a keep-alive that looks like an event"
                            self.events.append((name, child.tag.split("}")[1], time.monotonic()))


def item_id(root):
    name = root.find(".//t:ItemId", NAMES)
    if name is None:
        raise ValueError(ElementTree.tostring(root).decode())
    return name.get("Id"), name.get("ChangeKey")


def wait(what, seconds, condition):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return
        time.sleep(0.05)
    sys.exit(f"{what}: not within {seconds} s")


def conversation(details, basic, restart=None):
    """All of it; `restart` restarts the gateway while the listener waits."""
    exchange, graph = Exchange(details, basic), Graph(details)
    first, second = details["rooms"][:2]
    person = details["mailboxes"][0]
    today = datetime.datetime.now(datetime.timezone.utc).replace(hour=0, minute=0, second=0, microsecond=0)
    day, hour = datetime.timedelta(days=1), datetime.timedelta(hours=1)
    year = (today, today + 365 * day)
    start = today + 7 * day + 9 * hour

    before = exchange.find(first, *year)
    made = exchange.create(first, "drive 41286237 åäö &amp; &lt;b&gt;", start, start + hour, person)
    found = exchange.find(first, *year)
    assert set(found) - set(before) == {made[0]}, "the new item, and nothing else"
    item = found[made[0]]
    assert item["change_key"] == made[1], ("create and find tell the same change key", item, made)
    assert item["subject"] == "drive 41286237 åäö & <b>" and item["start"] == stamp(start), item

    changed = exchange.update(first, made, "moved", start + 2 * hour, start + 4 * hour, person)
    assert changed[0] == made[0] and changed[1] != made[1], (made, changed)
    again = exchange.update(first, made, "moved", start + 2 * hour, start + 4 * hour, person)
    assert again == changed, ("an update that changes nothing, with a stale key", changed, again)
    item = exchange.find(first, *year)[made[0]]
    assert (item["change_key"], item["start"]) == (changed[1], stamp(start + 2 * hour)), (item, changed)

    organised = graph.create(
        person,
        {
            "subject": "Made in Outlook",
            "start": {"dateTime": (start + 24 * hour).strftime("%Y-%m-%dT%H:%M:%S"), "timeZone": "UTC"},
            "end": {"dateTime": (start + 25 * hour).strftime("%Y-%m-%dT%H:%M:%S"), "timeZone": "UTC"},
            "attendees": [{"emailAddress": {"address": first}, "type": "resource"}],
        },
    )
    meeting = next(item for item in exchange.find(first, *year).values() if item["subject"] == "Made in Outlook")
    assert meeting["organizer"] == person, meeting
    name, address, given, surname, _ = exchange.resolve(first, person)
    assert (name, address) == (meeting["organizer_name"], person) and given and surname, (name, address)
    assert exchange.resolve(first, "nobody-at-all@" + person.split("@")[1]) is None

    subscriptions = {exchange.subscribe(room): room for room in (first, second)}
    assert len(subscriptions) == 2
    listener = Listener(exchange, list(subscriptions))
    listener.start()
    wait("the stream's first envelope", 10, listener.connected.is_set)
    # What was done just before may still be told.
    time.sleep(4)
    listener.events.clear()
    time.sleep(4)
    assert not listener.events, ("nothing has happened since", listener.events)

    begun = time.monotonic()
    graph.change(person, organised["id"], {"subject": "Changed in Outlook"})
    wait("an event for a change", 5, lambda: any(subscriptions[name] == first for name, *_ in listener.events))
    delay = listener.events[0][2] - begun
    subjects = {item["subject"] for item in exchange.find(first, *year).values()}
    assert "Changed in Outlook" in subjects and "Made in Outlook" not in subjects

    if restart:
        listener.connected.clear()
        restart()
        listener.events.clear()
        graph.change(person, organised["id"], {"subject": "Changed while away"})
        wait("the stream after the restart", 20, listener.connected.is_set)
        wait("an event after the restart", 15, lambda: any(subscriptions[name] == first for name, *_ in listener.events))

    listener.events.clear()
    graph.delete(person, organised["id"])
    wait("an event for a deletion", 5, lambda: any(subscriptions[name] == first for name, *_ in listener.events))

    assert exchange.delete(first, changed) == "Success"
    assert exchange.delete(first, changed) == "Error", "deleted twice"
    assert made[0] not in exchange.find(first, *year)
    for subscription, room in subscriptions.items():
        assert exchange.unsubscribe(room, subscription) == "Success"
        assert exchange.unsubscribe(room, subscription) == "Error", "unsubscribed twice"
    wait("the end of the stream", 10, lambda: listener.stop)
    assert "ErrorSubscriptionNotFound" in listener.errors, listener.errors
    try:
        exchange.subscribe("somebody@else.example")
    except SoapFault as fault:
        print(f"respa: a foreign room is refused: {fault}")
    else:
        sys.exit("a foreign room was subscribed to")
    scheme = "Basic" if basic else f"NTLM ({requests_ntlm.__name__} {importlib.metadata.version('requests_ntlm')})"
    away = "; the gateway was restarted under the listener" if restart else ""
    print(f"respa: its whole conversation, by {scheme}; event after {delay:.1f} s{away}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("details")
    parser.add_argument("--basic", action="store_true")
    arguments = parser.parse_args()
    conversation(json.loads(pathlib.Path(arguments.details).read_text()), arguments.basic)


if __name__ == "__main__":
    main()
