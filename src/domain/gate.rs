//! Gates: what holds a merge for one environment, and what a forge shows of it.

use super::finding::Finding;

/// How a gate stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GateState {
    /// Being worked on.
    Pending,
    /// Open.
    Success,
    /// Closed: the verdict is no.
    Failure,
    /// Closed: nothing was decided.
    Error,
}

/// One environment's gate on a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gate {
    /// The environment.
    pub environment: String,
    /// How it stands.
    pub state: GateState,
    /// Why, in one line.
    pub title: String,
    /// The report on this environment, in Markdown.
    pub summary: String,
    /// What is to be said, worst first.
    pub findings: Vec<Finding>,
}

impl Gate {
    /// Makes a gate of which only the state and a line are known.
    #[must_use]
    pub fn of(environment: &str, state: GateState, title: &str) -> Self {
        let (environment, title) = (environment.to_owned(), title.to_owned());
        Self { environment, state, summary: title.clone(), title, findings: Vec::new() }
    }

    /// The name forges know it by.
    #[must_use]
    pub fn context(&self) -> String {
        format!("{CONTEXT}{}", self.environment)
    }
}

/// What the names of all gates begin with.
pub const CONTEXT: &str = "promote-bot/";
