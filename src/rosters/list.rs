//! Files of addresses: one a line; `#` begins a remark.
//!
//! Owns how they are written. Must not know when they are read.

use std::collections::HashSet;
use std::path::Path;

use crate::calendar::Mailbox;

/// Reads a file of addresses.
///
/// # Errors
/// A text for the operator, with the file's name and the line: a file that cannot be read, or holds something else.
pub fn read(path: &Path) -> Result<HashSet<Mailbox>, String> {
    let text = std::fs::read_to_string(path).map_err(|error| format!("{} cannot be read: {error}", path.display()))?;
    parse(&text)
        .map_err(|line| format!("{}, line {line}: is no address; write one a line, without * and ?", path.display()))
}

/// The addresses, or the first line that holds something else.
fn parse(text: &str) -> Result<HashSet<Mailbox>, usize> {
    // Editors of other systems begin files with a mark.
    let lines = text.trim_start_matches('\u{feff}').lines();
    // An address may hold the sign that begins a remark, yet not begin with it after a space.
    let address = |line: &str| line.split_once(" #").map_or(line, |(address, _)| address).trim().to_owned();
    let all = lines.map(|line| line.replace('\t', " ")).enumerate();
    let all = all.map(|(place, line)| (place + 1, address(&line)));
    let addresses = all.filter(|(_, address)| !address.is_empty() && !address.starts_with('#'));
    // A pattern would be taken for an address that nobody has, and whom it means would not be on the list.
    let read = |address: &str| Mailbox::parse(address).ok().filter(|_| !address.contains(['*', '?']));
    addresses.map(|(line, address)| read(&address).ok_or(line)).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn addresses_stand_on_lines_with_remarks() {
        let text = "\u{feff}# Rooms\r\n\r\n  Room-1@contoso.example\t# the first\r\na#b@contoso.example\n#x\n";
        let addresses = parse(text).unwrap();
        let expected = ["room-1@contoso.example", "a#b@contoso.example"];
        assert_eq!(addresses, expected.map(|address| Mailbox::parse(address).unwrap()).into());
        assert_eq!(parse("").unwrap(), HashSet::new());
    }

    #[test]
    fn the_first_line_that_holds_something_else_is_named() {
        assert_eq!(parse("a@x.example\n\na@x.example, b\nnonsense"), Err(3));
        assert_eq!(parse("a@x.example b@x.example"), Err(1));
        assert_eq!(parse("a@x.example\nboard-*@x.example"), Err(2), "a pattern is none either");
    }

    #[test]
    fn a_file_that_is_not_there_is_named() {
        let problem = read(Path::new("/nowhere/rooms.txt")).unwrap_err();
        assert!(problem.starts_with("/nowhere/rooms.txt cannot be read: "), "{problem}");
    }
}
