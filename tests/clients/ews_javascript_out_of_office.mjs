// ews-javascript-api, as it comes from npm, reads and sets automatic replies, against a demonstration: DETAILS.json is
// its only argument. What it sets is looked up through Graph.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

// The library lies in the folder that NODE_LIBRARIES names, not beside this file.
const require = createRequire(`${process.env.NODE_LIBRARIES}/`);
const ews = require("ews-javascript-api");

const details = JSON.parse(readFileSync(process.argv[2], "utf8"));

async function automaticReplies(mailbox) {
  const base = details.simulator_url;
  const form = new URLSearchParams({
    grant_type: "client_credentials",
    client_id: details.simulator_client_id,
    client_secret: details.simulator_client_secret,
    scope: "https://graph.microsoft.com/.default",
  });
  const token = await (await fetch(`${base}/${details.simulator_tenant}/oauth2/v2.0/token`, { method: "POST", body: form })).json();
  const answer = await fetch(`${base}/v1.0/users/${mailbox}/mailboxSettings/automaticRepliesSetting`, {
    headers: { authorization: `Bearer ${token.access_token}` },
  });
  assert.equal(answer.status, 200);
  return answer.json();
}

const service = new ews.ExchangeService(ews.ExchangeVersion.Exchange2016);
service.Url = new ews.Uri(details.ews_url);
service.Credentials = new ews.WebCredentials(details.account_username, details.account_password);
const mailbox = details.account_mailbox;

function settings(state, audience, internal, external) {
  const made = new ews.OofSettings();
  made.State = state;
  made.ExternalAudience = audience;
  made.InternalReply = new ews.OofReply(internal);
  made.ExternalReply = new ews.OofReply(external);
  return made;
}

// Enabled.
await service.SetUserOofSettings(mailbox, settings(ews.OofState.Enabled, ews.OofExternalAudience.All, "<p>in <b>and</b> out \u{1F334}</p>", "out"));
let kept = await automaticReplies(mailbox);
assert.deepEqual([kept.status, kept.externalAudience, kept.internalReplyMessage], ["alwaysEnabled", "all", "<p>in <b>and</b> out \u{1F334}</p>"]);
let read = await service.GetUserOofSettings(mailbox);
assert.equal(read.State, ews.OofState.Enabled);
assert.equal(read.InternalReply.Message, "<p>in <b>and</b> out \u{1F334}</p>");
assert.equal(read.AllowExternalOof, ews.OofExternalAudience.All);

// Scheduled.
const hour = 3_600_000;
const now = Math.floor(Date.now() / 1000) * 1000;
const scheduled = settings(ews.OofState.Scheduled, ews.OofExternalAudience.Known, "in", "out");
scheduled.Duration = new ews.TimeWindow(new ews.DateTime(now - hour), new ews.DateTime(now + 48 * hour));
await service.SetUserOofSettings(mailbox, scheduled);
kept = await automaticReplies(mailbox);
assert.deepEqual([kept.status, kept.externalAudience], ["scheduled", "contactsOnly"]);
assert.equal(Date.parse(`${kept.scheduledEndDateTime.dateTime.slice(0, 19)}Z`), now + 48 * hour);
read = await service.GetUserOofSettings(mailbox);
assert.equal(read.State, ews.OofState.Scheduled);
assert.equal(read.Duration.EndTime.TotalMilliSeconds, now + 48 * hour);

// A schedule that is over.
scheduled.Duration = new ews.TimeWindow(new ews.DateTime(now - 48 * hour), new ews.DateTime(now - hour));
await assert.rejects(service.SetUserOofSettings(mailbox, scheduled), (error) => {
  assert.equal(ews.ServiceError[error.ErrorCode], "ErrorInvalidScheduledOofDuration");
  return true;
});

// Disabled.
await service.SetUserOofSettings(mailbox, settings(ews.OofState.Disabled, ews.OofExternalAudience.None, "", ""));
assert.equal((await automaticReplies(mailbox)).status, "disabled");
assert.equal((await service.GetUserOofSettings(mailbox)).State, ews.OofState.Disabled);

// Somebody else's.
await assert.rejects(service.GetUserOofSettings(details.mailboxes.find((other) => other !== mailbox)), (error) => {
  assert.equal(ews.ServiceError[error.ErrorCode], "ErrorAccessDenied");
  return true;
});
console.log("ews-javascript-api: automatic replies in all three states are right");
