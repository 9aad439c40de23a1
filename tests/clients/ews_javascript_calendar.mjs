// ews-javascript-api, as it comes from npm, keeps a calendar through a demonstration: DETAILS.json is its only argument.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const require = createRequire(`${process.env.NODE_LIBRARIES}/`);
const ews = require("ews-javascript-api");
const details = JSON.parse(readFileSync(process.argv[2], "utf8"));
const owner = details.account_mailbox;

const form = new URLSearchParams({
  grant_type: "client_credentials",
  client_id: details.simulator_client_id,
  client_secret: details.simulator_client_secret,
  scope: "https://graph.microsoft.com/.default",
});
const login = `${details.simulator_url}/${details.simulator_tenant}/oauth2/v2.0/token`;
const { access_token } = await (await fetch(login, { method: "POST", body: form })).json();
async function graph(method, path, body) {
  const answer = await fetch(`${details.simulator_url}/v1.0/users/${path}`, {
    method,
    headers: { authorization: `Bearer ${access_token}`, "content-type": "application/json" },
    body: body && JSON.stringify(body),
  });
  assert.ok(answer.ok, await answer.clone().text());
  return answer.status === 204 ? undefined : answer.json();
}

const service = new ews.ExchangeService(ews.ExchangeVersion.Exchange2016);
service.Url = new ews.Uri(details.ews_url);
service.Credentials = new ews.WebCredentials(details.account_username, details.account_password);
const calendar = new ews.FolderId(ews.WellKnownFolderName.Calendar);
const day = (days, hour) => {
  const at = new Date();
  at.setUTCDate(at.getUTCDate() + days);
  at.setUTCHours(hour, 0, 0, 0);
  return new ews.DateTime(at.toISOString());
};
const view = async (from, to) => (await service.FindAppointments(calendar, new ews.CalendarView(day(from, 0), day(to, 0), 500))).Items;

const bound = await ews.Folder.Bind(service, calendar);
assert.equal(bound.DisplayName, "Calendar");

// One item.
const item = new ews.Appointment(service);
item.Subject = "Ä 😀";
item.Body = new ews.MessageBody(ews.BodyType.Text, "one\ntwo");
item.Start = day(3, 9);
item.End = day(3, 10);
item.Location = "Room 7";
await item.Save(ews.SendInvitationsMode.SendToNone);
const read = await ews.Appointment.Bind(service, item.Id);
assert.equal(read.Subject, "Ä 😀");
assert.equal(read.Location, "Room 7");
assert.equal(read.Start.TotalMilliSeconds, day(3, 9).TotalMilliSeconds);
assert.equal((await view(3, 4)).filter((one) => one.Id.UniqueId === item.Id.UniqueId).length, 1);
read.Subject = "Changed";
await read.Update(ews.ConflictResolutionMode.AlwaysOverwrite, ews.SendInvitationsOrCancellationsMode.SendToNone);
assert.equal((await ews.Appointment.Bind(service, item.Id)).Subject, "Changed");
await read.Delete(ews.DeleteMode.HardDelete, ews.SendCancellationsMode.SendToNone);
await assert.rejects(ews.Appointment.Bind(service, item.Id), (error) => error.ErrorCode === ews.ServiceError.ErrorItemNotFound);

// A series with a moved and a deleted occurrence.
const series = new ews.Appointment(service);
series.Subject = "Daily";
series.Start = day(5, 12);
series.End = day(5, 13);
series.Recurrence = new ews.Recurrence.DailyPattern(day(5, 12), 1);
series.Recurrence.NumberOfOccurrences = 4;
await series.Save(ews.SendInvitationsMode.SendToNone);
const second = await ews.Appointment.BindToOccurrence(service, series.Id, 2);
second.Start = day(6, 15);
second.End = day(6, 16);
await second.Update(ews.ConflictResolutionMode.AlwaysOverwrite, ews.SendInvitationsOrCancellationsMode.SendToNone);
const third = await ews.Appointment.BindToOccurrence(service, series.Id, 3);
await third.Delete(ews.DeleteMode.HardDelete, ews.SendCancellationsMode.SendToNone);
const kinds = (await view(5, 10)).filter((one) => one.Subject === "Daily").map((one) => ews.AppointmentType[one.AppointmentType]);
assert.deepEqual(kinds, ["Occurrence", "Exception", "Occurrence"]);
const master = await ews.Appointment.BindToRecurringMaster(service, second.Id);
assert.equal(master.Id.UniqueId, series.Id.UniqueId);
assert.equal(master.ModifiedOccurrences.Count, 1);
assert.equal(master.DeletedOccurrences.Count, 1);
await master.Delete(ews.DeleteMode.HardDelete, ews.SendCancellationsMode.SendToNone);

// An invitation accepted, a meeting called off.
const other = details.mailboxes.find((mailbox) => mailbox !== owner);
const times = { start: { dateTime: day(7, 9).ToISOString().slice(0, 19), timeZone: "UTC" }, end: { dateTime: day(7, 10).ToISOString().slice(0, 19), timeZone: "UTC" } };
const invited = await graph("POST", `${other}/events`, { subject: "Please come", ...times, attendees: [{ emailAddress: { address: owner }, type: "required" }] });
const invitation = (await view(7, 8)).find((one) => one.Subject === "Please come");
await (await ews.Appointment.Bind(service, invitation.Id)).Accept(true);
assert.equal((await graph("GET", `${other}/events/${invited.id}`)).attendees[0].status.response, "accepted");
await graph("DELETE", `${other}/events/${invited.id}`);
const meeting = new ews.Appointment(service);
meeting.Subject = "Called off";
meeting.Start = day(7, 14);
meeting.End = day(7, 15);
meeting.RequiredAttendees.Add(other);
await meeting.Save(ews.SendInvitationsMode.SendToAllAndSaveCopy);
assert.equal((await view(7, 8)).filter((one) => one.Subject === "Called off").length, 1);
await (await ews.Appointment.Bind(service, meeting.Id)).CancelMeeting("Sorry");
assert.equal((await view(7, 8)).filter((one) => one.Subject === "Called off").length, 0);

// Hearing of changes, by pulling and by streaming. What was done just before may be told too.
const isAbout = async (event, subject) => {
  if (ews.EventType[event.EventType] !== "Created") return false;
  try {
    return (await ews.Appointment.Bind(service, event.ItemId)).Subject === subject;
  } catch (error) {
    assert.equal(error.ErrorCode, ews.ServiceError.ErrorItemNotFound);
    return false;
  }
};
const pull = await service.SubscribeToPullNotifications([calendar], 10, null, ews.EventType.Created, ews.EventType.Deleted);
await new Promise((done) => setTimeout(done, 5000));
const pulled = await graph("POST", `${owner}/events`, { subject: "Pulled", ...times });
let events = [];
for (let tries = 0; tries < 30 && events.length === 0; tries += 1) {
  await new Promise((done) => setTimeout(done, 500));
  for (const one of (await pull.GetEvents()).ItemEvents) if (await isAbout(one, "Pulled")) events.push(one);
}
assert.equal(events.length, 1);
await pull.Unsubscribe();
await graph("DELETE", `${owner}/events/${pulled.id}`);

const subscription = await service.SubscribeToStreamingNotifications([calendar], ews.EventType.Created, ews.EventType.Modified);
const connection = new ews.StreamingSubscriptionConnection(service, 1);
connection.AddSubscription(subscription);
const heard = new Promise((done, fail) => {
  connection.OnNotificationEvent.push(async (_, args) => {
    for (const one of args.Events) if (await isAbout(one, "Streamed")) done(one);
  });
  connection.OnSubscriptionError.push((_, args) => fail(args.Exception));
});
connection.Open();
await new Promise((done) => setTimeout(done, 4000));
const streamed = await graph("POST", `${owner}/events`, { subject: "Streamed", ...times });
const late = new Promise((_, fail) => setTimeout(() => fail(new Error("no event within 6 s")), 6000));
await Promise.race([heard, late]);
await graph("DELETE", `${owner}/events/${streamed.id}`);
connection.Close();
await subscription.Unsubscribe();
console.log("ews-javascript-api: items, series, meetings, pull and streaming");
process.exit(0);
