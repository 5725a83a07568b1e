//! Where the catalog is, as git finds its root.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::catalog::SETTINGS;
use crate::error::{Error, Result};

/// What the search looks at besides the file system.
#[derive(Debug, Clone, Default)]
pub struct Surroundings {
    /// `$ROLLBACK_RUNBOOKS`.
    pub variable: Option<OsString>,
    /// The working directory.
    pub cwd: PathBuf,
    /// `$XDG_CONFIG_HOME`, or `~/.config`.
    pub config: Option<PathBuf>,
}

impl Surroundings {
    /// Those of this process.
    pub fn here() -> Surroundings {
        let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
        Surroundings {
            variable: variable("ROLLBACK_RUNBOOKS"),
            cwd: std::env::current_dir().unwrap_or_default(),
            config: variable("XDG_CONFIG_HOME")
                .map(PathBuf::from)
                .or_else(|| Some(PathBuf::from(variable("HOME")?).join(".config"))),
        }
    }
}

/// The catalog's directory, as the operator would name it.
pub fn catalog(given: Option<&Path>) -> Result<PathBuf> {
    match given {
        Some(dir) => Ok(dir.to_owned()),
        None => catalog_in(&Surroundings::here()),
    }
}

/// The same without `--runbooks`, in these surroundings.
pub fn catalog_in(surroundings: &Surroundings) -> Result<PathBuf> {
    if let Some(dir) = &surroundings.variable {
        return Ok(PathBuf::from(dir));
    }
    let mut upwards = PathBuf::new();
    for ancestor in surroundings.cwd.ancestors() {
        let dir = ancestor.join("runbooks");
        if dir.join(SETTINGS).is_file() {
            return Ok(upwards.join("runbooks"));
        }
        upwards.push("..");
    }
    let home = surroundings.config.as_ref().map(|config| config.join("rollback/runbooks"));
    if let Some(dir) = home.as_ref().filter(|dir| dir.is_dir()) {
        return Ok(dir.clone());
    }
    let home = home.map(|dir| format!(", no `{}`", dir.display())).unwrap_or_default();
    let error =
        Error::usage(format!("there is no catalog: no `runbooks/{SETTINGS}` here or above{home}"));
    Err(error.hint("name it: `--runbooks DIR`, or `export ROLLBACK_RUNBOOKS=DIR`").into())
}
