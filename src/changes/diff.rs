//! What a round of reading means: what was told against what is known.
//!
//! Pure: no clock, no store, no Graph.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::change::ChangeKind;
use crate::calendar::Window;
use crate::graph::Told;
use crate::store::Known;

/// What a round means.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Difference {
    /// What happened, by item, with the change key where it is known; occurrences under their series.
    pub(super) changes: BTreeMap<String, (ChangeKind, String)>,
    /// Items that are new, or are another now.
    pub(super) known: Vec<Known>,
    /// Items that are gone.
    pub(super) gone: Vec<String>,
}

/// What a round tells of changes since the last one. `known` holds what is known of the items told
/// of, `series` how many occurrences are known of each series concerned.
pub(super) fn since(told: Vec<Told>, known: Vec<Known>, series: &BTreeMap<String, i64>) -> Difference {
    let known: HashMap<String, Known> = known.into_iter().map(|item| (item.item.clone(), item)).collect();
    let mut difference = Difference::default();
    let mut counts: BTreeMap<String, Count> = BTreeMap::new();
    for (item, told) in last_of_each(told) {
        let before = known.get(&item);
        let Some(told) = told else {
            if let Some(before) = before {
                counts.note(before, &mut difference, ChangeKind::Deleted, String::new());
                difference.gone.push(item);
            }
            continue;
        };
        let now = row(item, &told);
        match before {
            // Told again without having changed: Graph does that.
            Some(before) if before.mark == now.mark => {}
            Some(_) => counts.note(&now, &mut difference, ChangeKind::Modified, told.change_key),
            None => counts.note(&now, &mut difference, ChangeKind::Created, told.change_key),
        }
        if before != Some(&now) {
            difference.known.push(now);
        }
    }
    difference.add_series(counts, series);
    difference
}

/// What a round tells that told everything in `now`, when everything in `before` was known until
/// then. What has only come into sight or gone out of it has not changed.
pub(super) fn afresh(told: Vec<Told>, known: Vec<Known>, before: Option<Window>, now: Window) -> Difference {
    let mut difference = Difference::default();
    let mut counts: BTreeMap<String, Count> = BTreeMap::new();
    let mut series: BTreeMap<String, i64> = BTreeMap::new();
    for item in known.iter().filter(|item| !item.series.is_empty()) {
        *series.entry(item.series.clone()).or_default() += 1;
    }
    let mut known: HashMap<String, Known> = known.into_iter().map(|item| (item.item.clone(), item)).collect();
    for (item, told) in last_of_each(told) {
        let Some(told) = told else { continue };
        let row = row(item, &told);
        if let Some(before) = before {
            match known.remove(&row.item) {
                Some(earlier) if earlier.mark == row.mark => {}
                Some(_) => counts.note(&row, &mut difference, ChangeKind::Modified, told.change_key),
                None if row.start < before.end().as_second() && row.end > before.start().as_second() => {
                    counts.note(&row, &mut difference, ChangeKind::Created, told.change_key);
                }
                None => {}
            }
        }
        difference.known.push(row);
    }
    for gone in known.into_values().filter(|gone| gone.end > now.start().as_second()) {
        counts.note(&gone, &mut difference, ChangeKind::Deleted, String::new());
    }
    difference.add_series(counts, &series);
    difference
}

/// What happened to the occurrences of a series.
#[derive(Debug, Default)]
struct Count {
    more: i64,
    fewer: i64,
    change_key: String,
}

/// Notes what happened to an item.
trait Note {
    fn note(&mut self, item: &Known, difference: &mut Difference, kind: ChangeKind, change_key: String);
}

impl Note for BTreeMap<String, Count> {
    fn note(&mut self, item: &Known, difference: &mut Difference, kind: ChangeKind, change_key: String) {
        if item.series.is_empty() {
            difference.changes.insert(item.item.clone(), (kind, change_key));
            return;
        }
        let count = self.entry(item.series.clone()).or_default();
        match kind {
            ChangeKind::Created => count.more += 1,
            ChangeKind::Deleted => count.fewer += 1,
            ChangeKind::Modified => {}
        }
        if !change_key.is_empty() {
            count.change_key = change_key;
        }
    }
}

impl Difference {
    /// Series whose occurrences have changed have changed themselves, as Exchange has it; what was
    /// told of a series itself counts more.
    fn add_series(&mut self, counts: BTreeMap<String, Count>, known: &BTreeMap<String, i64>) {
        for (series, count) in counts {
            let before = known.get(&series).copied().unwrap_or_default();
            let kind = match before + count.more - count.fewer {
                _ if before == 0 => ChangeKind::Created,
                0 => ChangeKind::Deleted,
                _ => ChangeKind::Modified,
            };
            self.changes.entry(series).or_insert((kind, count.change_key));
        }
    }
}

/// The ids of the items told of, and of the series of those that are occurrences.
pub(super) fn concerned(told: &[Told]) -> (Vec<String>, BTreeSet<String>) {
    let ids: BTreeSet<&str> = told.iter().map(|told| told.id.as_str()).collect();
    let series = told.iter().filter_map(|told| Some(told.item.as_ref()?.series.as_ref()?.as_str().to_owned()));
    (ids.into_iter().map(str::to_owned).collect(), series.collect())
}

/// Graph may tell of an item several times in a round; the last time counts.
fn last_of_each(told: Vec<Told>) -> BTreeMap<String, Option<crate::graph::ToldItem>> {
    told.into_iter().map(|told| (told.id.as_str().to_owned(), told.item)).collect()
}

fn row(item: String, told: &crate::graph::ToldItem) -> Known {
    Known {
        item,
        mark: told.mark.clone(),
        series: told.series.as_ref().map_or_else(String::new, |series| series.as_str().to_owned()),
        start: told.start,
        end: told.end,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::calendar::event::EventId;
    use crate::changes::change::ChangeKind::{Created, Deleted, Modified};
    use crate::graph::ToldItem;
    use jiff::Timestamp;

    fn id(text: &str) -> EventId {
        EventId::parse(text).unwrap()
    }

    fn item(name: &str, mark: &str) -> Told {
        let item = ToldItem { mark: mark.into(), change_key: mark.into(), series: None, start: 100, end: 110 };
        Told { id: id(name), item: Some(item) }
    }

    fn one_of(series: &str, told: Told) -> Told {
        Told { item: told.item.map(|item| ToldItem { series: Some(id(series)), ..item }), ..told }
    }

    fn at(start: i64, end: i64, told: Told) -> Told {
        Told { item: told.item.map(|item| ToldItem { start, end, ..item }), ..told }
    }

    fn gone(name: &str) -> Told {
        Told { id: id(name), item: None }
    }

    fn known(told: &Told) -> Known {
        row(told.id.as_str().to_owned(), told.item.as_ref().unwrap())
    }

    fn kinds(difference: &Difference) -> Vec<(&str, ChangeKind)> {
        difference.changes.iter().map(|(item, (kind, _))| (item.as_str(), *kind)).collect()
    }

    fn window(start: i64, end: i64) -> Window {
        Window::new(Timestamp::from_second(start).unwrap(), Timestamp::from_second(end).unwrap()).unwrap()
    }

    #[test]
    fn new_changed_and_gone_items_and_those_that_are_only_told_again() {
        let before = [item("a", "1"), item("b", "1"), item("c", "1")].map(|told| known(&told)).to_vec();
        let told = vec![item("n", "1"), item("a", "2"), item("b", "1"), gone("c"), gone("never"), item("a", "3")];
        let difference = since(told, before, &BTreeMap::new());
        assert_eq!(kinds(&difference), [("a", Modified), ("c", Deleted), ("n", Created)]);
        assert_eq!(difference.changes.get("a").unwrap().1, "3", "the last time counts");
        assert_eq!(difference.known, [known(&item("a", "3")), known(&item("n", "1"))]);
        assert_eq!(difference.gone, ["c"]);
    }

    #[test]
    fn occurrences_are_their_series() {
        let (one, two) = (one_of("s", item("o1", "1")), one_of("s", item("o2", "1")));
        let made = since(vec![one.clone(), two.clone()], vec![], &BTreeMap::new());
        assert_eq!(kinds(&made), [("s", Created)]);
        let counts = BTreeMap::from([("s".to_owned(), 2)]);
        let moved = since(vec![one_of("s", item("o1", "2"))], vec![known(&one)], &counts);
        assert_eq!(moved.changes.get("s").unwrap(), &(Modified, "2".to_owned()));
        let left = since(vec![gone("o1")], vec![known(&one)], &counts);
        assert_eq!((kinds(&left), &left.gone[..]), (vec![("s", Modified)], &["o1".to_owned()][..]));
        let none = since(vec![gone("o1"), gone("o2")], vec![known(&one), known(&two)], &counts);
        assert_eq!(kinds(&none), [("s", Deleted)]);
        let series = since(vec![gone("s"), gone("o1")], vec![known(&item("s", "1")), known(&one)], &counts);
        assert_eq!(kinds(&series), [("s", Deleted)], "what is told of the series counts more");
    }

    #[test]
    fn the_first_round_is_silent() {
        let first = afresh(vec![item("a", "1"), one_of("s", item("o", "1"))], vec![], None, window(0, 1000));
        assert_eq!((first.changes.len(), first.known.len()), (0, 2));
    }

    #[test]
    fn reading_afresh_tells_what_happened_meanwhile_and_not_what_came_into_sight() {
        let before = [
            at(10, 20, item("past", "1")),
            at(100, 110, item("same", "1")),
            at(100, 110, item("other", "1")),
            at(100, 110, item("gone", "1")),
        ];
        let told = vec![
            at(100, 110, item("same", "1")),
            at(100, 110, item("other", "2")),
            at(200, 210, item("new", "1")),
            at(1005, 1010, item("far", "1")),
        ];
        let before = before.map(|told| known(&told)).to_vec();
        let difference = afresh(told, before, Some(window(0, 1000)), window(50, 1050));
        assert_eq!(kinds(&difference), [("gone", Deleted), ("new", Created), ("other", Modified)]);
        assert_eq!(difference.known.len(), 4);
    }
}
