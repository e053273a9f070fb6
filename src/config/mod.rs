//! `promote-bot.yaml`: from text to the settings of each part, all faults at once. Pure.

mod fields;
mod gaps;
mod helm;
mod platforms;
mod read;
mod referrers;
mod schema;
mod size;
mod store;
mod template;

pub use read::{Config, RegistrySettings, SecretSource, read};
pub use schema::json_schema;
pub use template::{Found, template};

/// Where the configuration is looked for unless `--config` says otherwise.
pub const DEFAULT_PATH: &str = "promote-bot.yaml";
