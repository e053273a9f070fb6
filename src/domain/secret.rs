//! Secrets in text that is quoted from files: logins in URLs and the values of their queries.

/// Hides what may be a secret in a line, character by character, so that columns stay what they are: what stands before the `@`
/// of a URL or of `login:password@host`, and the values of a query but `ref` and `version`.
#[must_use]
pub fn masked(line: &str) -> String {
    let mut characters: Vec<char> = line.chars().collect();
    let mut start = 0;
    while start < characters.len() {
        let ends =
            |c: &char| c.is_whitespace() || matches!(c, '"' | '\'' | '`' | ',' | '[' | ']' | '{' | '}' | '<' | '>');
        let length = characters[start..].iter().position(ends).unwrap_or(characters.len() - start);
        mask_word(&mut characters[start..start + length]);
        start += length + 1;
    }
    characters.into_iter().collect()
}

fn mask_word(word: &mut [char]) {
    let text: String = word.iter().collect();
    let query_at = word.iter().position(|c| *c == '?').unwrap_or(word.len());
    let scheme = text.find("://").map(|at| text[..at].chars().count() + 3).filter(|at| *at <= query_at);
    let begin = scheme.unwrap_or(0);
    let authority = word[begin..query_at].iter().position(|c| *c == '/').map_or(query_at, |at| begin + at);
    if let Some(at) = word[begin..authority].iter().rposition(|c| *c == '@').map(|at| begin + at) {
        let has_password = word[begin..at].contains(&':');
        let host: String = word[at + 1..authority].iter().collect();
        // `name:tag@sha256:…` is an image.
        if scheme.is_some() || (has_password && !host.starts_with("sha256:") && !host.starts_with("sha512:")) {
            word[begin..at].fill('*');
        }
    }
    let mut from = query_at + 1;
    while from < word.len() {
        let end = word[from..].iter().position(|c| *c == '&').map_or(word.len(), |at| from + at);
        let pair: String = word[from..end].iter().collect();
        if let Some((key, _)) = pair.split_once('=')
            && !matches!(key, "ref" | "version")
        {
            word[from + key.chars().count() + 1..end].fill('*');
        }
        from = end + 1;
    }
}

#[cfg(test)]
mod tests {
    use super::masked;

    #[test]
    fn logins_and_query_values_are_hidden_and_nothing_moves() {
        for (line, shown) in [
            (
                "- \"https://user:s3cr3t@github.com/o/r//base?ref=v1\"",
                "- \"https://***********@github.com/o/r//base?ref=v1\"",
            ),
            ("- https://x/y.yaml?token=abc&ref=v1", "- https://x/y.yaml?token=***&ref=v1"),
            ("{name: redis, repo: \"https://u:p@c.example\"}", "{name: redis, repo: \"https://***@c.example\"}"),
            ("registry: user:pass@prod.reg/team", "registry: *********@prod.reg/team"),
            ("image: team/api:1.4@sha256:abc", "image: team/api:1.4@sha256:abc"),
            ("image: api:1.4@sha256:abc # why? a=b", "image: api:1.4@sha256:abc # why? a=b"),
            ("git@github.com:o/r.git?ref=v1", "git@github.com:o/r.git?ref=v1"),
        ] {
            assert_eq!(masked(line), shown);
            assert_eq!(masked(line).chars().count(), line.chars().count());
        }
    }
}
