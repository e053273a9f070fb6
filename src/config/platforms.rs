//! Reading `platforms` and `rewrite_index`: which images of an index are copied.

use crate::domain::Platform;
use crate::yaml::{Faults, Fields, Node};

/// Reads them. An index that loses entries is another index, with another digest: whoever wants that says so.
pub(super) fn read_platforms(fields: &mut Fields<'_>, node: &Node, faults: &Faults) -> Vec<Platform> {
    let written = fields.optional("platforms");
    let rewrites = fields.bool("rewrite_index").unwrap_or(false);
    let Some(written) = written else {
        if rewrites {
            faults.push(node, "`rewrite_index` is for `platforms`, and there are none");
        }
        return Vec::new();
    };
    let texts = fields.strings("platforms");
    if written.as_sequence().is_some_and(<[Node]>::is_empty) {
        faults.push(written, "`platforms` names no platform");
    }
    if !rewrites {
        let message =
            "an index without some of its platforms has another digest: what was signed is not what would run";
        let hint = "leave `platforms` out and copy images whole, or accept that with `rewrite_index: true`";
        faults.push_with_hint(written, message, hint);
    }
    let read = |(place, text): &(&Node, &str)| {
        text.parse::<Platform>().map_err(|error| faults.push(place, format!("`{text}`: {error}"))).ok()
    };
    texts.iter().filter_map(read).collect()
}

#[cfg(test)]
mod tests {
    use crate::config;

    fn read(keys: &str) -> Result<Vec<String>, String> {
        let text = format!("version: 1\nenvironments:\n  d:\n    overlays: o\n    registry: d.example\n{keys}");
        match config::read("promote-bot.yaml", text.as_bytes()) {
            Ok(config) => Ok(config.environments[0].copy.platforms.iter().map(ToString::to_string).collect()),
            Err(faults) => Err(faults[0].message.clone()),
        }
    }

    #[test]
    fn platforms_are_read_where_a_new_index_is_accepted() {
        assert_eq!(read(""), Ok(Vec::new()));
        let both = Ok(vec!["linux/amd64".to_owned(), "linux/arm/v7".to_owned()]);
        assert_eq!(read("    platforms: [linux/amd64, linux/arm/v7]\n    rewrite_index: true\n"), both);
        assert_eq!(read("    platforms: linux/amd64\n    rewrite_index: true\n").unwrap().len(), 1);
    }

    #[test]
    fn anything_else_is_refused() {
        for (keys, why) in [
            ("    platforms: [linux/amd64]\n", "another digest"),
            ("    platforms: [linux/amd64]\n    rewrite_index: false\n", "another digest"),
            ("    platforms: []\n    rewrite_index: true\n", "names no platform"),
            ("    platforms: [amd64]\n    rewrite_index: true\n", "`amd64`: a platform is"),
            ("    rewrite_index: true\n", "is for `platforms`"),
        ] {
            let said = read(keys).unwrap_err();
            assert!(said.contains(why), "{said}");
        }
    }
}
