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

impl Shown {
    fn login(&self) -> Option<&str> {
        self.user.as_ref().map(|user| user.login.as_str())
    }
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
            Some(text) => create(github, number, comment.key, text, &mut patience).await.map(drop),
            None => Ok(()),
        };
    }
    let mut there = ours(github, number, comment.key, &mut patience).await?;
    let Some(text) = comment.text.or_else(|| (!there.is_empty()).then_some(comment.nothing_left)) else {
        return Ok(());
    };
    if there.is_empty() {
        let made = create(github, number, comment.key, text, &mut patience).await?;
        // A run for another push may have done the same at this moment.
        there = all(github, number, &mut patience).await?;
        there.retain(|shown| is_marked(comment.key, &shown.body) && shown.login() == made.login());
        there.sort_unstable_by_key(|shown| shown.id);
    }
    let mut there = there.into_iter();
    if let Some(first) = there.next() {
        change(github, &first, &marked(comment.key, text), &mut patience).await?;
    }
    for other in there {
        remove(github, &other, &mut patience).await?;
    }
    Ok(())
}

/// Makes a comment say what is wanted, if it does not.
async fn change(github: &GitHub, there: &Shown, wanted: &str, patience: &mut Patience) -> Result<(), Error> {
    if is_same(&there.body, wanted) {
        return Ok(());
    }
    let action = format!("change comment {} of {}", there.id, github.locator());
    let path = github.path(&format!("issues/comments/{}", there.id));
    let body = Body { body: wanted };
    let call = Call { action: &action, method: Method::PATCH, path, body: Some(&body), twice: Twice::Same };
    github.client.send(&call, patience).await.map(drop)
}

async fn remove(github: &GitHub, there: &Shown, patience: &mut Patience) -> Result<(), Error> {
    let action = format!("remove comment {} of {}", there.id, github.locator());
    let path = github.path(&format!("issues/comments/{}", there.id));
    let call = Call { action: &action, method: Method::DELETE, path, body: None::<&()>, twice: Twice::Same };
    match github.client.send(&call, patience).await {
        // The other run was faster.
        Err(Error::Answered { status: 404, .. }) => Ok(()),
        sent => sent.map(drop),
    }
}

/// Writes a comment; one whose reply was lost is looked for before it is written again.
async fn create(github: &GitHub, number: u64, key: &str, text: &str, patience: &mut Patience) -> Result<Shown, Error> {
    let wanted = marked(key, text);
    let action = format!("comment on {}#{number}", github.locator());
    for _ in 0..TRIES {
        let (path, body) = (github.path(&format!("issues/{number}/comments")), Body { body: &wanted });
        let call = Call { action: &action, method: Method::POST, path, body: Some(&body), twice: Twice::Another };
        match github.client.send(&call, patience).await? {
            Sent::Answer(_, bytes) => return github.client.parse(&action, &bytes),
            Sent::Unsure => {
                let there = all(github, number, patience).await?;
                if let Some(made) = there.into_iter().find(|shown| is_same(&shown.body, &wanted)) {
                    return Ok(made);
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

/// Finds our comments, the oldest first: a marker is what anybody may write, so the author counts too.
async fn ours(github: &GitHub, number: u64, key: &str, patience: &mut Patience) -> Result<Vec<Shown>, Error> {
    let mut marked: Vec<Shown> = all(github, number, patience).await?;
    marked.retain(|shown| is_marked(key, &shown.body));
    marked.sort_unstable_by_key(|shown| shown.id);
    let is_bot = |shown: &Shown| shown.user.as_ref().is_some_and(|user| user.kind == "Bot");
    if marked.is_empty() || github.is_app {
        // Which App's bot we are, no token of an App is told; people are none.
        marked.retain(is_bot);
        return Ok(marked);
    }
    #[derive(Deserialize)]
    struct Me {
        login: String,
    }
    match github.client.get::<Me>("ask who we are", "/user".to_owned(), patience).await {
        Ok(me) => marked.retain(|shown| shown.user.as_ref().is_some_and(|user| user.login == me.login)),
        Err(error) if error.is_forbidden() => marked.retain(is_bot),
        Err(error) => return Err(error),
    }
    Ok(marked)
}
