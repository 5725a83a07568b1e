//! The only owner of the terminal: what the operator sees and is asked. The views are pure; only
//! `live`, `prompt` and `mode` touch the terminal itself, and only here are console, dialoguer and
//! indicatif used.

mod after_form;
pub mod flags_view;
pub mod layout;
pub mod live;
pub mod log_form;
pub mod metrics_view;
mod mode;
pub mod patient;
pub mod plan_view;
pub mod prompt;
pub mod ready_view;
pub mod recovery_view;
pub mod redact;
pub mod resume_view;
pub mod runs_view;
pub mod sanitize;
pub mod screen_form;
pub mod shell;
pub mod soak_view;
pub mod spark;
pub mod story;
pub mod style;
pub mod triggers_view;
pub mod verdict;
