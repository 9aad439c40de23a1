"""exchangelib, as it comes from PyPI, against a demonstration: DETAILS.json is its only argument.

Meetings around changes of the clock are added through Graph and looked up through the gateway, in the zone where they
take place and in UTC.
"""

import json
import pathlib
import sys
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from exchangelib import DELEGATE, Account, Configuration, Credentials, EWSDateTime, EWSTimeZone
from exchangelib.errors import ErrorMailRecipientNotFound
from exchangelib.protocol import FailFast

from graph import Graph

CHANGES = json.loads((pathlib.Path(__file__).parent / "changes.json").read_text())


def busy(answer):
    """The busy times of one mailbox, as instants."""
    utc = ZoneInfo("UTC")
    events = answer.calendar_events or []
    return [(event.start.astimezone(utc), event.end.astimezone(utc), event.busy_type) for event in events]


def expected(change):
    instants = [(meeting["start_utc"], meeting["end_utc"]) for meeting in change["meetings"]]
    return [tuple(datetime.fromisoformat(text.replace("Z", "+00:00")) for text in pair) for pair in instants]


def midnight(day, zone):
    year, month, day = map(int, day.split("-"))
    return EWSDateTime(year, month, day, tzinfo=zone)


def look_up(account, mailboxes, zone, change, view):
    people = [(mailbox, "Required", False) for mailbox in mailboxes]
    return list(
        account.protocol.get_free_busy_info(
            accounts=people,
            start=midnight(change["start"], zone),
            end=midnight(change["end"], zone),
            merged_free_busy_interval=5,
            requested_view=view,
        )
    )


def main():
    details = json.loads(pathlib.Path(sys.argv[1]).read_text())
    graph = Graph(details)
    configuration = Configuration(
        service_endpoint=details["ews_url"],
        credentials=Credentials(details["basic_username"], details["basic_password"]),
        retry_policy=FailFast(),
    )
    account = Account(
        primary_smtp_address=details["mailboxes"][0], config=configuration, autodiscover=False, access_type=DELEGATE
    )
    # Three mailboxes of the demonstration that nothing else happens to at these times.
    mailboxes = details["rooms"][:3]
    assert len(mailboxes) == 3, details["rooms"]

    for change, mailbox in zip(CHANGES, mailboxes):
        for meeting in change["meetings"]:
            graph.meet(mailbox, change["windows"], meeting["start"], meeting["end"], "Over the change of the clock")
        for zone in (change["iana"], "UTC"):
            for view in ("DetailedMerged", "FreeBusyMerged"):
                unknown = "nobody@" + mailbox.split("@")[1]
                known, failed = look_up(account, [mailbox, unknown], EWSTimeZone(zone), change, view)
                times = {(start, end) for start, end, busy_type in busy(known) if busy_type == "Busy"}
                missing = set(expected(change)) - times
                assert not missing, f"{zone} {view}: {missing} not in {sorted(times)}"
                assert known.view_type == view, known.view_type
                start = midnight(change["start"], EWSTimeZone(zone)).astimezone(EWSTimeZone("UTC"))
                for begin, end in expected(change):
                    first = int((begin - start) / timedelta(minutes=5))
                    last = int((end - start) / timedelta(minutes=5))
                    assert set(known.merged[first:last]) == {"2"}, (zone, begin, known.merged)
                assert isinstance(failed, ErrorMailRecipientNotFound), failed
        print(f"exchangelib: {change['iana']} is right")

    zones = list(account.protocol.get_timezones())
    names = {zone.id for zone in zones}
    assert len(names) > 100 and {change["windows"] for change in CHANGES} <= names, len(names)
    print(f"exchangelib: {len(names)} time zones")

    lists = list(account.protocol.get_roomlists())
    assert lists, "no room lists"
    rooms = list(account.protocol.get_rooms(lists[0].email_address))
    assert rooms and all(room.email_address in details["rooms"] for room in rooms), rooms
    print(f"exchangelib: {len(lists)} room lists, {len(rooms)} rooms in the first")


if __name__ == "__main__":
    main()
