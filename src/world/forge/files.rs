//! The text of files at a commit, for steps that carry manifests into a cluster.

use super::cache::Repo;
use super::query::records;
use super::{FilesAt, FilesQuestion};
use crate::facts::{Known, Unread};

/// More text than this is no set of manifests.
const MOST: usize = 4 * 1024 * 1024;

impl Repo {
    /// The files, each once; of a directory the manifests in it, at any depth.
    pub(super) fn files_at(&mut self, asked: &FilesQuestion) -> Known<FilesAt> {
        let sha = self.source(&asked.at)?;
        let commit = self.commit(&sha)?;
        let mut files: Vec<(String, String)> = Vec::new();
        let mut size = 0;
        for path in &asked.paths {
            let clean = path.trim_start_matches("./").trim_end_matches('/');
            let listed =
                self.git.run(&["ls-tree", "-r", "-z", "--full-tree", &sha, "--", clean])?;
            let before = files.len();
            for record in records(&listed) {
                let Some((head, name)) = record.split_once('\t') else { continue };
                let [mode, "blob", id] = head.split(' ').collect::<Vec<_>>()[..] else { continue };
                let manifest = [".yaml", ".yml", ".json"].iter().any(|end| name.ends_with(end));
                if mode == "120000" || !(name == clean || manifest) {
                    continue;
                }
                if files.iter().any(|(known, _)| known == name) {
                    continue;
                }
                let bytes = self.git.run(&["cat-file", "blob", id])?;
                size += bytes.len();
                if size > MOST {
                    return Err(Unread::Missing("the manifests are too large".to_owned(), None));
                }
                let text = String::from_utf8(bytes).map_err(|_| {
                    Unread::Missing(format!("{name} is no text at {}", asked.at), None)
                })?;
                files.push((name.to_owned(), text));
            }
            if files.len() == before {
                let near = self.near_path(&sha, clean)?;
                return Err(Unread::Missing(
                    format!("there is no manifest {clean} at {}", asked.at),
                    near.map(|near| format!("did you mean {near}?")),
                ));
            }
        }
        Ok(FilesAt { commit, files })
    }
}

impl super::Forge {
    /// The branches of a repository and the commits they are at.
    pub fn heads(&self, repository: &str) -> Known<std::collections::BTreeMap<String, String>> {
        self.refs(repository).map(|(_, advertised)| advertised.heads)
    }
}
