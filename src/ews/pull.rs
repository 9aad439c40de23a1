//! The small XML reader: an element's children one after the other, its text, or nothing of it.
//!
//! Owns the limits on what a document may be: no document type, no entities but XML's own, no more
//! than [`MAX_DEPTH`] levels. Must not know any element.

use std::borrow::Cow;

use quick_xml::events::{BytesRef, BytesStart, Event};
use quick_xml::{Reader, XmlVersion, escape};

use crate::failure::Failure;

/// How deep elements may be nested; the deepest request that Exchange's schema allows has 20 or so.
pub const MAX_DEPTH: usize = 64;

/// A reader that stands inside an element.
#[derive(Debug)]
pub struct Pull<'a> {
    document: &'a str,
    reader: Reader<&'a [u8]>,
    depth: usize,
}

/// The start of an element.
#[derive(Debug)]
pub struct Start<'a>(BytesStart<'a>);

impl<'a> Pull<'a> {
    /// A reader before the document's root element.
    #[must_use]
    pub fn new(document: &'a str) -> Self {
        let mut reader = Reader::from_str(document);
        reader.config_mut().expand_empty_elements = true;
        Self { document, reader, depth: 0 }
    }

    /// The next child of the element that the reader stands in; the reader then stands in the
    /// child. `None` at the end of the element; the reader then stands in its parent.
    ///
    /// # Errors
    /// [`Failure::Malformed`] for what is no XML, or breaks a limit.
    pub fn child(&mut self) -> Result<Option<Start<'a>>, Failure> {
        loop {
            match self.event()? {
                Event::Start(start) => return Ok(Some(Start(start))),
                Event::End(_) => return Ok(None),
                Event::Eof => return Err(Failure::Malformed),
                _ => {}
            }
        }
    }

    /// The text of the element that the reader stands in, trimmed; the reader then stands in its
    /// parent.
    ///
    /// # Errors
    /// [`Failure::Malformed`]; [`Failure::Schema`] if there are elements inside.
    pub fn text(&mut self) -> Result<Cow<'a, str>, Failure> {
        let mut text: Cow<'a, str> = Cow::Borrowed("");
        loop {
            match self.event()? {
                Event::Text(part) => append(&mut text, part.xml10_content()),
                Event::CData(part) => append(&mut text, part.xml10_content()),
                Event::GeneralRef(reference) => append(&mut text, Cow::Owned(resolve(&reference)?)),
                Event::End(_) => break,
                Event::Start(start) => {
                    return Err(Failure::Schema {
                        path: Start(start).local().to_owned(),
                        problem: "text was expected and not an element".to_owned(),
                    });
                }
                Event::Eof => return Err(Failure::Malformed),
                _ => {}
            }
        }
        Ok(match text {
            Cow::Borrowed(text) => Cow::Borrowed(text.trim()),
            Cow::Owned(text) => Cow::Owned(text.trim().to_owned()),
        })
    }

    /// The text of the element that the reader stands in, with its white space; markup inside, which
    /// clients send for HTML, stays as it is written. The reader then stands in its parent.
    ///
    /// # Errors
    /// [`Failure::Malformed`].
    pub fn content(&mut self) -> Result<Cow<'a, str>, Failure> {
        let (outside, from) = (self.depth.saturating_sub(1), self.position());
        let (mut text, mut is_markup) = (Cow::Borrowed(""), false);
        loop {
            let here = self.position();
            match self.event()? {
                Event::End(_) if self.depth == outside => {
                    let markup = self.document.get(from..here).map(Cow::Borrowed).filter(|_| is_markup);
                    return Ok(markup.unwrap_or(text));
                }
                Event::Text(part) if !is_markup => append(&mut text, part.xml10_content()),
                Event::CData(part) if !is_markup => append(&mut text, part.xml10_content()),
                Event::GeneralRef(reference) if !is_markup => append(&mut text, Cow::Owned(resolve(&reference)?)),
                Event::Start(_) => is_markup = true,
                Event::Eof => return Err(Failure::Malformed),
                _ => {}
            }
        }
    }

    fn position(&self) -> usize {
        usize::try_from(self.reader.buffer_position()).unwrap_or(usize::MAX)
    }

    /// How deep the reader stands; 1 in the root element.
    #[must_use]
    pub fn depth(&self) -> usize {
        self.depth
    }

    /// Passes over the rest of the element that the reader stands in; the reader then stands in
    /// its parent.
    ///
    /// # Errors
    /// [`Failure::Malformed`].
    pub fn skip(&mut self) -> Result<(), Failure> {
        self.leave_to(self.depth.saturating_sub(1))
    }

    /// Passes over everything until the reader stands no deeper than that.
    ///
    /// # Errors
    /// [`Failure::Malformed`].
    pub fn leave_to(&mut self, depth: usize) -> Result<(), Failure> {
        while self.depth > depth {
            if matches!(self.event()?, Event::Eof) {
                return Err(Failure::Malformed);
            }
        }
        Ok(())
    }

    /// Makes sure that nothing follows but the ends of the elements that the reader stands in.
    ///
    /// # Errors
    /// [`Failure::Malformed`].
    pub fn finish(&mut self) -> Result<(), Failure> {
        loop {
            match self.event()? {
                Event::Eof if self.depth == 0 => return Ok(()),
                Event::Eof | Event::Start(_) => return Err(Failure::Malformed),
                _ => {}
            }
        }
    }

    fn event(&mut self) -> Result<Event<'a>, Failure> {
        let event = self.reader.read_event().map_err(|_| Failure::Malformed)?;
        match &event {
            Event::Start(_) => {
                self.depth += 1;
                if self.depth > MAX_DEPTH {
                    return Err(Failure::Malformed);
                }
            }
            Event::End(_) => self.depth = self.depth.saturating_sub(1),
            Event::DocType(_) => return Err(Failure::Malformed),
            Event::GeneralRef(reference) => {
                resolve(reference)?;
            }
            _ => {}
        }
        Ok(event)
    }
}

impl<'a> Start<'a> {
    /// The name without its prefix.
    #[must_use]
    pub fn local(&self) -> &str {
        self.0.local_name().into_inner()
    }

    /// The start tag as quick-xml has it, for namespace resolution.
    #[must_use]
    pub fn tag(&self) -> &BytesStart<'a> {
        &self.0
    }

    /// An attribute by its name without prefix.
    ///
    /// # Errors
    /// [`Failure::Malformed`].
    pub fn attribute(&self, name: &str) -> Result<Option<String>, Failure> {
        for attribute in self.0.attributes() {
            let attribute = attribute.map_err(|_| Failure::Malformed)?;
            if attribute.key.local_name().into_inner() == name {
                let value = attribute.normalized_value(XmlVersion::Implicit1_0).map_err(|_| Failure::Malformed)?;
                return Ok(Some(value.into_owned()));
            }
        }
        Ok(None)
    }
}

fn append<'a>(text: &mut Cow<'a, str>, part: Cow<'a, str>) {
    if text.is_empty() {
        *text = part;
    } else {
        text.to_mut().push_str(&part);
    }
}

/// The text of a reference: a character, or one of XML's own five entities.
fn resolve(reference: &BytesRef<'_>) -> Result<String, Failure> {
    if let Some(character) = reference.resolve_char_ref().map_err(|_| Failure::Malformed)? {
        return Ok(character.to_string());
    }
    escape::resolve_xml_entity(&reference.xml10_content()).map(str::to_owned).ok_or(Failure::Malformed)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn root_text(document: &str) -> Result<String, Failure> {
        let mut pull = Pull::new(document);
        pull.child()?.ok_or(Failure::Malformed)?;
        let text = pull.text()?.into_owned();
        pull.finish()?;
        Ok(text)
    }

    #[test]
    fn text_is_joined_over_references_and_cdata() {
        assert_eq!(root_text("<a> x&amp;<!-- c -->y&#33;<![CDATA[<z>]]> </a>").unwrap(), "x&y!<z>");
    }

    #[test]
    fn content_is_text_and_markup_inside_stays_as_it_is() {
        let content = |document: &str| {
            let mut pull = Pull::new(document);
            pull.child()?.ok_or(Failure::Malformed)?;
            let text = pull.content()?.into_owned();
            pull.finish()?;
            Ok::<_, Failure>(text)
        };
        assert_eq!(content("<a> x &amp; &lt;p&gt;<![CDATA[<z>]]>\n</a>").unwrap(), " x & <p><z>\n");
        assert_eq!(
            content("<a>1 &lt; 2<p class='x'>A &amp; B</p><br/></a>").unwrap(),
            "1 &lt; 2<p class='x'>A &amp; B</p><br/>"
        );
        assert_eq!(content("<a><br/></a>").unwrap(), "<br/>");
        assert_eq!((content("<a/>").unwrap(), content("<a></a>").unwrap()), (String::new(), String::new()));
        assert_eq!(content("<a><p>"), Err(Failure::Malformed));
    }

    #[test]
    fn children_come_one_after_the_other() {
        let mut pull = Pull::new("<a><p:b i='1'/>t<c>u</c></a>");
        assert_eq!(pull.child().unwrap().unwrap().local(), "a");
        let b = pull.child().unwrap().unwrap();
        assert_eq!((b.local(), b.attribute("i").unwrap().as_deref()), ("b", Some("1")));
        pull.skip().unwrap();
        assert_eq!(pull.child().unwrap().unwrap().local(), "c");
        assert_eq!(pull.text().unwrap(), "u");
        assert!(pull.child().unwrap().is_none());
        pull.finish().unwrap();
    }

    #[test]
    fn document_types_and_foreign_entities_are_refused() {
        for bad in ["<!DOCTYPE a><a/>", "<!DOCTYPE a [<!ENTITY e 'x'>]><a>&e;</a>", "<a>&e;</a>", "<a>&#0;</a>"] {
            assert_eq!(root_text(bad), Err(Failure::Malformed), "{bad}");
        }
    }

    #[test]
    fn depth_is_limited() {
        let nested = |levels: usize| format!("<a>{}{}</a>", "<b>".repeat(levels), "</b>".repeat(levels));
        let skip = |document: &str| {
            let mut pull = Pull::new(document);
            pull.child()?;
            pull.skip()
        };
        assert_eq!(skip(&nested(MAX_DEPTH - 1)), Ok(()));
        assert_eq!(skip(&nested(MAX_DEPTH)), Err(Failure::Malformed));
        assert_eq!(skip(&nested(10_000)), Err(Failure::Malformed));
    }

    #[test]
    fn what_is_cut_or_follows_is_refused() {
        for bad in ["", "x", "<a>", "<a>x</b>", "<a></a><b/>", "<a"] {
            assert_eq!(root_text(bad), Err(Failure::Malformed), "{bad}");
        }
    }
}
