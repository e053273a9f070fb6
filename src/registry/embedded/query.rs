//! Query strings and forms: `name=value` pairs, percent-encoded.

/// The pairs of a query or a form, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Query(Vec<(String, String)>);

impl Query {
    pub(super) fn parse(text: &str) -> Self {
        let pairs = text.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode_form(name), decode_form(value))
        });
        Self(pairs.collect())
    }

    /// Returns the first value of a name.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let pair = self.0.iter().find(|(found, _)| found == name);
        pair.map(|(_, value)| value.as_str())
    }

    /// Returns all values of a name.
    pub(super) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(found, _)| found == name).map(|(_, value)| value.as_str())
    }
}

fn decode_form(text: &str) -> String {
    decode(&text.replace('+', " "))
}

/// Resolves `%41`; what is not two hexadecimal digits stays as it is.
pub(super) fn decode(text: &str) -> String {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let (byte, after) = match hex_pair(rest) {
            Some(byte) if first == b'%' => (byte, after.get(2..).unwrap_or_default()),
            _ => (first, after),
        };
        decoded.push(byte);
        rest = after;
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

fn hex_pair(text: &[u8]) -> Option<u8> {
    let digit = |index: usize| char::from(*text.get(index)?).to_digit(16);
    u8::try_from(digit(1)? * 16 + digit(2)?).ok()
}

/// Encodes a value so that it stands for itself in a query.
pub(super) fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' | b':' => {
                encoded.push(char::from(byte));
            }
            other => encoded.push_str(&format!("%{other:02X}")),
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_decoded_and_repeated_names_kept() {
        let query = Query::parse("scope=a%3Ab+c&scope=d&empty&digest=sha256:00");
        assert_eq!(query.all("scope").collect::<Vec<_>>(), ["a:b c", "d"]);
        assert_eq!(query.get("empty"), Some(""));
        assert_eq!(query.get("digest"), Some("sha256:00"));
        assert_eq!(query.get("none"), None);
    }

    #[test]
    fn what_is_encoded_decodes_to_itself() {
        let text = "application/vnd.x+json; a=\u{e9}%&";
        assert_eq!(Query::parse(&format!("v={}", encode(text))).get("v"), Some(text));
    }

    #[test]
    fn a_broken_escape_stands_for_itself() {
        assert_eq!(decode("%4"), "%4");
        assert_eq!(decode("%zz%41"), "%zzA");
    }
}
