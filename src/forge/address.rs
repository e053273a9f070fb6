//! The address of a forge's API: where a token may go.

use reqwest::Url;

use super::error::{Error, plain};

/// Reads it; tells as well whether it is this very machine, which is asked without a proxy.
///
/// # Errors
/// [`Error::Setting`] for what is no address, and for one that is neither https nor here: a token goes there.
pub(super) fn read(api_url: &str, forge: &str) -> Result<(Url, bool), Error> {
    let wrong = |why: &str| Error::Setting(format!("the address of {forge}'s API, {}, {why}", plain(api_url)));
    let url = Url::parse(api_url).map_err(|_| wrong("is none"))?;
    let host = url.host_str().ok_or_else(|| wrong("has no host"))?;
    let address = host.trim_matches(['[', ']']).parse::<std::net::IpAddr>();
    let is_here = host == "localhost" || address.is_ok_and(|address| address.is_loopback());
    match url.scheme() {
        "https" => Ok((url, is_here)),
        "http" if is_here => Ok((url, true)),
        _ => Err(wrong("must be https: a token goes there")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_goes_over_https_or_stays_here() {
        let is_here = |url: &str| read(url, "GitHub").map(|(_, is_here)| is_here).ok();
        assert_eq!(is_here("https://api.github.com"), Some(false));
        assert_eq!(
            (is_here("http://127.0.0.1:1"), is_here("http://[::1]:1/x"), is_here("http://localhost")),
            (Some(true), Some(true), Some(true))
        );
        for url in ["http://ghe.example", "ftp://127.0.0.1", "nonsense", "https:///x y"] {
            assert_eq!(is_here(url), None, "{url}");
        }
    }
}
