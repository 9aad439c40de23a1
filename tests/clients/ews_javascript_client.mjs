// ews-javascript-api, as it comes from npm, against a demonstration: DETAILS.json is its only argument. Meetings around
// changes of the clock are added through Graph and looked up through the gateway, in the zone where they take place.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

// The library lies in the folder that NODE_LIBRARIES names, not beside this file.
const require = createRequire(`${process.env.NODE_LIBRARIES}/`);
const ews = require("ews-javascript-api");

const details = JSON.parse(readFileSync(process.argv[2], "utf8"));
const changes = JSON.parse(readFileSync(new URL("changes.json", import.meta.url), "utf8"));

async function meet(mailbox, zone, meeting) {
  const base = details.simulator_url;
  const form = new URLSearchParams({
    grant_type: "client_credentials",
    client_id: details.simulator_client_id,
    client_secret: details.simulator_client_secret,
    scope: "https://graph.microsoft.com/.default",
  });
  const token = await (await fetch(`${base}/${details.simulator_tenant}/oauth2/v2.0/token`, { method: "POST", body: form })).json();
  const answer = await fetch(`${base}/v1.0/users/${mailbox}/events`, {
    method: "POST",
    headers: { authorization: `Bearer ${token.access_token}`, "content-type": "application/json" },
    body: JSON.stringify({
      subject: "Over the change of the clock",
      start: { dateTime: meeting.start, timeZone: zone },
      end: { dateTime: meeting.end, timeZone: zone },
    }),
  });
  assert.equal(answer.status, 201, await answer.text());
}

// A service whose requests name the zone, by its Windows name, in a TimeZoneContext header.
function service(zone, credentials) {
  const made = new ews.ExchangeService(ews.ExchangeVersion.Exchange2016, zone);
  made.Url = new ews.Uri(details.ews_url);
  made.Credentials = credentials;
  return made;
}

async function bearer() {
  const form = new URLSearchParams({
    grant_type: "client_credentials",
    client_id: details.client_id,
    client_secret: details.client_secret,
  });
  const answer = await (await fetch(details.token_url, { method: "POST", body: form })).json();
  return new ews.OAuthCredentials(answer.access_token);
}

async function lookUp(made, mailbox, change, data) {
  const window = new ews.TimeWindow(new ews.DateTime(`${change.start}T00:00:00`), new ews.DateTime(`${change.end}T00:00:00`));
  const options = new ews.AvailabilityOptions();
  options.RequestedFreeBusyView = ews.FreeBusyViewType.DetailedMerged;
  options.MergedFreeBusyInterval = 5;
  const answer = await made.GetUserAvailability([new ews.AttendeeInfo(mailbox), new ews.AttendeeInfo(`nobody@${mailbox.split("@")[1]}`)], window, data, options);
  const [known, unknown] = answer.AttendeesAvailability.Responses;
  assert.equal(ews.ServiceError[unknown.ErrorCode], "ErrorMailRecipientNotFound");
  assert.equal(known.Result, ews.ServiceResult.Success, known.ErrorMessage);
  return { known, answer };
}

const mailboxes = details.rooms.slice(3, 6);
assert.equal(mailboxes.length, 3);
const basic = new ews.WebCredentials(details.basic_username, details.basic_password);
const token = await bearer();

for (const [index, change] of changes.entries()) {
  const mailbox = mailboxes[index];
  for (const meeting of change.meetings) {
    await meet(mailbox, change.windows, meeting);
  }
  const zone = ews.TimeZoneInfo.FindSystemTimeZoneById(change.windows);
  for (const credentials of [basic, token]) {
    const { known } = await lookUp(service(zone, credentials), mailbox, change, ews.AvailabilityData.FreeBusy);
    const times = known.CalendarEvents.map((event) => [event.StartTime, event.EndTime].map((time) => time.Format("YYYY-MM-DDTHH:mm:ss")).join(" "));
    for (const meeting of change.meetings) {
      const wanted = `${meeting.start} ${meeting.end}`;
      assert.ok(times.includes(wanted), `${change.iana}: ${wanted} is not in ${JSON.stringify(times)}`);
    }
    assert.ok(known.MergedFreeBusyStatus.includes(ews.LegacyFreeBusyStatus.Busy));
  }
  const { answer } = await lookUp(service(zone, basic), mailbox, change, ews.AvailabilityData.FreeBusyAndSuggestions);
  assert.equal(answer.Suggestions.length, 5, "a day of suggestions for each day of the window");
  console.log(`ews-javascript-api: ${change.iana} is right`);
}

const lists = await service(ews.TimeZoneInfo.Utc, basic).GetRoomLists();
const rooms = await service(ews.TimeZoneInfo.Utc, basic).GetRooms(lists.Items[0]);
assert.ok(rooms.length > 0 && rooms.every((room) => details.rooms.includes(room.Address)));
console.log(`ews-javascript-api: ${lists.Items.length} room lists, ${rooms.length} rooms in the first`);
