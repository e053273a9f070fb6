//! Which referrers go along with an image.

use crate::domain::ReferrerFilter;
use crate::yaml::{Faults, Fields, Node};

/// Reads `referrers`: `all`, `none`, or a list of artifact types.
pub(super) fn read_referrers(fields: &mut Fields<'_>, node: Option<&Node>, faults: &Faults) -> ReferrerFilter {
    let Some(node) = node else { return ReferrerFilter::All };
    match node.as_str() {
        Some("all") => return ReferrerFilter::All,
        Some("none") => return ReferrerFilter::None,
        Some(_) => {
            let hint = "write all, none, or a list of artifact types: [application/spdx+json]";
            faults.push_with_hint(node, "`referrers` is neither `all` nor `none` nor a list", hint);
            return ReferrerFilter::All;
        }
        None => {}
    }
    let types = fields.strings("referrers");
    for (place, artifact_type) in &types {
        // A media type (RFC 6838) is a type and a subtype.
        if artifact_type.split('/').filter(|part| !part.is_empty()).count() != 2 {
            let hint = "an artifact type is a media type, such as application/vnd.dev.sigstore.bundle.v0.3+json";
            faults.push_with_hint(place, format!("`{artifact_type}` is not an artifact type"), hint);
        }
    }
    if node.as_sequence().is_some_and(<[Node]>::is_empty) {
        faults.push_with_hint(node, "`referrers` names no artifact type", "write none to leave them all");
    }
    ReferrerFilter::Types(types.into_iter().map(|(_, artifact_type)| artifact_type.to_owned()).collect())
}

#[cfg(test)]
mod tests {
    use crate::config;
    use crate::domain::ReferrerFilter;

    fn read(referrers: &str) -> Result<ReferrerFilter, String> {
        let text = format!("version: 1\nenvironments:\n  d:\n    overlays: o\n    registry: d.example\n{referrers}");
        match config::read("promote-bot.yaml", text.as_bytes()) {
            Ok(mut config) => Ok(config.environments.remove(0).copy.referrers),
            Err(faults) => Err(format!("{}:{} {}", faults[0].line, faults[0].column, faults[0].message)),
        }
    }

    #[test]
    fn all_none_and_types_are_read() {
        assert_eq!(read(""), Ok(ReferrerFilter::All));
        assert_eq!(read("    referrers: all\n"), Ok(ReferrerFilter::All));
        assert_eq!(read("    referrers: none\n"), Ok(ReferrerFilter::None));
        let types = ReferrerFilter::Types(vec!["application/spdx+json".to_owned(), "text/x".to_owned()]);
        assert_eq!(read("    referrers: [application/spdx+json, text/x]\n"), Ok(types));
    }

    #[test]
    fn anything_else_is_a_fault_with_its_place() {
        for (text, fault) in [
            ("some", "6:16 `referrers` is neither `all` nor `none` nor a list"),
            ("[]", "6:16 `referrers` names no artifact type"),
            ("[a/b, signature]", "6:22 `signature` is not an artifact type"),
            ("{a: b}", "6:16 `referrers` must be"),
        ] {
            let said = read(&format!("    referrers: {text}\n")).unwrap_err();
            assert!(said.starts_with(fault), "{said}");
        }
    }
}
