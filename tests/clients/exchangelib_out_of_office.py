"""exchangelib, as it comes from PyPI, sets and reads automatic replies and asks for mail tips, against a demonstration:
DETAILS.json is its only argument. What it sets is looked up through Graph, and the other way round.
"""

import datetime
import json
import pathlib
import sys
from unittest import mock

from exchangelib import DELEGATE, UTC, Account, Configuration, Credentials, Mailbox, OofSettings
from exchangelib.errors import ErrorAccessDenied, ErrorInvalidScheduledOofDuration
from exchangelib.properties import SendingAs
from exchangelib.protocol import FailFast
from exchangelib.services import GetMailTips, GetUserOofSettings

from graph import Graph

INTERNAL = "<html><body>Back on <b>Monday</b> &amp; not before \N{PALM TREE}</body></html>"
EXTERNAL = "Away \N{HEBREW LETTER ALEF}\N{HEBREW LETTER BET}"


def account_of(details, name, password, mailbox):
    configuration = Configuration(
        service_endpoint=details["ews_url"], credentials=Credentials(name, password), retry_policy=FailFast()
    )
    return Account(primary_smtp_address=mailbox, config=configuration, autodiscover=False, access_type=DELEGATE)


def tips(account, recipients):
    """By recipient: what there is to say."""
    answers = GetMailTips(protocol=account.protocol).call(
        sending_as=SendingAs(email_address=account.primary_smtp_address),
        recipients=[Mailbox(email_address=recipient) for recipient in recipients],
        mail_tips_requested="All",
    )
    return dict(zip(recipients, answers, strict=True))


def settings(account, graph):
    """All three states, each way."""
    own = account.primary_smtp_address
    now = datetime.datetime.now(tz=UTC).replace(microsecond=0)
    start, end = now - datetime.timedelta(hours=1), now + datetime.timedelta(days=3)

    account.oof_settings = OofSettings(
        state="Enabled", external_audience="Known", internal_reply=INTERNAL, external_reply=EXTERNAL
    )
    kept = graph.automatic_replies(own)
    assert (kept["status"], kept["externalAudience"]) == ("alwaysEnabled", "contactsOnly"), kept
    assert (kept["internalReplyMessage"], kept["externalReplyMessage"]) == (INTERNAL, EXTERNAL), kept
    read = account.oof_settings
    assert (read.state, read.external_audience) == ("Enabled", "Known"), read
    assert (read.internal_reply, read.external_reply) == (INTERNAL, EXTERNAL), read
    assert read.start and read.end, "the times are always told"

    account.oof_settings = OofSettings(
        state="Scheduled", external_audience="All", internal_reply="in", external_reply="out", start=start, end=end
    )
    read = account.oof_settings
    assert (read.state, read.external_audience, read.start, read.end) == ("Scheduled", "All", start, end), read
    kept = graph.automatic_replies(own)
    assert kept["status"] == "scheduled" and kept["scheduledStartDateTime"]["timeZone"] == "UTC", kept
    assert kept["scheduledEndDateTime"]["dateTime"].startswith(end.strftime("%Y-%m-%dT%H:%M:%S")), kept

    account.oof_settings = OofSettings(state="Disabled", external_audience="None")
    assert graph.automatic_replies(own)["status"] == "disabled"
    assert account.oof_settings.state == "Disabled"

    past = OofSettings(
        state="Scheduled",
        external_audience="All",
        internal_reply="in",
        external_reply="out",
        start=start - datetime.timedelta(days=9),
        end=start,
    )
    try:
        # The library would refuse it by itself.
        with mock.patch.object(OofSettings, "clean"):
            account.oof_settings = past
        raise AssertionError("a schedule that is over was taken")
    except ErrorInvalidScheduledOofDuration:
        pass
    assert graph.automatic_replies(own)["status"] == "disabled", "nothing was set"

    for address in ("nobody@" + own.split("@")[1], "alice@elsewhere.invalid"):
        try:
            GetUserOofSettings(account=account).get(mailbox=Mailbox(email_address=address))
            raise AssertionError(f"{address} was told")
        except ErrorAccessDenied:
            pass
    print("exchangelib: automatic replies in all three states are right")


def mail_tips(account, graph, mailboxes):
    own = account.primary_smtp_address
    away, present = mailboxes[0], mailboxes[1]
    graph.set_automatic_replies(
        away,
        {"status": "alwaysEnabled", "externalAudience": "none", "internalReplyMessage": "Gone fishing", "externalReplyMessage": ""},
    )
    graph.set_automatic_replies(present, {"status": "disabled"})
    unknown = "nobody@" + own.split("@")[1]
    found = tips(account, [away, present])
    assert found[away].out_of_office.reply_body == "Gone fishing", found[away]
    assert found[away].recipient_address.email_address == away, found[away]
    assert not found[present].out_of_office.reply_body, found[present]
    assert not found[present].invalid_recipient, found[present]
    found = tips(account, [away, unknown, present])
    assert found[unknown].invalid_recipient and not found[away].invalid_recipient, found
    assert found[away].out_of_office.reply_body == "Gone fishing", found[away]
    try:
        # The library raises the first failure there is.
        tips(account, [away, "alice@elsewhere.invalid", present])
        raise AssertionError("who may not be asked about has a mail tip")
    except ErrorAccessDenied:
        pass
    print("exchangelib: mail tips of several recipients are right")


def main():
    details = json.loads(pathlib.Path(sys.argv[1]).read_text())
    graph = Graph(details)
    own = details["account_mailbox"]
    account = account_of(details, details["account_username"], details["account_password"], own)
    settings(account, graph)
    assert account.mail_tips.recipient_address.email_address == own
    everybody = account_of(details, details["basic_username"], details["basic_password"], own)
    others = [mailbox for mailbox in details["mailboxes"] if mailbox != own]
    mail_tips(everybody, graph, others[-2:])
    try:
        everybody.oof_settings = OofSettings(state="Disabled", external_audience="None")
        raise AssertionError("who may read only has written")
    except ErrorAccessDenied:
        pass


if __name__ == "__main__":
    main()
