//! What an operation is, and what it is given.
//!
//! Apart from the list of operations, so that no circle forms. Must not know any operation.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use futures::Stream;

use super::fault::Family;
use super::soap::{self, Body, Header};
use super::xml::Xml;
use crate::calendar::{Capability, Mailbox};
use crate::changes::Changes;
use crate::client::{Ceiling, Client, Entitled, Permitted};
use crate::failure::Failure;
use crate::graph::Graphs;
use crate::items::Items;
use crate::journal::{Journal, Judged};
use crate::writes::Writes;

/// What all requests share.
#[derive(Debug)]
pub struct Services {
    /// Whose calendars there are.
    pub graphs: Arc<Graphs>,
    /// Changing them.
    pub writes: Arc<Writes>,
    /// Hearing of changes.
    pub changes: Arc<Changes>,
    /// Whose item an id names.
    pub items: Arc<Items>,
}

/// What every operation is given.
#[derive(Debug)]
pub struct Context<'a> {
    /// Who calls.
    pub client: &'a Arc<Client>,
    /// Whose calendars there are.
    pub graphs: &'a Graphs,
    /// Changing them.
    pub writes: &'a Writes,
    /// Hearing of changes.
    pub changes: &'a Arc<Changes>,
    /// Whose item an id names.
    pub items: &'a Arc<Items>,
    /// The request's clock and notebook.
    pub journal: &'a Journal,
    /// The SOAP header.
    pub header: Header,
}

impl Context<'_> {
    /// Permits one mailbox for one capability, and notes it.
    ///
    /// # Errors
    /// [`Failure::Denied`] if the policy does not allow it.
    pub fn permit(&self, mailbox: &Mailbox, capability: Capability) -> Result<Permitted, Failure> {
        let permitted = self.client.permit(mailbox, capability, self.journal.now);
        let verdict = match &permitted {
            Ok(permitted) => Ok(view(permitted)),
            Err(denial) => Err(denial.label()),
        };
        self.journal.judge(Some(mailbox), Some(capability), verdict);
        Ok(permitted?)
    }

    /// Proves that the client has a capability for some mailbox, and notes it if not.
    ///
    /// # Errors
    /// [`Failure::Denied`] if the policy does not allow it.
    pub fn entitle(&self, capability: Capability) -> Result<Entitled, Failure> {
        entitle(self.client, capability, self.journal)
    }

    /// Whether an entry of the directory may be told. It is noted if so; of others only how many there are, since
    /// nobody asked for them.
    #[must_use]
    pub fn shows(&self, entry: &Mailbox) -> bool {
        let permitted = self.client.permit(entry, Capability::Directory, self.journal.now);
        match &permitted {
            Ok(permitted) => {
                self.journal.judge(Some(entry), Some(Capability::Directory), Ok(view(permitted)));
            }
            Err(_) => self.journal.withheld.add(1),
        }
        permitted.is_ok()
    }
}

/// Proves that a client has a capability for some mailbox, and notes it if not.
///
/// # Errors
/// [`Failure::Denied`] if the policy does not allow it.
pub fn entitle(client: &Client, capability: Capability, journal: &Journal) -> Result<Entitled, Failure> {
    let entitled = client.entitle(capability);
    if let Err(denial) = &entitled {
        journal.judge(None, Some(capability), Err(denial.label()));
    }
    Ok(entitled?)
}

/// One EWS operation: take the request apart, ask Graph, put the answer together.
pub trait Operation: Sized + Send + 'static {
    /// The local name of the body element.
    const NAME: &'static str;
    /// What the client must be entitled to; `None` if being a client is enough.
    const CAPABILITY: Option<Capability>;
    /// The form of its failures.
    const FAMILY: Family;
    /// What it answers.
    type Response: Response;

    /// Reads the request; the reader stands in the body element and must be left outside of it.
    ///
    /// # Errors
    /// Whatever is wrong with the request as a whole.
    fn parse(body: &mut Body<'_>) -> Result<Self, Failure>;

    /// Does it.
    ///
    /// # Errors
    /// Whatever concerns the request as a whole; what concerns one thing of several is part of the
    /// response.
    fn run(self, context: &Context<'_>) -> impl Future<Output = Result<Self::Response, Failure>> + Send;
}

/// An operation's answer.
pub trait Response: Send {
    /// About how many bytes it will take.
    fn size(&self) -> usize {
        2048
    }

    /// Writes the body element.
    fn write(&self, xml: &mut Xml);

    /// The answer as it goes out: one envelope, unless an operation says otherwise. What of it tells of failures is
    /// noted.
    fn into_answer(self, journal: &Journal) -> Answer
    where
        Self: Sized,
    {
        Answer::Whole(soap::envelope(self.size(), |xml| {
            self.write(xml);
            journal.told(xml.failures());
        }))
    }
}

/// What goes out.
pub enum Answer {
    /// One envelope.
    Whole(String),
    /// One envelope after the other, as they come.
    Stream(Envelopes),
}

/// Whole envelopes, each to be sent as soon as it is there, in a piece of its own.
pub type Envelopes = Pin<Box<dyn Stream<Item = Piece> + Send>>;

/// One envelope of several.
#[derive(Debug)]
pub struct Piece {
    /// The envelope.
    pub envelope: String,
    /// About whom it tells something, each but once.
    pub judged: Vec<Judged>,
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole(envelope) => f.debug_tuple("Whole").field(envelope).finish(),
            Self::Stream(_) => f.write_str("Stream"),
        }
    }
}

/// An operation in the list of operations.
pub struct Entry {
    /// The local name of the body element.
    pub name: &'static str,
    /// What the client must be entitled to.
    pub capability: Option<Capability>,
    /// The form of its failures.
    pub family: Family,
    check: fn(Body<'_>) -> Result<(), Failure>,
    answer: for<'a> fn(Body<'a>, &'a Context<'a>) -> Pending<'a>,
}

/// An answer, some day.
pub type Pending<'a> = Pin<Box<dyn Future<Output = Result<Answer, Failure>> + Send + 'a>>;

impl Entry {
    /// The entry of an operation.
    #[must_use]
    pub const fn of<O: Operation>() -> Self {
        Self {
            name: O::NAME,
            capability: O::CAPABILITY,
            family: O::FAMILY,
            check: |body| read::<O>(body).map(drop),
            answer: answer::<O>,
        }
    }

    /// Reads the request, and no more.
    ///
    /// # Errors
    /// As [`Operation::parse`].
    pub fn check(&self, body: Body<'_>) -> Result<(), Failure> {
        (self.check)(body)
    }

    /// Reads the request, runs the operation and writes its answer.
    pub fn answer<'a>(&self, body: Body<'a>, context: &'a Context<'a>) -> Pending<'a> {
        (self.answer)(body, context)
    }
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// What the audit log calls the view of a mailbox.
fn view(permitted: &Permitted) -> &'static str {
    match (permitted.ceiling(), permitted.view().is_plain()) {
        (ceiling, true) => ceiling.name(),
        (Ceiling::Time, false) => "time, masked",
        (Ceiling::SubjectAndLocation, false) => "subject_and_location, masked",
        (Ceiling::Full, false) => "full, masked",
    }
}

fn read<O: Operation>(mut body: Body<'_>) -> Result<O, Failure> {
    let operation = O::parse(&mut body)?;
    body.finish()?;
    Ok(operation)
}

fn answer<'a, O: Operation>(body: Body<'a>, context: &'a Context<'a>) -> Pending<'a> {
    let operation = read::<O>(body);
    Box::pin(async move { operation?.run(context).await.map(|response| response.into_answer(context.journal)) })
}
