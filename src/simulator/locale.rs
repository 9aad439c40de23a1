//! Languages as Graph names them. <https://learn.microsoft.com/graph/api/resources/localeinfo>

use serde_json::{Value, json};

/// `{locale, displayName}`; the name only of languages that worlds use.
pub(super) fn info(locale: &str) -> Value {
    const NAMES: [(&str, &str); 8] = [
        ("en-US", "English (United States)"),
        ("en-GB", "English (United Kingdom)"),
        ("de-DE", "German (Germany)"),
        ("fr-FR", "French (France)"),
        ("fi-FI", "Finnish (Finland)"),
        ("sv-SE", "Swedish (Sweden)"),
        ("es-ES", "Spanish (Spain)"),
        ("ar-SA", "Arabic (Saudi Arabia)"),
    ];
    let name = NAMES.iter().find(|(known, _)| *known == locale).map(|(_, name)| *name);
    json!({ "locale": locale, "displayName": name })
}
