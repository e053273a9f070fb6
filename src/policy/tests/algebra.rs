//! What holds of matching whatever the names: patterns, versions, references.

use proptest::prelude::*;

use crate::domain::Glob;
use crate::policy::testing::{candidate, complaints};

fn name() -> impl Strategy<Value = String> {
    proptest::collection::vec("[a-z][a-z0-9]{0,6}", 1..4).prop_map(|parts| parts.join("/"))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_name_matches_itself_and_two_stars_span_what_one_does_not(name in name(), below in name()) {
        prop_assert!(Glob::new(&name).unwrap().matches(&name));
        let whole = format!("{name}/{below}");
        let pattern = |text: String| Glob::new(&text).unwrap();
        let (spanning, one, longer) = (pattern(name.clone() + "/**"), pattern(name.clone() + "/*"), pattern(name.clone() + "x"));
        prop_assert!(spanning.matches(&whole));
        prop_assert_eq!(one.matches(&whole), !below.contains('/'));
        prop_assert!(!Glob::new(&name).unwrap().matches(&whole));
        prop_assert!(!longer.matches(&name));
    }

    #[test]
    fn a_pattern_never_panics_and_a_literal_matches_nothing_else(text in "\\PC{0,24}", name in name()) {
        if let Ok(glob) = Glob::new(&text) {
            let is_literal = Glob::is_literal(&text);
            prop_assert!(!is_literal || glob.matches(&name) == (text == name));
        }
    }

    #[test]
    fn a_version_is_within_a_range_from_it_on_and_outside_one_beyond(major in 0u64..50, minor in 0u64..50, patch in 0u64..50, v in any::<bool>()) {
        let tag = format!("{}{major}.{minor}.{patch}", if v { "v" } else { "" });
        let image = candidate(&format!("prod.example/shop/api:{tag}"), None);
        let no = |range: &str| complaints(&format!("tag: {{semver: '{range}'}}"), &image, |_| ()).len();
        prop_assert_eq!(no(&format!(">={major}.{minor}.{patch}")), 0);
        prop_assert_eq!(no(&format!(">{major}.{minor}.{patch}")), 1);
        prop_assert_eq!(no(&format!("<{major}.{minor}.{patch}")), 1);
        let rc = candidate(&format!("prod.example/shop/api:{tag}-rc.1"), None);
        prop_assert_eq!(complaints("tag: {semver: '>=0.0.0'}", &rc, |_| ()).len(), 1);
        prop_assert_eq!(complaints("tag: {semver: '>=0.0.0', allow_prerelease: true}", &rc, |_| ()).len(), 0);
    }

    #[test]
    fn a_tag_that_is_no_version_is_never_within_a_range(tag in "[a-z_][a-z_.-]{0,20}") {
        let image = candidate(&format!("prod.example/shop/api:{tag}"), None);
        prop_assert_eq!(complaints("tag: {semver: '>=0.0.0', allow_prerelease: true}", &image, |_| ()).len(), 1);
    }
}
