"""Figures about calendars: FindItem over a year with 2,000 events, a thousand idle streams, the delay of events.

usage: calendar_figures.py BINARY [--events N] [--streams N]. Prints what benches/README.md tells. Connections are to
loopback alone, and closed at the end.
"""

import argparse
import base64
import pathlib
import re
import socket
import ssl
import statistics
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor

from exactly_once import ENVELOPE, call
from graph import Graph
from stand import Stand

FIND = """<m:FindItem Traversal="Shallow"><m:ItemShape><t:BaseShape>AllProperties</t:BaseShape></m:ItemShape><m:CalendarView MaxEntriesReturned="1048576" StartDate="2027-01-01T00:00:00Z" EndDate="2028-01-01T00:00:00Z"/><m:ParentFolderIds><t:DistinguishedFolderId Id="calendar"><t:Mailbox><t:EmailAddress>{room}</t:EmailAddress></t:Mailbox></t:DistinguishedFolderId></m:ParentFolderIds></m:FindItem>"""
SUBSCRIBE = """<m:Subscribe><m:StreamingSubscriptionRequest><t:FolderIds><t:DistinguishedFolderId Id="calendar"><t:Mailbox><t:EmailAddress>{room}</t:EmailAddress></t:Mailbox></t:DistinguishedFolderId></t:FolderIds><t:EventTypes><t:EventType>CreatedEvent</t:EventType><t:EventType>ModifiedEvent</t:EventType><t:EventType>DeletedEvent</t:EventType></t:EventTypes></m:StreamingSubscriptionRequest></m:Subscribe>"""
STREAM = """<m:GetStreamingEvents><m:SubscriptionIds><t:SubscriptionId>{id}</t:SubscriptionId></m:SubscriptionIds><m:ConnectionTimeout>30</m:ConnectionTimeout></m:GetStreamingEvents>"""


def memory(stand):
    """Resident, in MB."""
    text = pathlib.Path(f"/proc/{stand.gateway.pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+)", text).group(1)) / 1024


def graph_calls(stand):
    return {
        (call_name, status): int(count)
        for call_name, status, count in re.findall(r'graph_calls_total\{call="(\w+)",status="(\w+)"\} (\d+)', stand.metrics())
    }


def since(before, after):
    return {" ".join(key): count - before.get(key, 0) for key, count in after.items() if count != before.get(key, 0)}


def event(day, hour, subject):
    start = f"2027-{1 + day // 28 % 12:02}-{1 + day % 28:02}T{hour:02}"
    return {
        "subject": subject,
        "start": {"dateTime": f"{start}:00:00", "timeZone": "UTC"},
        "end": {"dateTime": f"{start}:30:00", "timeZone": "UTC"},
        "body": {"contentType": "text", "content": "Agenda\n" * 10},
    }


def find_item(stand, graph, count):
    room = stand.rooms[0]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: graph.create(room, event(n % 336, n // 336 % 24, f"Event {n}")), range(count)))
    begin, before, taken = memory(stand), graph_calls(stand), []
    for _ in range(10):
        begun = time.monotonic()
        text = call(stand, room, FIND.format(room=room))
        taken.append(time.monotonic() - begun)
        assert text.count("<t:CalendarItem>") >= count, text[:500]
    calls = since(before, graph_calls(stand))
    print(f"FindItem, a year with {text.count('<t:CalendarItem>')} items, AllProperties: p50 {statistics.median(taken) * 1000:.0f} ms, worst {max(taken) * 1000:.0f} ms, {len(text) / 1e6:.1f} MB; Graph calls in ten: {calls}; resident {begin:.1f} -> {memory(stand):.1f} MB")


def open_stream(stand, context, room, subscription):
    connection = context.wrap_socket(socket.create_connection(("localhost", stand.port)), server_hostname="localhost")
    body = ENVELOPE.format(room=room, body=STREAM.format(id=subscription)).encode()
    login = base64.b64encode(f"respa:{stand.password}".encode()).decode()
    head = f"POST /EWS/Exchange.asmx HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/xml\r\nAuthorization: Basic {login}\r\nContent-Length: {len(body)}\r\n\r\n"
    connection.sendall(head.encode() + body)
    connection.settimeout(30)
    text = b""
    while b"<m:ConnectionStatus>OK" not in text:
        more = connection.recv(65536)
        assert more, text
        text += more
    return connection


def subscribe(stand, room):
    text = call(stand, room, SUBSCRIBE.format(room=room))
    return re.search(r"SubscriptionId>([^<]+)<", text).group(1)


def streams(stand, count):
    context = ssl.create_default_context(cafile=str(stand.folder / "certificate.pem"))
    rooms = stand.rooms[:4]
    ids = [subscribe(stand, rooms[n % len(rooms)]) for n in range(count)]
    time.sleep(5)
    before = memory(stand)
    opened = [open_stream(stand, context, rooms[n % len(rooms)], name) for n, name in enumerate(ids)]
    time.sleep(5)
    after = memory(stand)
    print(f"{count} idle streams of as many subscriptions: resident {before:.1f} -> {after:.1f} MB, {(after - before) * 1024 / count:.1f} kB each")
    for connection in opened:
        connection.close()


def delays(stand, graph, count=20):
    context = ssl.create_default_context(cafile=str(stand.folder / "certificate.pem"))
    room = stand.rooms[1]
    stream = open_stream(stand, context, room, subscribe(stand, room))
    time.sleep(5)
    taken = []
    for n in range(count):
        begun = time.monotonic()
        graph.create(room, event(n, 3, f"Delay {n}"))
        text = b""
        while b"CreatedEvent" not in text:
            more = stream.recv(65536)
            assert more, "the stream ended"
            text += more
        taken.append(time.monotonic() - begun)
    stream.close()
    print(f"from a change in Graph to its event: p50 {statistics.median(taken):.1f} s, worst {max(taken):.1f} s")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("binary")
    parser.add_argument("--events", type=int, default=2000)
    parser.add_argument("--streams", type=int, default=1000)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        stand = Stand(arguments.binary, folder, more=MORE)
        try:
            graph = Graph(stand.details())
            find_item(stand, graph, arguments.events)
            delays(stand, graph)
            streams(stand, arguments.streams)
        finally:
            stand.stop()


# A thousand streams of one client from one address.
MORE = """
[changes]
streams_per_client = 10000
subscriptions_per_client = 10000
"""

if __name__ == "__main__":
    main()
