//! Challenges: the `WWW-Authenticate` header of an answer with status 401.

/// How a registry wants to be authenticated to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Challenge {
    /// User and password with every request.
    Basic,
    /// A token from a token service (<https://distribution.github.io/distribution/spec/auth/token/>).
    Bearer {
        /// The token service's address, not yet judged.
        realm: String,
        /// The name the service knows the registry by.
        service: Option<String>,
        /// The scopes it names, split.
        scopes: Vec<String>,
    },
}

impl Challenge {
    /// Picks the strongest challenge of all headers: bearer before basic; `None` when there is none of them.
    pub(super) fn pick<'a>(headers: impl Iterator<Item = &'a str>) -> Option<Self> {
        let all: Vec<Self> = headers.flat_map(parse).collect();
        let bearer = all.iter().position(|challenge| matches!(challenge, Self::Bearer { .. }));
        all.into_iter().nth(bearer.unwrap_or(0))
    }
}

/// Reads all challenges of one header; what is neither basic nor bearer is left out.
fn parse(header: &str) -> Vec<Challenge> {
    let mut challenges = Vec::new();
    let mut parts = Parts(header).peekable();
    while let Some(part) = parts.next() {
        let Part::Scheme(scheme) = part else { continue };
        let mut parameters = Vec::new();
        while let Some(Part::Parameter(name, value)) = parts.next_if(|part| matches!(part, Part::Parameter(..))) {
            parameters.push((name, value));
        }
        let value = |wanted: &str| parameters.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.clone());
        if scheme == "basic" {
            challenges.push(Challenge::Basic);
        } else if let ("bearer", Some(realm)) = (scheme.as_str(), value("realm")) {
            let scopes = value("scope").unwrap_or_default().split_whitespace().map(str::to_owned).collect();
            challenges.push(Challenge::Bearer { realm, service: value("service"), scopes });
        }
    }
    challenges
}

/// A piece of the header, names in lower case.
enum Part {
    Scheme(String),
    Parameter(String, String),
}

/// The pieces of a header that are still to be read.
struct Parts<'a>(&'a str);

impl Iterator for Parts<'_> {
    type Item = Part;

    fn next(&mut self) -> Option<Part> {
        let text = self.0.trim_start_matches([' ', '\t', ',']);
        let end = text.find([' ', '\t', ',', '=']).unwrap_or(text.len());
        let (word, rest) = text.split_at(end);
        if word.is_empty() && rest.is_empty() {
            return None;
        }
        let name = word.to_ascii_lowercase();
        let Some(value) = rest.strip_prefix('=') else {
            self.0 = rest;
            return Some(Part::Scheme(name));
        };
        let (value, rest) = match value.strip_prefix('"') {
            Some(quoted) => unquote(quoted),
            None => {
                let end = value.find([' ', '\t', ',']).unwrap_or(value.len());
                (value[..end].to_owned(), &value[end..])
            }
        };
        self.0 = rest;
        Some(Part::Parameter(name, value))
    }
}

/// Reads a quoted string after its opening quote; returns its content and what follows.
fn unquote(text: &str) -> (String, &str) {
    let mut content = String::new();
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return (content, &text[at + 1..]),
            '\\' => content.extend(characters.next().map(|(_, escaped)| escaped)),
            other => content.push(other),
        }
    }
    (content, "")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn docker_hubs_challenge_is_read() {
        let header = r#"Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:library/nginx:pull,push""#;
        assert_eq!(
            Challenge::pick([header].into_iter()),
            Some(Challenge::Bearer {
                realm: "https://auth.docker.io/token".into(),
                service: Some("registry.docker.io".into()),
                scopes: vec!["repository:library/nginx:pull,push".into()],
            })
        );
    }

    #[test]
    fn bearer_wins_over_basic_and_unknown_schemes_are_left_out() {
        let headers = [r#"Negotiate, basic realm="a, b=\"c\"", BEARER realm=https://r/t"#];
        let picked = Challenge::pick(headers.into_iter());
        assert!(matches!(picked, Some(Challenge::Bearer { realm, .. }) if realm == "https://r/t"));
        assert_eq!(Challenge::pick([r#"Basic realm="x""#].into_iter()), Some(Challenge::Basic));
        assert_eq!(Challenge::pick(["Digest realm=x"].into_iter()), None);
    }

    proptest! {
        #[test]
        fn no_header_panics_or_hangs(header in "\\PC{0,80}") {
            let _ = Challenge::pick([header.as_str()].into_iter());
        }
    }
}
