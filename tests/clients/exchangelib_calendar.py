"""exchangelib, as it comes from PyPI, keeps a calendar through a demonstration: DETAILS.json is its only argument.

It reads, makes, changes and deletes items, series with changed and deleted occurrences, answers invitations, calls
meetings off, and hears of changes by streaming and by pulling. What Graph then has is looked up there.
"""

import json
import pathlib
import sys
import threading
import time
from datetime import timedelta

from exchangelib import (
    DELEGATE,
    Account,
    Attendee,
    CalendarItem,
    Configuration,
    Credentials,
    EWSDate,
    EWSDateTime,
    EWSTimeZone,
    HTMLBody,
    Mailbox,
)
from exchangelib.errors import ErrorItemNotFound
from exchangelib.extended_properties import ExtendedProperty
from exchangelib.items import SEND_TO_ALL_AND_SAVE_COPY, SEND_TO_NONE
from exchangelib.protocol import FailFast
from exchangelib.recurrence import Recurrence, WeeklyPattern

from graph import Graph

ZONE = EWSTimeZone("Europe/Helsinki")


class Ticket(ExtendedProperty):
    property_set_id = "c11ff724-aa03-4555-9952-8fa248a11c3e"
    property_name = "Ticket"
    property_type = "String"


def at(days, hour, minute=0):
    day = EWSDate.today() + timedelta(days=days)
    return EWSDateTime(day.year, day.month, day.day, hour, minute, tzinfo=ZONE)


def single(account, graph, owner):
    """One item, from its making to its end."""
    item = CalendarItem(
        account=account,
        folder=account.calendar,
        subject="Ä & <b> 😀",
        body=HTMLBody("<p>a &amp; b</p>"),
        start=at(3, 9),
        end=at(3, 10, 30),
        location="Room 7",
        categories=["Red", "Blue"],
        importance="High",
        sensitivity="Private",
        legacy_free_busy_status="OOF",
        reminder_is_set=True,
        reminder_minutes_before_start=45,
        ticket="T-1",
    )
    item.save(send_meeting_invitations=SEND_TO_NONE)
    seen = account.calendar.get(id=item.id)
    for name, value in {
        "subject": "Ä & <b> 😀",
        "start": at(3, 9),
        "end": at(3, 10, 30),
        "location": "Room 7",
        "importance": "High",
        "sensitivity": "Private",
        "legacy_free_busy_status": "OOF",
        "reminder_is_set": True,
        "reminder_minutes_before_start": 45,
        "ticket": "T-1",
        "is_all_day": False,
        "type": "Single",
        "changekey": item.changekey,
    }.items():
        assert getattr(seen, name) == value, (name, getattr(seen, name), value)
    assert sorted(seen.categories) == ["Blue", "Red"], seen.categories
    assert "a &amp; b" in seen.body or "a & b" in seen.body, seen.body
    assert seen.uid and seen.organizer.email_address == owner

    view = list(account.calendar.view(start=at(3, 0), end=at(4, 0)))
    assert [one.id for one in view if one.subject == "Ä & <b> 😀"] == [item.id], view
    only = list(account.calendar.view(start=at(3, 0), end=at(4, 0)).only("subject", "start"))
    assert any(one.subject == "Ä & <b> 😀" and one.start == at(3, 9) for one in only)
    filtered = list(account.calendar.filter(subject="Ä & <b> 😀"))
    assert [one.id for one in filtered] == [item.id], filtered
    assert not account.calendar.filter(subject__contains="no such thing").exists()

    seen.subject, seen.start, seen.end = "Changed", at(3, 11), at(3, 12)
    seen.save(update_fields=["subject", "start", "end"], send_meeting_invitations=SEND_TO_NONE)
    assert seen.changekey != item.changekey
    graphs = next(one for one in graph.get(f"users/{owner}/events", **{"$top": "1000"}) if one["subject"] == "Changed")
    assert graphs["sensitivity"] == "private" and graphs["showAs"] == "oof", graphs
    item.refresh()
    assert (item.subject, item.start, item.changekey) == ("Changed", at(3, 11), seen.changekey)
    gone = item.id
    item.delete()
    try:
        account.calendar.get(id=gone)
    except ErrorItemNotFound:
        pass
    else:
        sys.exit("a deleted item is still there")


def all_day(account):
    day = EWSDate.today() + timedelta(days=5)
    item = CalendarItem(
        account=account, folder=account.calendar, subject="Day", start=day, end=day + timedelta(days=1), is_all_day=True
    )
    item.save()
    seen = account.calendar.get(id=item.id)
    assert seen.is_all_day and (seen.start, seen.end) == (day, day + timedelta(days=1)), (seen.start, seen.end)
    item.delete()


def bulk(account):
    items = [
        CalendarItem(account=account, folder=account.calendar, subject=f"Bulk {n}", start=at(8, n), end=at(8, n, 30))
        for n in range(8)
    ]
    made = account.bulk_create(folder=account.calendar, items=items)
    assert len({one.id for one in made}) == 8
    assert account.calendar.filter(subject__startswith="Bulk").count() == 8
    ordered = list(account.calendar.filter(subject__startswith="Bulk").order_by("-start")[:3])
    assert [one.subject for one in ordered] == ["Bulk 7", "Bulk 6", "Bulk 5"], ordered
    assert all(outcome is True for outcome in account.bulk_delete([(one.id, one.changekey) for one in made]))


def series(account):
    """A series with one moved and one deleted occurrence."""
    start = at(7, 14)
    master = CalendarItem(
        account=account,
        folder=account.calendar,
        subject="Weekly",
        start=start,
        end=start + timedelta(hours=1),
        recurrence=Recurrence(pattern=WeeklyPattern(interval=1, weekdays=[start.weekday() + 1]), start=start.date(), number=5),
    )
    master.save()
    moved = master.occurrence(index=2)
    moved.start, moved.end = start + timedelta(days=7, hours=2), start + timedelta(days=7, hours=3)
    moved.save(update_fields=["start", "end"])
    master.occurrence(index=4).delete()
    master.refresh()
    assert master.type == "RecurringMaster" and master.recurrence.boundary.number == 5, master
    assert len(master.modified_occurrences) == 1, master.modified_occurrences
    changed = master.modified_occurrences[0]
    assert changed.start == start + timedelta(days=7, hours=2) and changed.original_start == start + timedelta(days=7)
    assert [gone.start.astimezone(ZONE).date() for gone in master.deleted_occurrences] == [(start + timedelta(days=21)).date()]
    assert master.first_occurrence.start == start and master.last_occurrence.start == start + timedelta(days=28)
    seen = [one for one in account.calendar.view(start=at(0, 0), end=at(60, 0)) if one.subject == "Weekly"]
    assert [one.type for one in seen] == ["Occurrence", "Exception", "Occurrence", "Occurrence"], seen
    assert [(one.start - start).days for one in seen] == [0, 7, 14, 28]
    assert len({one.id for one in seen}) == 4
    assert [one.id for one in account.fetch([seen[0].recurring_master()])] == [master.id]
    master.delete()


def meetings(account, graph, owner, others):
    """Invitations, answered and called off."""
    other = others[0]
    # Nobody is told.
    quiet = CalendarItem(
        account=account,
        folder=account.calendar,
        subject="Quiet",
        start=at(9, 9),
        end=at(9, 10),
        required_attendees=[Attendee(mailbox=Mailbox(email_address=other), response_type="Unknown")],
    )
    quiet.save(send_meeting_invitations=SEND_TO_NONE)
    seen = account.calendar.get(id=quiet.id)
    assert [one.mailbox.email_address for one in seen.required_attendees] == [other], seen.required_attendees
    subjects = lambda who: [one["subject"] for one in graph.get(f"users/{who}/events", **{"$top": "1000"})]
    assert "Quiet" not in subjects(other)
    quiet.delete()
    # Everybody is.
    loud = CalendarItem(
        account=account,
        folder=account.calendar,
        subject="Loud",
        start=at(9, 11),
        end=at(9, 12),
        required_attendees=[other],
    )
    loud.save(send_meeting_invitations=SEND_TO_ALL_AND_SAVE_COPY)
    assert "Loud" in subjects(other)
    loud = account.calendar.get(id=loud.id)
    assert loud.my_response_type == "Organizer" and loud.is_meeting
    loud.cancel(body="Not any more")
    assert "Loud" not in subjects(owner)
    # An invitation.
    for answer, response in (("accept", "accepted"), ("tentatively_accept", "tentativelyAccepted"), ("decline", "declined")):
        start = at(10, 9)
        invited = graph.create(
            other,
            {
                "subject": f"Please {answer}",
                "start": {"dateTime": start.strftime("%Y-%m-%dT%H:%M:%S"), "timeZone": "Europe/Helsinki"},
                "end": {"dateTime": (start + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%S"), "timeZone": "Europe/Helsinki"},
                "attendees": [{"emailAddress": {"address": owner}, "type": "required"}],
            },
        )
        item = next(one for one in account.calendar.view(start=at(10, 0), end=at(11, 0)) if one.subject == f"Please {answer}")
        assert item.my_response_type == "NoResponseReceived", item.my_response_type
        getattr(item, answer)(body="Fine", message_disposition="SendAndSaveCopy")
        organizers = next(one for one in graph.get(f"users/{other}/events", **{"$top": "1000"}) if one["id"] == invited["id"])
        assert organizers["attendees"][0]["status"]["response"] == response, organizers["attendees"]
        graph.delete(other, invited["id"])


def pull(account, graph, owner):
    with account.calendar.pull_subscription() as (subscription, watermark):
        time.sleep(5)
        made = graph.create(owner, plain("Pulled"))
        events, end = [], time.monotonic() + 15
        while not events and time.monotonic() < end:
            for notification in account.calendar.get_events(subscription, watermark):
                events += [event for event in notification.events if about(account, event, "Pulled")]
                watermark = notification.events[-1].watermark or watermark
            time.sleep(0.5)
        assert [event.ELEMENT_NAME for event in events] == ["CreatedEvent"], events
        graph.delete(owner, made["id"])


def stream(account, graph, owner):
    with account.calendar.streaming_subscription() as subscription:
        made = []
        timer = threading.Timer(4, lambda: made.append(graph.create(owner, plain("Streamed"))))
        timer.start()
        begun, events = time.monotonic(), []
        for notification in account.calendar.get_streaming_events(subscription, connection_timeout=1):
            events += [event for event in notification.events if about(account, event, "Streamed")]
            if events:
                break
        timer.join()
        assert [event.ELEMENT_NAME for event in events] == ["CreatedEvent"], events
        assert time.monotonic() - begun < 4 + 6, "an event within 5 s"
        graph.delete(owner, made[0]["id"])


def about(account, event, subject):
    """Whether an event is about an item that is there and has the subject: what was done just before may be told too."""
    if event.ELEMENT_NAME not in ("CreatedEvent", "ModifiedEvent"):
        return False
    try:
        return account.calendar.get(id=event.item_id.id).subject == subject
    except ErrorItemNotFound:
        return False


def plain(subject):
    start = at(12, 9)
    return {
        "subject": subject,
        "start": {"dateTime": start.strftime("%Y-%m-%dT%H:%M:%S"), "timeZone": "Europe/Helsinki"},
        "end": {"dateTime": (start + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%S"), "timeZone": "Europe/Helsinki"},
    }


def main():
    details = json.loads(pathlib.Path(sys.argv[1]).read_text())
    graph, owner = Graph(details), details["account_mailbox"]
    CalendarItem.register("ticket", Ticket)
    configuration = Configuration(
        service_endpoint=details["ews_url"],
        credentials=Credentials(details["account_username"], details["account_password"]),
        retry_policy=FailFast(),
        # One for the stream, one for what is asked meanwhile.
        max_connections=2,
    )
    account = Account(
        primary_smtp_address=owner, config=configuration, autodiscover=False, access_type=DELEGATE, default_timezone=ZONE
    )
    others = [mailbox for mailbox in details["mailboxes"] if mailbox != owner]
    single(account, graph, owner)
    all_day(account)
    bulk(account)
    series(account)
    meetings(account, graph, owner, others)
    pull(account, graph, owner)
    stream(account, graph, owner)
    print(f"exchangelib: items, series, meetings, pull and streaming ({configuration.auth_type or 'guessed log-in'})")


if __name__ == "__main__":
    main()
