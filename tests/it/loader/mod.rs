//! Tests of the format, the catalog, drafts and scripts.

mod catalogs;
mod documents;
mod drafts;
mod forms;
mod hostile;
mod scripts;
mod support;
mod values;
