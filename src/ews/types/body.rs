//! `Body`: a text, plain or HTML, in the form that was asked for.
//! <https://learn.microsoft.com/exchange/client-developer/web-service-reference/bodytype>
//!
//! Owns how the one form becomes the other.

use std::borrow::Cow;

use crate::calendar::event::Body;
use crate::calendar::plain_text;
use crate::ews::xml::Xml;

/// In which form a body is wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BodyForm {
    /// As it is kept.
    #[default]
    Best,
    /// As HTML.
    Html,
    /// As plain text.
    Text,
}

impl BodyForm {
    /// The form with a name of `BodyTypeResponseType`.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "Best" => Some(Self::Best),
            "HTML" => Some(Self::Html),
            "Text" => Some(Self::Text),
            _ => None,
        }
    }
}

/// Writes a body as an element of `BodyType`.
pub fn write(xml: &mut Xml, element: &str, body: &Body, form: BodyForm) {
    let is_html = match form {
        BodyForm::Best => body.is_html,
        BodyForm::Html => true,
        BodyForm::Text => false,
    };
    xml.raw("<t:").raw(element).raw(if is_html { r#" BodyType="HTML">"# } else { r#" BodyType="Text">"# });
    let content = if is_html { html(body) } else { text(body) };
    xml.text(&content).raw("</t:").raw(element).raw(">");
}

/// A body as plain text.
#[must_use]
pub fn text(body: &Body) -> Cow<'_, str> {
    if !body.is_html {
        return Cow::Borrowed(&body.content);
    }
    Cow::Owned(plain_text::of_html(&body.content))
}

/// A body as an HTML document.
fn html(body: &Body) -> Cow<'_, str> {
    if body.is_html {
        return Cow::Borrowed(&body.content);
    }
    let mut xml = Xml::with_capacity(body.content.len() + 64);
    xml.raw("<html><body>");
    for (number, line) in body.content.lines().enumerate() {
        if number > 0 {
            xml.raw("<br>\n");
        }
        xml.text(line);
    }
    xml.raw("</body></html>");
    Cow::Owned(xml.finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(content: &str, is_html: bool, form: BodyForm) -> String {
        let mut xml = Xml::default();
        write(&mut xml, "Body", &Body { content: content.to_owned(), is_html }, form);
        xml.finish()
    }

    #[test]
    fn the_best_form_is_the_one_that_is_kept() {
        assert_eq!(
            written("<b>x</b>", true, BodyForm::Best),
            r#"<t:Body BodyType="HTML">&lt;b&gt;x&lt;/b&gt;</t:Body>"#
        );
        assert_eq!(written("a<b", false, BodyForm::Best), r#"<t:Body BodyType="Text">a&lt;b</t:Body>"#);
    }

    #[test]
    fn html_becomes_text() {
        let page = "<html><head><style>p {}</style></head><body><p>First &amp; <b>best</b></p>\
                    <div>Second<br>third</div><a href=\"https://x.example\">link</a></body></html>";
        assert_eq!(
            written(page, true, BodyForm::Text),
            "<t:Body BodyType=\"Text\">First &amp; best\n\nSecond\nthird\nlink</t:Body>"
        );
    }

    #[test]
    fn text_becomes_html() {
        assert_eq!(
            written("a < b\r\nc", false, BodyForm::Html),
            "<t:Body BodyType=\"HTML\">&lt;html&gt;&lt;body&gt;a &amp;lt; b&lt;br&gt;\nc&lt;/body&gt;&lt;/html&gt;</t:Body>"
        );
    }

    #[test]
    fn deep_html_does_no_harm() {
        let deep = format!("{}x{}", "<div>".repeat(50_000), "</div>".repeat(50_000));
        assert_eq!(text(&Body { content: deep, is_html: true }), "x");
    }
}
