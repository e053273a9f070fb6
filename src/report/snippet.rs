//! A finding with the line it speaks of, as rustc shows its own.

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

use super::safe::safe;
use crate::domain::{Finding, Severity};

/// Renders one finding: rule, message, place with its line, and the way out. Styled; strip it for plain output.
pub(super) fn snippet(finding: &Finding) -> String {
    let level = match finding.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Note => Level::NOTE,
    };
    let (message, help) = (safe(&finding.message), safe(&finding.help));
    let excerpt = finding.excerpt.as_deref().map(safe);
    let title = level.primary_title(message).id(safe(&finding.rule));
    let mut group = match (&finding.location, &excerpt) {
        (Some(location), Some(line)) => {
            let span = span(line, location.column as usize, finding.width);
            let source = Snippet::source(line.clone()).line_start(location.line as usize).path(safe(&location.path));
            Group::with_title(title).element(source.annotation(AnnotationKind::Primary.span(span)))
        }
        (Some(location), None) => {
            let origin = annotate_snippets::Origin::path(safe(&location.path));
            let origin = origin.line(location.line as usize).char_column(location.column as usize);
            Group::with_title(title).element(origin)
        }
        (None, _) => Group::with_title(title),
    };
    if !help.is_empty() {
        group = group.element(Level::HELP.message(help));
    }
    Renderer::styled().render(&[group])
}

/// The byte range of `width` characters from `column` (from 1), kept inside `line`; to the end of the word when not known.
fn span(line: &str, column: usize, width: usize) -> std::ops::Range<usize> {
    let offset = |character: usize| line.char_indices().nth(character).map_or(line.len(), |(offset, _)| offset);
    let start = offset(column.saturating_sub(1));
    let word = || line[start..].find(char::is_whitespace).unwrap_or(line.len() - start);
    let end = if width == 0 { start + word() } else { offset(column.saturating_sub(1) + width) };
    start..end.max(start)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Cause, Location};

    #[test]
    fn the_place_is_shown_with_its_line_and_the_way_out() {
        let finding = Finding {
            rule: "production/tag".to_owned(),
            severity: Severity::Error,
            cause: Cause::Change,
            message: "worker is referenced by the forbidden tag `latest`".to_owned(),
            help: "name a version".to_owned(),
            image: None,
            location: Some(Location::new("overlays/production/kustomization.yaml", 12, 13)),
            width: 6,
            excerpt: Some("    newTag: latest".to_owned()),
            exception: None,
        };
        let plain = anstream::adapter::strip_str(&snippet(&finding)).to_string();
        let expected = "\
error[production/tag]: worker is referenced by the forbidden tag `latest`
  --> overlays/production/kustomization.yaml:12:13
   |
12 |     newTag: latest
   |             ^^^^^^
   |
   = help: name a version";
        assert_eq!(plain, expected);
    }

    #[test]
    fn a_place_beyond_the_line_does_not_panic() {
        assert_eq!(span("é", 9, 3), 2..2);
        assert_eq!(span("", 1, 0), 0..0);
    }
}
