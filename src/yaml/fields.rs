//! A strict reader of mappings in our own files.

use std::collections::HashSet;

use super::{Fault, Faults, Node, ScalarKind, parse, resolve_resource_scalar};

/// How alike two keys must be (Jaro-Winkler) to be taken for one misspelt.
const ALIKE: f64 = 0.84;

/// The fields of one mapping. Ask for every key the format knows, then [`finish`](Self::finish): what was not asked for is
/// unknown, and a fault.
///
/// Getters return `None` both for a field that is absent and for one that is wrong; the latter has left a fault.
#[derive(Debug)]
pub struct Fields<'n> {
    node: &'n Node,
    entries: &'n [(Node, Node)],
    what: String,
    faults: &'n Faults,
    asked: Vec<&'static str>,
}

impl<'n> Fields<'n> {
    /// Reads `node` as a mapping; `what` names it in messages ("an environment").
    pub fn of(node: &'n Node, what: impl Into<String>, faults: &'n Faults) -> Option<Self> {
        let what = what.into();
        let Some(entries) = node.as_mapping() else {
            faults.push(node, format!("{what} must be a mapping, found a {}", node.kind_name()));
            return None;
        };
        Some(Self { node, entries, what, faults, asked: Vec::new() })
    }

    /// Returns the mapping itself, for faults that concern several fields.
    #[must_use]
    pub fn node(&self) -> &'n Node {
        self.node
    }

    /// Returns the value of `key`, if it is there and not null.
    pub fn optional(&mut self, key: &'static str) -> Option<&'n Node> {
        if !self.asked.contains(&key) {
            self.asked.push(key);
        }
        let value = |(name, value): &'n (Node, Node)| (name.as_str() == Some(key) && !value.is_null()).then_some(value);
        self.entries.iter().find_map(value)
    }

    /// Returns the value of `key`; its absence is a fault.
    pub fn required(&mut self, key: &'static str) -> Option<&'n Node> {
        let found = self.optional(key);
        if found.is_none() {
            self.faults.push(self.node, format!("{} needs `{key}`", self.what));
        }
        found
    }

    /// Returns the text of `key`, which may be empty.
    pub fn string(&mut self, key: &'static str) -> Option<&'n str> {
        let node = self.optional(key)?;
        string(node, key, self.faults)
    }

    /// Returns the text of `key`; absence and emptiness are faults.
    pub fn required_string(&mut self, key: &'static str) -> Option<&'n str> {
        let node = self.required(key)?;
        non_empty_string(node, key, self.faults)
    }

    /// Returns the text of `key`; emptiness is a fault.
    pub fn non_empty_string(&mut self, key: &'static str) -> Option<&'n str> {
        let node = self.optional(key)?;
        non_empty_string(node, key, self.faults)
    }

    /// Returns the truth value of `key`: `true` or `false`, nothing else.
    pub fn bool(&mut self, key: &'static str) -> Option<bool> {
        let node = self.optional(key)?;
        let typed = node.as_scalar().map(resolve_resource_scalar);
        let value = node.as_str().filter(|_| typed == Some(ScalarKind::Bool));
        match value.map(str::to_ascii_lowercase).as_deref() {
            Some(text) => Some(text == "true"),
            None => {
                let message = format!("`{key}` must be true or false, found a {}", node.kind_name());
                self.faults.push(node, message);
                None
            }
        }
    }

    /// Returns the integer of `key`, written in decimal digits.
    pub fn integer(&mut self, key: &'static str) -> Option<i64> {
        let node = self.optional(key)?;
        let typed = node.as_scalar().map(resolve_resource_scalar);
        let value = node.as_str().filter(|_| typed == Some(ScalarKind::Number));
        let value = value.and_then(|text| text.parse().ok());
        if value.is_none() {
            let message = format!("`{key}` must be an integer, found a {}", node.kind_name());
            self.faults.push(node, message);
        }
        value
    }

    /// Returns the texts of `key` with their nodes: a list of strings, or one string for a list of one.
    pub fn strings(&mut self, key: &'static str) -> Vec<(&'n Node, &'n str)> {
        let Some(node) = self.optional(key) else {
            return Vec::new();
        };
        let elements = node.as_sequence().unwrap_or(std::slice::from_ref(node));
        let read = |element: &'n Node| Some((element, non_empty_string(element, key, self.faults)?));
        elements.iter().filter_map(read).collect()
    }

    /// Returns the elements of the list under `key`.
    pub fn list(&mut self, key: &'static str) -> &'n [Node] {
        let Some(node) = self.optional(key) else {
            return &[];
        };
        node.as_sequence().unwrap_or_else(|| {
            let message = format!("`{key}` must be a list, found a {}", node.kind_name());
            self.faults.push(node, message);
            &[]
        })
    }

    /// Returns names and values of the mapping under `key`, whose keys are free; duplicates are faults.
    pub fn entries(&mut self, key: &'static str) -> Vec<(&'n Node, &'n Node)> {
        let Some(node) = self.optional(key) else {
            return Vec::new();
        };
        let Some(entries) = node.as_mapping() else {
            let message = format!("`{key}` must be a mapping, found a {}", node.kind_name());
            self.faults.push(node, message);
            return Vec::new();
        };
        report_duplicates(entries, self.faults);
        entries.iter().map(|(name, value)| (name, value)).collect()
    }

    /// Reports duplicate keys and all keys that nobody asked for, with the nearest known spelling.
    pub fn finish(self) {
        report_duplicates(self.entries, self.faults);
        for (name, _) in self.entries {
            match name.as_str() {
                Some(text) if self.asked.contains(&text) => {}
                Some(text) => self.report_unknown(name, text),
                None => self.faults.push(name, format!("a key of {} must be a string", self.what)),
            }
        }
    }

    fn report_unknown(&self, name: &Node, text: &str) {
        let message = format!("{} has no field `{text}`", self.what);
        match nearest(text, &self.asked) {
            Some(known) => self.faults.push_with_hint(name, message, format!("did you mean `{known}`?")),
            None => {
                let known: Vec<String> = self.asked.iter().map(|key| format!("`{key}`")).collect();
                self.faults.push_with_hint(name, message, format!("known fields: {}", known.join(", ")));
            }
        }
    }
}

fn report_duplicates(entries: &[(Node, Node)], faults: &Faults) {
    let mut seen = HashSet::new();
    for (name, _) in entries {
        if let Some(text) = name.as_str()
            && !seen.insert(text)
        {
            faults.push(name, format!("`{text}` is given twice"));
        }
    }
}

fn string<'n>(node: &'n Node, key: &str, faults: &Faults) -> Option<&'n str> {
    match node.as_scalar().map(|scalar| (resolve_resource_scalar(scalar), &*scalar.text)) {
        Some((ScalarKind::Str, text)) => Some(text),
        Some((kind @ (ScalarKind::Bool | ScalarKind::Number | ScalarKind::Timestamp), text)) => {
            let message = format!("`{key}` must be a string, found a {}", kind.name());
            faults.push_with_hint(node, message, format!("write it in quotes: \"{text}\""));
            None
        }
        _ => {
            faults.push(node, format!("`{key}` must be a string, found a {}", node.kind_name()));
            None
        }
    }
}

fn non_empty_string<'n>(node: &'n Node, key: &str, faults: &Faults) -> Option<&'n str> {
    let text = string(node, key, faults)?;
    if text.trim().is_empty() {
        faults.push(node, format!("`{key}` may not be empty"));
        return None;
    }
    Some(text)
}

/// Reports every value that is null, however deep: where rules are written, nothing is not the same as nothing said.
pub fn refuse_nulls(node: &Node, faults: &Faults) {
    for (name, value) in node.as_mapping().unwrap_or_default() {
        if value.is_null() {
            let key = name.as_str().unwrap_or_default();
            faults.push_with_hint(name, format!("`{key}` has no value"), "write its value, or take the key out");
        }
        refuse_nulls(value, faults);
    }
    for element in node.as_sequence().unwrap_or_default() {
        if element.is_null() {
            faults.push(element, "an element of this list has no value");
        }
        refuse_nulls(element, faults);
    }
}

/// Reads a file of ours, which is one document, by `read`; `what` names it in faults ("the configuration").
///
/// # Errors
/// All faults, ordered by place.
pub fn read_file<T>(
    file: &str,
    text: &[u8],
    what: &str,
    read: impl FnOnce(&Node, &Faults) -> Option<T>,
) -> Result<T, Vec<Fault>> {
    let faults = Faults::new();
    let documents = parse(file, text).map_err(|error| faults.push_error(&error)).unwrap_or_default();
    let found = match documents.as_slice() {
        [document] => read(document, &faults),
        [_, second, ..] => {
            faults.push(second, format!("{what} is one document"));
            None
        }
        [] => {
            if faults.is_empty() {
                faults.push_at_start(file, format!("{what} is empty"));
            }
            None
        }
    };
    match (found, faults.is_empty()) {
        (Some(found), true) => Ok(found),
        _ => Err(faults.into_vec()),
    }
}

/// Returns the known spelling that `text` is most likely meant to be, if any comes near.
#[must_use]
pub fn nearest<'k>(text: &str, known: &[&'k str]) -> Option<&'k str> {
    let alike = |key: &&&str| strsim::damerau_levenshtein(text, key) <= 2 || strsim::jaro_winkler(text, key) >= ALIKE;
    let likeness = |key: &&&str| strsim::jaro_winkler(text, key);
    known.iter().filter(alike).max_by(|a, b| likeness(a).total_cmp(&likeness(b))).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(text: &str) -> Node {
        parse("c.yaml", text.as_bytes()).unwrap().remove(0)
    }

    fn told(faults: Faults) -> Vec<String> {
        let tell = |fault: Fault| {
            let hint = fault.hint.map(|hint| format!(" | {hint}")).unwrap_or_default();
            format!("{}:{} {}{hint}", fault.line, fault.column, fault.message)
        };
        faults.into_vec().into_iter().map(tell).collect()
    }

    #[test]
    fn typed_getters_return_what_is_written() {
        let node = document("name: api\ncount: 3\non: true\none: x\nmany: [a, b]\nfree: {k: v}\nlist: [1]\nnone: ~\n");
        let faults = Faults::new();
        let mut fields = Fields::of(&node, "a thing", &faults).unwrap();
        assert_eq!(fields.required_string("name"), Some("api"));
        assert_eq!(fields.integer("count"), Some(3));
        assert_eq!(fields.bool("on"), Some(true));
        assert_eq!(fields.strings("one")[0].1, "x");
        assert_eq!(fields.strings("many").len(), 2);
        assert_eq!(fields.entries("free").len(), 1);
        assert_eq!(fields.list("list").len(), 1);
        assert_eq!(fields.string("none"), None);
        fields.finish();
        assert!(faults.is_empty());
    }

    #[test]
    fn all_faults_are_told_at_once_in_order() {
        let node = document("regsitry: a\nversion: x\nname: 1.10\nname: 2\nquite-other: 1\nok: maybe\nempty: ' '\n");
        let faults = Faults::new();
        let mut fields = Fields::of(&node, "an environment", &faults).unwrap();
        fields.required_string("registry");
        fields.integer("version");
        fields.string("name");
        fields.bool("ok");
        fields.non_empty_string("empty");
        fields.finish();
        assert_eq!(
            told(faults),
            [
                "1:1 an environment needs `registry`",
                "1:1 an environment has no field `regsitry` | did you mean `registry`?",
                "2:10 `version` must be an integer, found a string",
                "3:7 `name` must be a string, found a number | write it in quotes: \"1.10\"",
                "4:1 `name` is given twice",
                "5:1 an environment has no field `quite-other` | known fields: `registry`, `version`, `name`, `ok`, `empty`",
                "6:5 `ok` must be true or false, found a string",
                "7:9 `empty` may not be empty",
            ]
        );
    }

    #[test]
    fn the_wrong_shape_is_a_fault() {
        let node = document("a: [x]\nb: x\nc: {d: e}\nf: [[]]\n");
        let faults = Faults::new();
        assert!(Fields::of(node.get("a").unwrap(), "a policy", &faults).is_none());
        let mut fields = Fields::of(&node, "a policy", &faults).unwrap();
        fields.string("a");
        fields.entries("b");
        fields.list("c");
        fields.strings("f");
        assert_eq!(
            told(faults),
            [
                "1:4 a policy must be a mapping, found a list",
                "1:4 `a` must be a string, found a list",
                "2:4 `b` must be a mapping, found a string",
                "3:4 `c` must be a list, found a mapping",
                "4:5 `f` must be a string, found a list",
            ]
        );
    }
}
