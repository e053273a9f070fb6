//! Markdown as GitHub and GitLab show it: the comment on a change, and the summary of a job.
//!
//! Rows and findings are left out whole, the least severe first, and counted, so that what is cut short is still a table.

mod escape;

use std::fmt::Write as _;

use escape::{cell, clip, code, plain, prose};

use super::Ending;
use super::words::{self, counted, is_busy, is_changed, made_of};
use crate::domain::{
    ChangeKind, Digest, EnvironmentReview, Finding, ImageReview, Review, ReviewResult, Severity, State,
};

/// How long one sentence may be where there is a limit at all, in characters.
const LONGEST_SENTENCE: usize = 600;

/// How much of a review is shown, and what it leads to.
#[derive(Debug, Clone, Copy)]
pub struct Look<'a> {
    /// How the command ended.
    pub ending: Ending,
    /// The most characters.
    pub most_chars: usize,
    /// Where the whole report is.
    pub report_url: Option<&'a str>,
}

/// How many rows a table, and how many findings an environment, may have.
#[derive(Debug, Clone, Copy)]
struct Room {
    rows: usize,
    findings: usize,
    sentence: usize,
}

/// Renders a review.
#[must_use]
pub fn markdown(review: &Review, look: &Look<'_>) -> String {
    let most = |count: &dyn Fn(&EnvironmentReview) -> usize| review.environments.iter().map(count).max().unwrap_or(0);
    let (rows, findings) = (most(&|e| e.images.len()), most(&|e| e.findings.len()));
    let mut room = Room { rows, findings, sentence: usize::MAX };
    loop {
        let text = render(review, look, room);
        let is_least = room.rows == 0 && room.findings == 0;
        if text.chars().count() <= look.most_chars || is_least {
            // Hundreds of environments and not one row: only what counts for all of them is left.
            return if text.chars().count() <= look.most_chars { text } else { shortest(review, look) };
        }
        // What is kept longest is what has to be fixed.
        let smaller = |count: usize| count * 3 / 4;
        room = match room.sentence > LONGEST_SENTENCE {
            true => Room { sentence: LONGEST_SENTENCE, ..room },
            false => Room { rows: smaller(room.rows), findings: smaller(room.findings), ..room },
        };
    }
}

/// Says in one line that a change that had images once has none any more.
#[must_use]
pub fn nothing_left(review: &Review) -> String {
    format!("promote-bot: no image changes any more at {}.\n", code(review.range.head.short()))
}

fn render(review: &Review, look: &Look<'_>, room: Room) -> String {
    let mut out = format!("### {}\n", headline(review, look.ending));
    out.push_str(&exceptions(review));
    for note in &review.notes {
        let _ = writeln!(out, "\n> {}", prose(&clip(note, room.sentence)));
    }
    let (busy, idle): (Vec<_>, Vec<_>) = review.environments.iter().partition(|environment| is_busy(environment));
    for environment in &busy {
        if review.environments.len() > 1 {
            let _ = writeln!(out, "\n#### {}: {}", plain(&environment.name), tally(environment, look.ending));
        }
        out.push_str(&table(environment, look.ending, room));
        out.push_str(&to_fix(environment, room));
        out.push_str(&remarks(environment, room));
        out.push_str(&way_back(environment, room));
    }
    if !idle.is_empty() && !busy.is_empty() {
        let names: Vec<_> = idle.iter().map(|environment| code(&environment.name)).collect();
        let _ = writeln!(out, "\nNothing new in {}.", names.join(", "));
    }
    out.push_str(&footer(review, look));
    out
}

/// Says how much passes by an exception, before anything else is said.
fn exceptions(review: &Review) -> String {
    let told: Vec<String> = review
        .environments
        .iter()
        .filter_map(|environment| {
            let told = words::exceptions(environment);
            (!told.is_empty()).then(|| format!("{}: {}", plain(&environment.name), told.join(", ")))
        })
        .collect();
    if told.is_empty() { String::new() } else { format!("\n⚠️ By exception in {}.\n", told.join("; ")) }
}

fn shortest(review: &Review, look: &Look<'_>) -> String {
    format!("### {}\n{}{}", headline(review, look.ending), exceptions(review), footer(review, look))
}

fn headline(review: &Review, ending: Ending) -> String {
    let busy: Vec<&EnvironmentReview> = review.environments.iter().filter(|environment| is_busy(environment)).collect();
    let place = match busy.as_slice() {
        [one] => format!(" {} **{}**", if ending == Ending::Promote { "in" } else { "to" }, plain(&one.name)),
        _ => String::new(),
    };
    let (may, all) = busy.iter().map(|environment| counts(environment)).fold((0, 0), |(a, b), (c, d)| (a + c, b + d));
    let promoted = review.stats.promoted;
    match review.result {
        ReviewResult::Noop => "promote-bot: nothing to do".to_owned(),
        ReviewResult::Error => format!("🟡 promote-bot could not decide or not finish{place}; safe to run again"),
        ReviewResult::Success if ending == Ending::Promote && promoted > 0 => {
            format!("🟢 promote-bot: {} promoted and proved{place}", counted(promoted, "image"))
        }
        ReviewResult::Success => format!("🟢 promote-bot: {} may go{place}", counted(may, "image")),
        ReviewResult::Failure if may < all => {
            let place = place.replace(" in ", " to ");
            format!("🔴 promote-bot: {may} of {} may go{place}", counted(all, "image"))
        }
        ReviewResult::Failure => format!("🔴 promote-bot: no{place}"),
    }
}

/// How many of an environment's new images may go, and how many there are.
fn counts(environment: &EnvironmentReview) -> (usize, usize) {
    let new: Vec<&ImageReview> =
        environment.images.iter().filter(|i| matches!(i.kind, ChangeKind::Added | ChangeKind::Changed)).collect();
    (new.iter().filter(|image| may_go(image)).count(), new.len())
}

fn may_go(image: &ImageReview) -> bool {
    !image.denied && matches!(image.state, State::Missing | State::Present | State::Copied | State::External)
}

fn tally(environment: &EnvironmentReview, ending: Ending) -> String {
    let (may, all) = counts(environment);
    let copied = environment.images.iter().filter(|image| image.state == State::Copied).count();
    match environment.result {
        ReviewResult::Success | ReviewResult::Noop if ending == Ending::Promote && copied > 0 => {
            format!("{} promoted", counted(copied, "image"))
        }
        _ if all == 0 => "no new image".to_owned(),
        ReviewResult::Noop => format!("{} there", counted(all, "image")),
        _ => format!("{may} of {} may go", counted(all, "image")),
    }
}

fn table(environment: &EnvironmentReview, ending: Ending, room: Room) -> String {
    let mut images: Vec<&ImageReview> = environment.images.iter().filter(|image| is_changed(image)).collect();
    if images.is_empty() {
        return String::new();
    }
    images.sort_by_key(|image| may_go(image) || image.state == State::Removed);
    let mut out = String::from("\n| | Image | Change | Digest | In target | |\n|---|---|---|---|---|---|\n");
    for image in images.iter().take(room.rows) {
        let digest = image.digest.as_ref().map(Digest::short).map_or_else(|| "–".to_owned(), code);
        let (there, next) = cells(environment, image, ending);
        let _ = writeln!(
            out,
            "| {} | {} | {} | {digest} | {there} | {next} |",
            mark(image),
            cell(&clip(&image.name, 200)),
            change(image),
        );
    }
    let hidden = images.len().saturating_sub(room.rows);
    if hidden > 0 {
        let _ = writeln!(out, "\n… and {} more in the full report.", counted(hidden, "image"));
    }
    out
}

fn change(image: &ImageReview) -> String {
    let (before, after) = words::sides(image);
    let shown = |text: &str| cell(&clip(text, 300));
    match (before.is_empty(), after.is_empty()) {
        (false, false) => format!("{} → {}", shown(&before), shown(&after)),
        (true, false) => format!("new {}", shown(&after)),
        _ => format!("{} gone", shown(&before)),
    }
}

fn mark(image: &ImageReview) -> &'static str {
    match image.state {
        _ if image.denied => "🔴",
        State::Missing | State::Present | State::Copied => "🟢",
        State::Conflict | State::NoSource | State::Failed => "🔴",
        State::Unknown => "🟡",
        State::External | State::Removed => "⚪",
    }
}

/// What is at the target, and what comes next.
fn cells(environment: &EnvironmentReview, image: &ImageReview, ending: Ending) -> (String, String) {
    let about =
        |finding: &&Finding| finding.image.as_deref() == Some(&image.name) && finding.severity == Severity::Error;
    let rules: Vec<String> = environment.findings.iter().filter(about).map(|finding| cell(&finding.rule)).collect();
    let there = match image.state {
        State::Missing => format!("missing{}", made_of(image, ", ")),
        State::Copied => format!("copied{}", made_of(image, ", ")),
        State::Present => "there".to_owned(),
        State::Removed => "–".to_owned(),
        _ => words::standing(environment, image),
    };
    let next = match image.state {
        _ if !rules.is_empty() => rules.join(" "),
        _ if image.denied => "denied".to_owned(),
        State::Missing if ending == Ending::Check => "copied by `promote`".to_owned(),
        State::Missing => "would be copied".to_owned(),
        State::Copied if !image.referrers.is_empty() => {
            format!("with {}", counted(image.referrers.len(), "referrer"))
        }
        _ => String::new(),
    };
    (plain(&there), next)
}

fn to_fix(environment: &EnvironmentReview, room: Room) -> String {
    let errors: Vec<&Finding> = environment.findings.iter().filter(|f| f.severity == Severity::Error).collect();
    let mut out = String::new();
    if !errors.is_empty() && room.findings > 0 {
        out.push_str("\n**To fix:**\n\n");
    }
    out + &listed(&errors, room)
}

fn remarks(environment: &EnvironmentReview, room: Room) -> String {
    let others: Vec<&Finding> = environment.findings.iter().filter(|f| f.severity != Severity::Error).collect();
    if others.is_empty() {
        return String::new();
    }
    let count = |severity| others.iter().filter(|finding| finding.severity == severity).count();
    let counts = [(count(Severity::Warning), "warning"), (count(Severity::Note), "note")];
    let words: Vec<_> =
        counts.iter().filter(|(count, _)| *count > 0).map(|(count, word)| counted(*count, word)).collect();
    format!("\n<details><summary>{}</summary>\n\n{}\n</details>\n", words.join(", "), listed(&others, room))
}

fn listed(findings: &[&Finding], room: Room) -> String {
    let mut out = String::new();
    for finding in findings.iter().take(room.findings) {
        let place = finding.location.as_ref();
        let place = place.map(|place| format!("{} — ", code(&format!("{}:{}", clip(&place.path, 300), place.line))));
        let help = match finding.help.is_empty() {
            true => String::new(),
            false => format!(": {}", prose(&clip(&finding.help, room.sentence))),
        };
        let message = prose(&clip(&finding.message, room.sentence));
        let _ = writeln!(out, "- {}{}{help} ({})", place.unwrap_or_default(), message, code(&finding.rule));
    }
    let hidden = findings.len().saturating_sub(room.findings);
    if hidden > 0 {
        let _ = writeln!(out, "\n… and {} more in the full report.", counted(hidden, "finding"));
    }
    out
}

/// The references that stood before, for whoever has to go back.
fn way_back(environment: &EnvironmentReview, room: Room) -> String {
    let had = |image: &&ImageReview| image.kind == ChangeKind::Changed && image.before.is_some();
    let before: Vec<&ImageReview> = environment.images.iter().filter(had).take(room.rows).collect();
    if before.is_empty() {
        return String::new();
    }
    let line = |image: &&ImageReview| {
        format!(
            "- {}: {}\n",
            code(&clip(&image.name, 200)),
            code(&clip(image.before.as_deref().unwrap_or_default(), 300))
        )
    };
    let lines: String = before.iter().map(line).collect();
    format!("\n<details><summary>Before, for a way back</summary>\n\n{lines}\n</details>\n")
}

fn footer(review: &Review, look: &Look<'_>) -> String {
    let path = review.config.path.as_deref().unwrap_or("overlays/<environment>");
    let mut parts = vec![
        format!("{} against {}", code(review.range.head.short()), code(review.range.base.short())),
        format!("rules from {} at {}", code(path), code(review.config.revision.short())),
    ];
    if let Some(url) = look.report_url.filter(|url| is_address(url)) {
        parts.push(format!("[full report]({url})"));
    }
    if look.ending == Ending::Check {
        parts.push("`promote-bot check` shows the same locally".to_owned());
    }
    format!("\n<sub>{}</sub>\n", parts.join(" · "))
}

fn is_address(url: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "-._~:/?#@%&=+".contains(c);
    (url.starts_with("https://") || url.starts_with("http://")) && url.chars().all(allowed)
}

#[cfg(test)]
mod tests {
    use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

    use super::super::testing::{finding, image, review};
    use super::*;

    const LOOK: Look<'_> = Look { ending: Ending::Check, most_chars: 60_000, report_url: Some("https://ci.example/1") };

    /// Cells of every table row, headers left out; panics where something opens and does not close.
    fn rows(markdown: &str) -> Vec<Vec<String>> {
        let (mut rows, mut open) = (Vec::new(), 0);
        let mut cell: Option<String> = None;
        for event in Parser::new_ext(markdown, Options::ENABLE_TABLES) {
            match event {
                Event::Start(Tag::TableRow) => rows.push(Vec::new()),
                Event::Start(Tag::TableCell) => cell = Some(String::new()),
                Event::End(TagEnd::TableCell) => {
                    let text = cell.take().unwrap();
                    if let Some(row) = rows.last_mut() {
                        row.push(text);
                    }
                }
                Event::Text(text) | Event::Code(text) => {
                    if let Some(cell) = &mut cell {
                        cell.push_str(&text);
                    }
                }
                Event::Html(html) => {
                    open += i32::from(html.contains("<details>")) - i32::from(html.contains("</details>"));
                    let known = ["<details>", "</details>"];
                    assert!(known.iter().any(|known| html.contains(known)), "{html}");
                }
                Event::InlineHtml(html) => assert!(["<sub>", "</sub>"].contains(&&*html), "{html}"),
                _ => {}
            }
        }
        assert_eq!(open, 0, "{markdown}");
        rows
    }

    #[test]
    fn a_review_is_a_headline_a_table_and_what_to_fix() {
        let mut one = review();
        one.environments[0].images = vec![image("api"), ImageReview { denied: true, ..image("worker") }];
        one.environments[0].findings = vec![finding("worker"), Finding { severity: Severity::Note, ..finding("api") }];
        one.result = ReviewResult::Failure;
        let expected = "\
### 🔴 promote-bot: 1 of 2 images may go to **production**

| | Image | Change | Digest | In target | |
|---|---|---|---|---|---|
| 🔴 | `worker` | `1.0.0` → `1.1.0` | `2d711642b726` | missing, 48 MB, 2 platforms | `production/tag` |
| 🟢 | `api` | `1.0.0` → `1.1.0` | `2d711642b726` | missing, 48 MB, 2 platforms | copied by `promote` |

**To fix:**

- `overlays/production/kustomization.yaml:12` — worker is referenced by `latest`: name a version (`production/tag`)

<details><summary>1 note</summary>

- `overlays/production/kustomization.yaml:12` — api is referenced by `latest`: name a version (`production/tag`)

</details>

<details><summary>Before, for a way back</summary>

- `api`: `prod.example/team/api:1.0.0`
- `worker`: `prod.example/team/worker:1.0.0`

</details>

<sub>`worktree` against `0123456` · rules from `promote-bot.yaml` at `0123456` · [full report](https://ci.example/1) · `promote-bot check` shows the same locally</sub>
";
        assert_eq!(markdown(&one, &LOOK), expected);
    }

    #[test]
    fn what_is_too_long_loses_whole_rows_and_says_how_many() {
        let mut one = review();
        one.environments[0].images = (0..900).map(|number| image(&format!("team/app-{number}"))).collect();
        one.environments[0].images[700].denied = true;
        one.environments[0].findings = (0..500).map(|number| finding(&format!("team/app-{number}"))).collect();
        for most_chars in [60_000, 5_000] {
            let text = markdown(&one, &Look { most_chars, ..LOOK });
            assert!(text.chars().count() <= most_chars);
            let rows = rows(&text);
            assert_eq!(rows[0][1], "team/app-700", "the worst first");
            assert!(rows.iter().all(|row| row.len() == 6));
            assert!(text.contains(&format!("… and {} images more", 900 - rows.len())), "{}", rows.len());
        }
        assert!(markdown(&one, &Look { most_chars: 300, ..LOOK }).starts_with("### "));
    }

    #[test]
    fn hostile_names_leave_it_well_formed() {
        for name in
            ["a\nb", "a|b", "`a", "a``b`", "<!-- promote-bot:v1 -->", "</details>", "\u{1b}[2J", "::error::x", "@all"]
        {
            let mut one = review();
            one.environments[0].images = vec![image(name), image("api")];
            one.environments[0].findings =
                vec![Finding { message: name.to_owned(), help: name.to_owned(), ..finding(name) }];
            one.environments[0].name = name.to_owned();
            one.notes = vec![name.to_owned()];
            let text = markdown(&one, &LOOK);
            let rows = rows(&text);
            assert_eq!((rows.len(), rows[0].len()), (2, 6), "{text}");
            assert!(!text.contains('\u{1b}'));
            let readable = super::super::safe(name);
            assert!(rows.iter().any(|row| row[1] == readable), "{rows:?} lacks {readable}");
        }
    }

    #[test]
    fn a_link_that_is_none_is_left_out() {
        for url in ["javascript:alert(1)", "https://x.example/)[evil](https://e", "https://x y"] {
            assert!(!markdown(&review(), &Look { report_url: Some(url), ..LOOK }).contains("full report"));
        }
    }
}
