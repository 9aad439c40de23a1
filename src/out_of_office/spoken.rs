//! Messages as plain text, to be read aloud or shown.
//!
//! Owns which white space is left. Must not know who gets it.

use crate::calendar::plain_text;

/// A message's text: no white space at the ends of lines nor of the whole, at most one empty line between two, and
/// spaces that are spaces.
pub(super) fn text(html: &str) -> String {
    let text = plain_text::of_html(html);
    let mut spoken = String::with_capacity(text.len());
    let mut empty = 0;
    for line in text.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        if words.is_empty() {
            empty += 1;
            continue;
        }
        if !spoken.is_empty() {
            spoken.push_str(if empty > 0 { "\n\n" } else { "\n" });
        }
        empty = 0;
        spoken.push_str(&words.join(" "));
    }
    spoken
}

#[cfg(test)]
mod tests {
    use super::text;

    #[test]
    fn lines_are_kept_and_the_padding_of_editors_is_not() {
        for (html, expected) in [
            ("", ""),
            ("<p>&nbsp;</p>", ""),
            (
                "<html><body>\n<p>Back&nbsp;on  Monday.</p>\n<p>&nbsp;</p><p> </p><p>Kim</p></body></html>",
                "Back on Monday.\n\nKim",
            ),
            ("one<br>two&nbsp;<br>\r\n three<br><br><br><br>four", "one\ntwo\nthree\n\nfour"),
            ("R&amp;D &lt;a@b.example&gt; caf&eacute; &#128512;", "R&D <a@b.example> café 😀"),
            ("<div dir=\"rtl\">אני בחופשה</div><div>‏עד יום ב'</div>", "אני בחופשה\n‏עד יום ב'"),
            ("<table><tr><td>a</td><td>b</td></tr></table>", "a b"),
        ] {
            assert_eq!(text(html), expected, "{html}");
        }
    }

    #[test]
    fn a_long_message_is_whole() {
        let html = format!("<p>{}</p>", "word ".repeat(20_000));
        assert_eq!(text(&html).len(), 20_000 * 5 - 1);
    }
}
