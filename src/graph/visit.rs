//! A mailbox that calls are about, with the credential and the request that they are made for.
//!
//! Owns nothing but the four. Must not know what the calls mean.

use std::slice;

use serde::de::DeserializeOwned;
use url::Url;

use super::client::{Call, Client};
use super::fault::Trouble;
use super::json::decode;
use crate::calendar::Mailbox;
use crate::calendar::event::EventId;
use crate::journal::Journal;

/// Whom calls are about, and on whose behalf.
#[derive(Clone, Copy, Debug)]
pub(super) struct Visit<'a> {
    pub(super) client: &'a Client,
    /// Index of the credential.
    pub(super) credential: usize,
    /// Each call is charged to it.
    pub(super) mailbox: &'a Mailbox,
    pub(super) journal: &'a Journal,
}

impl<'a> Visit<'a> {
    /// An address below the mailbox's user.
    pub(super) fn url(&self, segments: &[&str]) -> Url {
        let user = ["users", self.mailbox.as_str()];
        self.client.url(&user.iter().chain(segments).copied().collect::<Vec<_>>())
    }

    /// An event's address, or one below it.
    pub(super) fn event(&self, id: &EventId, below: &[&str]) -> Url {
        let event = ["events", id.as_str()];
        self.url(&event.iter().chain(below).copied().collect::<Vec<_>>())
    }

    /// A GET.
    pub(super) fn call(&self, name: &'static str, url: Url) -> Call<'a> {
        let Journal { request_id, deadline, .. } = *self.journal;
        Call::get(name, self.credential, slice::from_ref(self.mailbox), url, request_id, deadline)
    }

    /// Sends a call, and counts it.
    ///
    /// # Errors
    /// As [`Client::send`].
    pub(super) async fn send(&self, call: &Call<'_>) -> Result<Vec<u8>, Trouble> {
        self.journal.graph_calls.add(1);
        self.client.send(call).await
    }

    /// Sends a call, and reads the answer.
    ///
    /// # Errors
    /// As [`Client::send`], and what cannot be read.
    pub(super) async fn ask<T: DeserializeOwned>(&self, call: &Call<'_>) -> Result<T, Trouble> {
        decode(call.name, &self.send(call).await?)
    }

    /// Reads a collection to its end, or until `enough` values are there.
    ///
    /// # Errors
    /// As [`Client::pages`].
    pub(super) async fn pages<T: DeserializeOwned>(
        &self,
        name: &'static str,
        first: Url,
        enough: usize,
    ) -> Result<Vec<T>, Trouble> {
        let charged = (self.credential, slice::from_ref(self.mailbox));
        self.client.pages(name, charged, first, enough, self.journal).await
    }
}
