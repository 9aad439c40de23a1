//! HTML as the plain text that one would read.
//!
//! Owns a simple reading of HTML: enough for comments on answers, and to see whether two bodies say
//! the same. Must not be used to show HTML to anybody.

use std::borrow::Cow;

/// The text of HTML: elements gone, line breaks where blocks end, character references resolved.
#[must_use]
pub fn of_html(html: &str) -> String {
    let mut text = String::with_capacity(html.len());
    let mut rest = html;
    while let Some(at) = rest.find('<') {
        let (before, tag) = rest.split_at(at);
        push(&mut text, before);
        rest = after_tag(tag, &mut text);
    }
    push(&mut text, rest);
    text.trim().to_owned()
}

/// Lines without white space around them, nor empty ones before and after: what is left is the same
/// whichever way a text was kept.
#[must_use]
pub fn settled(text: &str) -> String {
    let lines: Vec<_> = text.lines().map(str::trim).collect();
    lines.join("\n").trim().to_owned()
}

/// Goes past the tag, comment or hidden element that `tag` begins with.
fn after_tag<'a>(tag: &'a str, text: &mut String) -> &'a str {
    let past = |end: &str| tag.find(end).and_then(|at| tag.get(at + end.len()..)).unwrap_or_default();
    if tag.starts_with("<!--") {
        return past("-->");
    }
    let named = tag.trim_start_matches(['<', '/']);
    let name: String = named.chars().take_while(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
    let is_end = tag.starts_with("</");
    match name.as_str() {
        "head" | "style" | "script" if !is_end => {
            let end = tag.to_ascii_lowercase().find(&format!("</{name}"));
            return end.and_then(|at| tag.get(at..)).map_or("", |end| end.split_once('>').map_or("", |(_, rest)| rest));
        }
        "br" => text.push('\n'),
        "p" | "div" | "li" | "tr" if is_end => text.push('\n'),
        _ => {}
    }
    past(">")
}

/// Adds text between tags: white space is one space there, whatever it is.
fn push(text: &mut String, part: &str) {
    let mut is_space = text.is_empty() || text.ends_with(char::is_whitespace);
    for character in quick_xml::escape::unescape_with(part, entity).unwrap_or(Cow::Borrowed(part)).chars() {
        if character.is_ascii_whitespace() {
            if !is_space {
                text.push(' ');
            }
            is_space = true;
        } else {
            text.push(if character == '\u{a0}' { ' ' } else { character });
            is_space = false;
        }
    }
}

/// XML's own, and the one that HTML editors write everywhere.
fn entity(name: &str) -> Option<&'static str> {
    match name {
        "nbsp" => Some("\u{a0}"),
        name => quick_xml::escape::resolve_xml_entity(name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn html_becomes_what_one_would_read() {
        for (html, text) in [
            ("sorry", "sorry"),
            ("<p>a&nbsp;&amp; b</p>\r\n<p>c<br>d</p>", "a & b\nc\nd"),
            (
                "<html><head><title>t</title></head><body><!-- x > y --><div>line1<br/>line2</div></body></html>",
                "line1\nline2",
            ),
            ("<style>p { color: red }</style><b>x</b> 1 &lt; 2", "x 1 < 2"),
            ("a &bogus; b", "a &bogus; b"),
            ("a < b", "a"),
            ("", ""),
        ] {
            assert_eq!(of_html(html), text, "{html}");
        }
    }

    #[test]
    fn texts_that_say_the_same_settle_to_the_same() {
        assert_eq!(settled(" a \r\n\r\nb\n\n"), "a\n\nb");
        assert_ne!(settled("a\n\nb"), settled("a\nb"));
    }
}
