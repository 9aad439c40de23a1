//! The demonstration's clients: their passwords, new at each start, and what they may do.

use std::fmt::Write as _;

use super::super::credentials::{new_secret, nt_hash, sha256};

/// The clients, and the mailboxes they are for.
pub(super) struct Clients {
    /// Looks up everybody.
    pub(super) demo: Login,
    /// Writes into all rooms' calendars, as Respa does.
    pub(super) respa: Login,
    /// One person's old program: does everything to its own mailbox.
    pub(super) account: Login,
    /// Whose mailbox that is.
    pub(super) mailbox: String,
    rooms: Vec<String>,
    domains: Vec<String>,
}

/// How a client logs in.
pub(super) struct Login {
    pub(super) id: &'static str,
    pub(super) password: String,
}

impl Clients {
    /// Clients with new passwords.
    pub(super) fn new(mailboxes: &[String], rooms: &[String], domains: Vec<String>) -> Option<Self> {
        Some(Self {
            demo: Login::new("demo"),
            respa: Login::new("respa"),
            account: Login::new("account"),
            mailbox: mailboxes.first()?.clone(),
            rooms: rooms.to_vec(),
            domains,
        })
    }

    /// The user name that Google would send for the first of them.
    pub(super) fn demo_user(&self) -> String {
        let domain = self.domains.first().map_or("", String::as_str);
        format!("{}@{domain}", self.demo.id)
    }

    /// The mail domains of the world, of which there is one at least.
    pub(super) fn domains(&self) -> &[String] {
        &self.domains
    }

    /// The NT hash that the configuration refers to by this name.
    pub(super) fn nt_hash(&self, name: &str) -> Option<String> {
        let login = [&self.demo, &self.respa, &self.account].into_iter().find(|login| login.nt_hash_name() == name);
        login.map(|login| nt_hash(&login.password))
    }

    /// Their part of the configuration, in the form that operators write.
    pub(super) fn configuration(&self) -> String {
        let everybody: Vec<String> = self.domains.iter().map(|domain| format!("*@{domain}")).collect();
        let mut text = String::new();
        let _ = writeln!(
            text,
            "{}users = [{:?}]\ncapabilities = [\"free_busy\", \"calendar_read\", \"out_of_office_read\", \"directory\"]\n\
             mailboxes = {everybody:?}\nceiling = \"full\"\n{UNBOUND}",
            self.demo.configuration(),
            self.demo_user()
        );
        let _ = writeln!(
            text,
            "{}capabilities = [\"calendar_read\", \"calendar_write\", \"directory\"]\nmailboxes = {:?}\n\
             ceiling = \"full\"\n{UNBOUND}\n\
             grants = [{{ capabilities = [\"directory\"], mailboxes = {everybody:?}, ceiling = \"time\" }}]",
            self.respa.configuration(),
            self.rooms
        );
        let _ = writeln!(
            text,
            "{}users = [{mailbox:?}]\nmailbox = {mailbox:?}\ncapabilities = {EVERYTHING}\nmailboxes = [{mailbox:?}]\n\
             ceiling = \"full\"\nprivate_items = true\n{UNBOUND}\n\
             grants = [{{ capabilities = [\"free_busy\"], mailboxes = {everybody:?}, ceiling = \"subject_and_location\" }}]",
            self.account.configuration(),
            mailbox = self.mailbox
        );
        text
    }
}

impl Login {
    fn new(id: &'static str) -> Self {
        Self { id, password: new_secret() }
    }

    fn configuration(&self) -> String {
        format!(
            "[[clients]]\nid = {:?}\nsecrets_sha256 = [\"{}\"]\nnt_hashes = [{{ env = {:?} }}]\n",
            self.id,
            sha256(&self.password),
            self.nt_hash_name()
        )
    }

    fn nt_hash_name(&self) -> String {
        format!("{}-nt-hash", self.id)
    }
}

/// Whoever tries the demonstration under load is not to be held up.
const UNBOUND: &str = "requests_per_second = 100000\nburst = 100000\nconcurrency = 10000";
const EVERYTHING: &str = "[\"free_busy\", \"calendar_read\", \"calendar_write\", \"out_of_office_read\", \
     \"out_of_office_write\", \"directory\"]";
