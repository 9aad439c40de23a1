//! Which module may name which: the design's table, checked against the sources.
//!
//! Owns the table. `layers/sources.rs` takes the sources apart.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod sources;

use std::collections::{BTreeMap, BTreeSet};

use sources::Sources;

/// A module, and what it may name of ours: whole modules, or single items of one.
const MAY_NAME: &[(&str, &[&str])] = &[
    ("failure", &[]),
    ("journal", &["calendar"]),
    ("metrics", &[]),
    ("calendar", &["failure"]),
    ("client", &["calendar", "failure"]),
    ("tenant", &["calendar", "failure"]),
    ("store", &["failure"]),
    ("https", &[]),
    ("audit", &["calendar"]),
    ("outbound", &["https"]),
    ("out_of_office", &["calendar", "client", "graph", "journal", "metrics", "outbound", "store", "failure"]),
    ("items", &["calendar", "store", "failure"]),
    ("writes", &["calendar", "client", "graph", "journal", "store", "failure"]),
    ("changes", &["calendar", "client", "graph", "journal", "metrics", "store", "failure"]),
    ("rosters", &["calendar", "client", "graph", "journal", "metrics", "tenant", "failure"]),
    (
        "graph",
        &["calendar", "tenant", "client::Permitted", "client::Entitled", "failure", "https", "journal", "metrics"],
    ),
    (
        "ews",
        &[
            "calendar",
            "changes",
            "client",
            "items",
            "failure",
            "journal",
            "writes",
            "graph::Graphs",
            "graph::Detail",
            "graph::EventParts",
            "graph::Reply",
            "graph::ReplyKind",
        ],
    ),
    ("server", &["audit", "changes", "ews", "graph", "client", "out_of_office", "failure", "journal", "metrics"]),
    ("admin", &["graph", "metrics", "out_of_office", "rosters"]),
    ("simulator", &[]),
];

/// Modules that put the others together, and may name them all.
const ASSEMBLERS: &[&str] = &["app", "commands", "config", "lib", "main"];

/// Crates, and the only modules or files that may name them. Besides `client` and `token::exchange`, which
/// send, `http` knows reqwest, which it sets up; the simulator posts notifications to its subscribers.
const ONLY_IN: &[(&str, &[&str])] = &[
    ("axum", &["server", "admin", "simulator"]),
    ("tower", &["server", "admin", "simulator"]),
    ("tower_http", &["server", "admin", "simulator"]),
    ("hyper", &["server", "simulator"]),
    ("hyper_util", &["server", "simulator"]),
    (
        "reqwest",
        &[
            "graph::client",
            "graph::http",
            "graph::token::exchange",
            "commands::check::caller",
            "https",
            "outbound",
            "simulator::courier",
            "simulator::mediator",
        ],
    ),
    ("oauth2", &["graph"]),
    ("quick_xml", &["ews"]),
    ("clap", &["main", "commands"]),
    ("toml", &["config"]),
    ("rusqlite", &["store"]),
    ("calcard", &["calendar"]),
];

/// What the core has none of.
const NOT_IN_CALENDAR: &[&str] =
    &["async", "await", "axum", "http", "hyper", "reqwest", "serde", "serde_json", "tokio", "Instant", "SystemTime"];

const MOST_LINES: usize = 500;
const NO_NAMES: &[&str] = &["common", "helpers", "manager", "mod", "util", "utils"];

#[test]
fn modules_name_only_what_the_table_allows() {
    let mut wrong = Vec::new();
    for source in Sources::read().iter() {
        let own = source.top();
        if ASSEMBLERS.contains(&own) {
            continue;
        }
        let Some((_, allowed)) = MAY_NAME.iter().find(|(module, _)| *module == own) else {
            wrong.push(format!("{own} has no row in the table"));
            continue;
        };
        for path in source.paths() {
            let named = path.split("::").next().unwrap();
            let fits = |allowed: &&str| path == **allowed || path.starts_with(&format!("{allowed}::"));
            if named != own && !allowed.iter().any(fits) {
                wrong.push(format!("{} names {path}", source.name()));
            }
        }
    }
    assert_none(&wrong);
}

#[test]
fn no_files_form_a_circle() {
    let sources = Sources::read();
    let edges: BTreeMap<&str, BTreeSet<&str>> =
        sources.iter().map(|source| (source.name(), sources.needs(source))).collect();
    let circles: Vec<String> = circles(&edges).iter().map(|circle| circle.join(" -> ")).collect();
    assert_none(&circles);
}

#[test]
fn crates_stay_where_they_belong() {
    let mut wrong = Vec::new();
    for source in Sources::read().iter() {
        for (name, modules) in ONLY_IN {
            if source.has(name) && !modules.contains(&source.top()) && !modules.contains(&source.name()) {
                wrong.push(format!("{} names {name}", source.name()));
            }
        }
    }
    assert_none(&wrong);
}

#[test]
fn the_core_has_no_async_no_wire_and_no_clock() {
    let mut wrong = Vec::new();
    for source in Sources::read().iter().filter(|source| source.top() == "calendar") {
        let found = NOT_IN_CALENDAR.iter().filter(|word| source.has(word));
        wrong.extend(found.map(|word| format!("{} names {word}", source.name())));
        if source.says("Timestamp::now") || source.says("Zoned::now") {
            wrong.push(format!("{} reads the clock", source.name()));
        }
    }
    assert_none(&wrong);
}

#[test]
fn what_sets_up_connections_sends_nothing() {
    let sources = Sources::read();
    let http = sources.get("graph::http").unwrap();
    assert!(!http.calls("send") && !http.calls("execute"));
}

#[test]
fn files_are_short_and_say_what_they_own() {
    let mut wrong = Vec::new();
    let sources = Sources::read();
    for source in sources.all() {
        let lines = source.text().lines().count();
        if lines > MOST_LINES {
            wrong.push(format!("{} has {lines} lines", source.name()));
        }
        if NO_NAMES.contains(&source.name().rsplit("::").next().unwrap()) {
            wrong.push(format!("{} has a name that says nothing", source.name()));
        }
    }
    let mute = sources.iter().filter(|source| !source.text().starts_with("//!"));
    wrong.extend(mute.map(|source| format!("{} does not begin with //!", source.name())));
    assert_none(&wrong);
}

/// One circle through each file that is on any, each circle once.
fn circles<'a>(edges: &BTreeMap<&'a str, BTreeSet<&'a str>>) -> BTreeSet<Vec<&'a str>> {
    let mut found = BTreeSet::new();
    for start in edges.keys() {
        let mut ways = std::collections::VecDeque::from([vec![*start]]);
        let mut seen = BTreeSet::new();
        'search: while let Some(way) = ways.pop_front() {
            for next in edges.get(way.last().unwrap()).into_iter().flatten() {
                if next == start {
                    let first = way.iter().enumerate().min_by_key(|(_, name)| **name).map_or(0, |(at, _)| at);
                    found.insert([way.get(first..).unwrap(), way.get(..first).unwrap()].concat());
                    break 'search;
                }
                if seen.insert(*next) {
                    ways.push_back(way.iter().copied().chain([*next]).collect());
                }
            }
        }
    }
    found
}

#[track_caller]
fn assert_none(wrong: &[String]) {
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn a_circle_is_found() {
    let edges = |pairs: &[(&'static str, &'static str)]| {
        let mut edges: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for (from, to) in pairs {
            edges.entry(from).or_default().insert(to);
        }
        edges
    };
    assert!(circles(&edges(&[("a", "b"), ("b", "c"), ("a", "c")])).is_empty());
    let found = circles(&edges(&[("a", "b"), ("b", "c"), ("c", "b"), ("c", "d")]));
    assert_eq!(found.into_iter().collect::<Vec<_>>(), [["b", "c"]]);
}

#[test]
fn paths_are_found_however_they_are_written() {
    let sources = Sources::of(&[
        ("lib", "pub mod a; pub mod b;"),
        (
            "a",
            r#"//! crate::no
            mod x; mod y;
            pub use x::Thing;
            use crate::b::{self, One, inner::{Two as Deux, Three}};
            // use crate::no;
            const TEXT: &str = "crate::no";
            fn f<'a>() { let c = 'c'; y::g(); crate::b::four() }
            #[cfg(test)] mod tests { use crate::no; }
            #[cfg(test)] pub(crate) mod stub;"#,
        ),
        ("a::stub", "use crate::no;"),
        ("a::x", "use super::super::b; use super::y::Y; pub struct Thing;"),
        ("a::y", "pub struct Y; fn g(t: super::Thing) {}"),
        ("b", "use crate::a::Thing as T; mod inner;"),
        ("b::inner", "pub struct Two; pub struct Three;"),
    ]);
    let paths: Vec<String> = sources.get("a").unwrap().paths().into_iter().collect();
    assert_eq!(paths, ["a::x::Thing", "a::y::g", "b", "b::One", "b::four", "b::inner::Three", "b::inner::Two"]);
    let needs = |name: &str| sources.needs(sources.get(name).unwrap()).into_iter().collect::<Vec<_>>();
    assert_eq!(needs("a"), ["a::y", "b", "b::inner"], "to hand on is not to need");
    assert_eq!(needs("a::x"), ["a::y", "b"]);
    assert_eq!(needs("a::y"), ["a::x"], "what is handed on is needed where it comes from");
    assert_eq!(needs("b"), ["a::x"]);
    let program: Vec<&str> = sources.iter().map(|source| source.name()).collect();
    assert_eq!(program, ["lib", "a", "a::x", "a::y", "b", "b::inner"]);
}

#[test]
fn words_and_calls_are_found_in_code_only() {
    let text = r#"fn f() { /* Instant */ a.send(b).await; jiff::Timestamp::now(); let s = "SystemTime"; }
        pub(in crate::graph) use std::x;
        #[cfg(test)] fn g() { c.recv() }"#;
    let sources = Sources::of(&[("c", text)]);
    let source = sources.get("c").unwrap();
    assert!(source.calls("send") && !source.calls("recv") && !source.calls("now"));
    assert!(source.says("Timestamp::now") && source.has("await"));
    assert!(!source.has("Instant") && !source.has("SystemTime"));
    assert!(source.paths().is_empty());
}
