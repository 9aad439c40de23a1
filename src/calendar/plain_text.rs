//! HTML as plain text.
//!
//! Owns the layout: paragraphs, lines, cells. Anybody who sends an invitation or sets an automatic reply writes HTML
//! that comes here, so that nothing is kept of elements but how deep the current one is hidden; the work grows with
//! the text alone.

use html5gum::{Token, Tokenizer, naive_next_state};

/// The text of a document.
#[must_use]
pub fn of_html(html: &str) -> String {
    let mut tokenizer = Tokenizer::new(html);
    let mut page = Page { text: String::with_capacity(html.len() / 2), ..Page::default() };
    while let Some(Ok(token)) = tokenizer.next() {
        match token {
            Token::StartTag(tag) => {
                page.open(&tag.name, tag.self_closing);
                // Nobody who reads mail runs scripts: what stands in for them is shown.
                if let Some(state) = naive_next_state(&tag.name).filter(|_| **tag.name != *b"noscript") {
                    tokenizer.set_state(state);
                }
            }
            Token::EndTag(tag) => page.close(&tag.name),
            Token::String(text) => page.write(&String::from_utf8_lossy(&text)),
            Token::Comment(_) | Token::Doctype(_) | Token::Error(_) => {}
        }
    }
    page.text
}

/// A text that grows at its end.
#[derive(Default)]
struct Page {
    text: String,
    gap: Gap,
    /// Inside how many elements that are not shown.
    hidden: usize,
    /// Inside how many elements whose white space counts.
    kept: usize,
    /// Inside how many templates.
    templates: usize,
    /// What there was before the outermost of them; all since is dropped once it ends, and one that never does is none.
    before: (usize, Gap),
}

/// What stands between the text so far and what comes next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Gap {
    #[default]
    None,
    Space,
    Cell,
    Line,
    Paragraph,
}

impl Page {
    fn open(&mut self, tag: &[u8], is_closed: bool) {
        match tag {
            b"br" if self.hidden == 0 => {
                if self.gap <= Gap::Cell {
                    self.gap = Gap::None;
                }
                self.fill();
                self.text.push('\n');
            }
            b"pre" => self.kept += 1,
            b"template" => {
                if self.templates == 0 {
                    self.before = (self.text.len(), self.gap);
                }
                self.templates += 1;
            }
            tag if HIDDEN.contains(&tag) && !is_closed => self.hidden += 1,
            _ => {}
        }
        self.part(tag);
        if tag == b"li" && self.hidden == 0 {
            self.fill();
            self.text.push_str("* ");
        }
    }

    fn close(&mut self, tag: &[u8]) {
        match tag {
            b"pre" => self.kept = self.kept.saturating_sub(1),
            b"td" | b"th" => self.gap = self.gap.max(Gap::Cell),
            b"template" if self.templates > 0 => {
                self.templates -= 1;
                if self.templates == 0 {
                    let length = self.before.0;
                    self.text.truncate(length);
                    self.gap = self.before.1;
                }
            }
            tag if HIDDEN.contains(&tag) => self.hidden = self.hidden.saturating_sub(1),
            _ => {}
        }
        self.part(tag);
    }

    /// Begins a new line or paragraph where an element does.
    fn part(&mut self, tag: &[u8]) {
        if PARAGRAPHS.contains(&tag) {
            self.gap = self.gap.max(Gap::Paragraph);
        } else if LINES.contains(&tag) {
            self.gap = self.gap.max(Gap::Line);
        }
    }

    fn write(&mut self, text: &str) {
        if self.hidden > 0 {
            return;
        }
        if self.kept > 0 {
            self.fill();
            self.text.push_str(text);
            return;
        }
        // A no-break space is none.
        for (place, word) in text.split(|character: char| character.is_ascii_whitespace()).enumerate() {
            if place > 0 {
                self.gap = self.gap.max(Gap::Space);
            }
            if !word.is_empty() {
                self.fill();
                self.text.push_str(word);
            }
        }
    }

    /// Writes the gap; none at the beginning, and no space at the beginning of a line.
    fn fill(&mut self) {
        let gap = std::mem::take(&mut self.gap);
        if self.text.is_empty() {
            return;
        }
        let is_line = self.text.ends_with('\n');
        match gap {
            Gap::Space if !is_line => self.text.push(' '),
            Gap::Cell if !is_line => self.text.push('\t'),
            Gap::Line if !is_line => self.text.push('\n'),
            Gap::Paragraph if is_line => self.text.push('\n'),
            Gap::Paragraph => self.text.push_str("\n\n"),
            Gap::None | Gap::Space | Gap::Cell | Gap::Line => {}
        }
    }
}

/// Whose text is no text of the page. None may be left open but at the end: browsers show nothing after it, either.
/// A head has no text but in these, and its end is often left out.
const HIDDEN: [&[u8]; 3] = [b"script", b"style", b"title"];
const PARAGRAPHS: [&[u8]; 13] =
    [b"blockquote", b"h1", b"h2", b"h3", b"h4", b"h5", b"h6", b"hr", b"ol", b"p", b"pre", b"table", b"ul"];
const LINES: [&[u8]; 13] = [
    b"address", b"article", b"body", b"dd", b"div", b"dl", b"dt", b"footer", b"header", b"li", b"main", b"section",
    b"tr",
];

#[cfg(test)]
mod tests {
    use super::of_html;

    #[test]
    fn paragraphs_lines_and_cells() {
        for (html, expected) in [
            ("a <b>b</b>\r\n  c", "a b c"),
            ("<p>a</p><p>b</p>", "a\n\nb"),
            ("<div>a</div>\n<div><div>b</div></div>", "a\nb"),
            ("a<br>b<br/><br>c", "a\nb\n\nc"),
            ("<ul><li>a</li> <li>b</li></ul>c", "* a\n* b\n\nc"),
            ("<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>", "a\tb\nc"),
            ("<pre>a\n  b</pre>c", "a\n  b\n\nc"),
            ("a&nbsp;b &lt;c&gt; &euml;", "a\u{a0}b <c> ë"),
            ("", ""),
        ] {
            assert_eq!(of_html(html), expected, "{html}");
        }
    }

    #[test]
    fn what_is_not_shown() {
        let page = "<!DOCTYPE html><html><head><title>t</title><style>p > a {}</style></head><body><!-- c -->\
            <script>if (a < b) alert('<p>')</script>x</body></html>";
        assert_eq!(of_html(page), "x");
        assert_eq!(of_html("a<template><p>b</p><template>c</template>d</template> e"), "a e");
        assert_eq!(of_html("<noscript>a <b>b</b></noscript>"), "a b", "without scripts");
    }

    #[test]
    fn an_end_that_is_left_out_hides_nothing_else() {
        for head in ["<head><title>t</title>", "<head><style>p {}</style><noscript>", "<template>", "<head><meta x>"] {
            assert_eq!(of_html(&format!("<html>{head}<body><p>x</p></body></html>")), "x", "{head}");
        }
        assert_eq!(of_html("<head><title>t</title><p>x"), "x");
    }

    #[test]
    fn broken_html_is_read_as_far_as_it_goes() {
        assert_eq!(of_html("<p>a<b>b</p></i></head>c<unknown d='e'"), "ab\n\nc");
        assert_eq!(of_html("</div></pre>a"), "a");
    }
}
