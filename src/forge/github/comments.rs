//! The comment on a pull request (<https://docs.github.com/en/rest/issues/comments>): found by marker and author, changed in place.

use http::Method;
use serde::{Deserialize, Serialize};

use super::super::Comment;
use super::super::error::Error;
use super::super::marker::{is_marked, is_same, marked};
use super::super::patience::{Patience, Twice};
use super::GitHub;
use super::client::{Call, Sent};

/// How often a comment whose fate is not known is written.
const TRIES: usize = 3;

#[derive(Debug, Deserialize)]
struct Shown {
    id: u64,
    #[serde(default)]
    body: String,
    user: Option<User>,
}

#[derive(Debug, Deserialize)]
struct User {
    login: String,
    #[serde(rename = "type", default)]
    kind: String,
}

#[derive(Serialize)]
struct Body<'a> {
    body: &'a str,
}

pub(super) async fn put(github: &GitHub, comment: &Comment<'_>) -> Result<(), Error> {
    let Some(number) = github.pull_request else { return Ok(()) };
    let mut patience = Patience::telling();
    if comment.is_new {
        return match comment.text {
            Some(text) => create(github, number, comment.key, text, &mut patience).await,
            None => Ok(()),
        };
    }
    let ours = ours(github, number, comment.key, &mut patience).await?;
    match (ours, comment.text) {
        (None, None) => Ok(()),
        (None, Some(text)) => create(github, number, comment.key, text, &mut patience).await,
        (Some(there), text) => {
            let wanted = marked(comment.key, text.unwrap_or(comment.nothing_left));
            if is_same(&there.body, &wanted) {
                return Ok(());
            }
            let action = format!("change the comment on {}#{number}", github.locator());
            let path = github.path(&format!("issues/comments/{}", there.id));
            let body = Body { body: &wanted };
            let call = Call { action: &action, method: Method::PATCH, path, body: Some(&body), twice: Twice::Same };
            github.client.send(&call, &mut patience).await.map(drop)
        }
    }
}

/// Writes a comment; one whose reply was lost is looked for before it is written again.
async fn create(github: &GitHub, number: u64, key: &str, text: &str, patience: &mut Patience) -> Result<(), Error> {
    let wanted = marked(key, text);
    let action = format!("comment on {}#{number}", github.locator());
    for _ in 0..TRIES {
        let (path, body) = (github.path(&format!("issues/{number}/comments")), Body { body: &wanted });
        let call = Call { action: &action, method: Method::POST, path, body: Some(&body), twice: Twice::Another };
        match github.client.send(&call, patience).await? {
            Sent::Answer(..) => return Ok(()),
            Sent::Unsure => {
                let there = all(github, number, patience).await?;
                if there.iter().any(|shown| is_same(&shown.body, &wanted)) {
                    return Ok(());
                }
            }
        }
    }
    Err(github.client.odd(&action, "lost it several times"))
}

async fn all(github: &GitHub, number: u64, patience: &mut Patience) -> Result<Vec<Shown>, Error> {
    let action = format!("read the comments on {}#{number}", github.locator());
    let path = github.path(&format!("issues/{number}/comments?per_page=100"));
    github.client.list(&action, path, patience, |page: Vec<Shown>| page).await
}

/// Finds our comment: its marker is what anybody may write, so its author counts too.
async fn ours(github: &GitHub, number: u64, key: &str, patience: &mut Patience) -> Result<Option<Shown>, Error> {
    let mut marked: Vec<Shown> = all(github, number, patience).await?;
    marked.retain(|shown| is_marked(key, &shown.body));
    if marked.is_empty() {
        return Ok(None);
    }
    if github.is_app {
        // Which App's bot we are, no token of an App is told; people are none.
        return Ok(marked.into_iter().find(|shown| shown.user.as_ref().is_some_and(|user| user.kind == "Bot")));
    }
    #[derive(Deserialize)]
    struct Me {
        login: String,
    }
    match github.client.get::<Me>("ask who we are", "/user".to_owned(), patience).await {
        Ok(me) => Ok(marked.into_iter().find(|shown| shown.user.as_ref().is_some_and(|user| user.login == me.login))),
        Err(error) if error.is_forbidden() => {
            Ok(marked.into_iter().find(|shown| shown.user.as_ref().is_some_and(|user| user.kind == "Bot")))
        }
        Err(error) => Err(error),
    }
}
