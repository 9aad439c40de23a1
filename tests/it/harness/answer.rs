//! Reading answers: a small tree of elements, and what tests look for in it.

use quick_xml::NsReader;
use quick_xml::events::{BytesStart, Event};
use quick_xml::name::ResolveResult;

/// An element: its local name, namespace, text and children.
#[derive(Clone, Debug, Default)]
pub(crate) struct Element {
    pub(crate) name: String,
    pub(crate) namespace: String,
    pub(crate) text: String,
    pub(crate) attributes: Vec<(String, String)>,
    pub(crate) children: Vec<Self>,
}

impl Element {
    /// Reads a document.
    pub(crate) fn parse(text: &str) -> Self {
        let mut reader = NsReader::from_str(text);
        let mut open = vec![Self::default()];
        loop {
            match reader.read_event().unwrap_or_else(|error| panic!("{error}: {text}")) {
                Event::Start(start) => open.push(Self::of(&reader, &start)),
                Event::Empty(start) => {
                    let element = Self::of(&reader, &start);
                    open.last_mut().unwrap().children.push(element);
                }
                Event::End(_) => {
                    let element = open.pop().unwrap();
                    open.last_mut().unwrap().children.push(element);
                }
                Event::Text(text) => open.last_mut().unwrap().text.push_str(&text),
                Event::GeneralRef(reference) => {
                    let named = quick_xml::escape::resolve_xml_entity(&reference).map(str::to_owned);
                    let character = || reference.resolve_char_ref().unwrap().unwrap().to_string();
                    open.last_mut().unwrap().text.push_str(&named.unwrap_or_else(character));
                }
                Event::Eof => break,
                _ => {}
            }
        }
        assert_eq!(open.len(), 1, "{text}");
        open.remove(0).children.into_iter().next().unwrap_or_else(|| panic!("no element in {text:?}"))
    }

    fn of(reader: &NsReader<&[u8]>, start: &BytesStart<'_>) -> Self {
        let (namespace, name) = reader.resolver().resolve_element(start.name());
        let namespace = match namespace {
            ResolveResult::Bound(namespace) => namespace.0.to_owned(),
            _ => String::new(),
        };
        let attributes = start.attributes().map(|attribute| {
            let attribute = attribute.unwrap();
            let name = attribute.key.local_name().as_ref().to_owned();
            (name, attribute.value.into_owned())
        });
        Self { name: name.as_ref().to_owned(), namespace, attributes: attributes.collect(), ..Self::default() }
    }

    /// The child of that name; there must be one.
    #[track_caller]
    pub(crate) fn child(&self, name: &str) -> &Self {
        self.get(name).unwrap_or_else(|| panic!("no {name} in {self:?}"))
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.name == name)
    }

    /// The text at the end of a path of names.
    #[track_caller]
    pub(crate) fn at(&self, path: &str) -> &str {
        &path.split('/').fold(self, |element, name| element.child(name)).text
    }

    pub(crate) fn attribute(&self, name: &str) -> &str {
        self.attributes.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }

    /// All descendants of that name.
    pub(crate) fn all(&self, name: &str) -> Vec<&Self> {
        let mut found = Vec::new();
        for child in &self.children {
            if child.name == name {
                found.push(child);
            }
            found.extend(child.all(name));
        }
        found
    }

    /// The names of the children.
    pub(crate) fn names(&self) -> Vec<&str> {
        self.children.iter().map(|child| child.name.as_str()).collect()
    }

    /// A FreeBusyResponse's events: `start end type`.
    pub(crate) fn events(&self) -> Vec<String> {
        let events = self.all("CalendarEvent").into_iter();
        events
            .map(|event| format!("{} {} {}", event.at("StartTime"), event.at("EndTime"), event.at("BusyType")))
            .collect()
    }

    /// The response code of a FreeBusyResponse.
    pub(crate) fn code(&self) -> &str {
        self.at("ResponseMessage/ResponseCode")
    }
}
