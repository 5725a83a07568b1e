//! Repository addresses: which are allowed, how they are shown without their secrets, and the web
//! page where a pull request is opened.

use std::fmt::Write as _;
use std::path::Path;

/// What git is given for `repository`: a local path is made absolute (git runs elsewhere), an
/// address with a scheme stays as it is. The error is a sentence.
pub(super) fn address(repository: &str) -> Result<String, String> {
    if repository.is_empty() || repository.chars().any(char::is_control) {
        return Err("the repository's address is empty or holds control characters".to_owned());
    }
    if let Some((scheme, _)) = repository.split_once("://") {
        return match scheme {
            "https" | "http" | "ssh" | "git" | "file" => Ok(repository.to_owned()),
            _ => Err(format!("`{scheme}://` is not a way to reach a git repository")),
        };
    }
    if repository.contains("::") && !repository.starts_with(['/', '.']) {
        return Err(format!(
            "`{}` would start a remote helper program; use https, ssh, file or a path",
            shown(repository)
        ));
    }
    if is_scp(repository) {
        if repository.starts_with('-') {
            return Err(format!("`{repository}` begins with a dash"));
        }
        return Ok(repository.to_owned());
    }
    std::path::absolute(Path::new(repository))
        .ok()
        .and_then(|path| path.to_str().map(str::to_owned))
        .ok_or_else(|| format!("`{repository}` is not a usable path"))
}

/// `user@host:path`: a colon before the first slash.
fn is_scp(repository: &str) -> bool {
    repository.split_once(':').is_some_and(|(host, _)| !host.is_empty() && !host.contains('/'))
}

/// The user part of an address with a scheme, where there is one.
fn user_part(repository: &str) -> Option<&str> {
    let (_, rest) = repository.split_once("://")?;
    let authority = rest.split('/').next()?;
    authority.rsplit_once('@').map(|(user, _)| user)
}

/// What of an address nobody may see: the user part of https (a token can stand there alone), the
/// password of the others.
fn secret(repository: &str) -> Option<&str> {
    let user = user_part(repository)?;
    if repository.starts_with("http") { Some(user) } else { user.split_once(':').map(|(_, p)| p) }
}

/// Whether the address itself holds a secret; it must then not stand in an argv.
pub fn holds_secret(repository: &str) -> bool {
    secret(repository).is_some_and(|secret| !secret.is_empty())
}

/// The address without its secrets.
pub fn shown(repository: &str) -> String {
    match secret(repository).filter(|secret| !secret.is_empty()) {
        Some(secret) => repository.replacen(&format!("{secret}@"), "***@", 1),
        None => repository.to_owned(),
    }
}

/// A text (git's own complaint) without the address's secrets.
pub(super) fn scrubbed(text: &str, repository: &str) -> String {
    let Some(secret) = secret(repository).filter(|secret| secret.len() > 2) else {
        return text.to_owned();
    };
    let mut text = text.replace(secret, "***");
    if let Some((_, password)) = secret.split_once(':').filter(|(_, p)| p.len() > 2) {
        text = text.replace(password, "***");
    }
    text
}

/// Where a pull request from `branch` to `onto` is opened, for the forges whose pages we know.
pub fn pull_request(repository: &str, branch: &str, onto: &str) -> Option<String> {
    let (scheme, host, path) = web(repository)?;
    let path = path.trim_matches('/');
    let path = path.strip_suffix(".git").unwrap_or(path);
    let (branch_path, onto_path) = (encoded(branch, true), encoded(onto, true));
    let (branch, onto) = (encoded(branch, false), encoded(onto, false));
    let name = host.split(':').next().unwrap_or_default();
    if name.contains("github") {
        Some(format!("{scheme}://{host}/{path}/compare/{onto_path}...{branch_path}?expand=1"))
    } else if name.contains("gitlab") {
        Some(format!(
            "{scheme}://{host}/{path}/-/merge_requests/new?merge_request%5Bsource_branch%5D={branch}\
             &merge_request%5Btarget_branch%5D={onto}"
        ))
    } else if name == "bitbucket.org" {
        Some(format!("{scheme}://{host}/{path}/pull-requests/new?source={branch}&dest={onto}"))
    } else {
        None
    }
}

/// Scheme, host (with the port of http) and path of the pages that belong to an address.
fn web(repository: &str) -> Option<(&str, &str, &str)> {
    if let Some((scheme, rest)) = repository.split_once("://") {
        let (authority, path) = rest.split_once('/')?;
        let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
        return match scheme {
            "https" | "http" => Some((scheme, host, path)),
            "ssh" | "git" => Some(("https", host.split(':').next()?, path)),
            _ => None,
        };
    }
    if !is_scp(repository) {
        return None;
    }
    let (authority, path) = repository.split_once(':')?;
    Some(("https", authority.rsplit_once('@').map_or(authority, |(_, host)| host), path))
}

fn encoded(text: &str, keep_slash: bool) -> String {
    text.bytes().fold(String::new(), |mut out, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) || (keep_slash && byte == b'/') {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
        out
    })
}

/// Whether git would take `refs/heads/<name>` (`git check-ref-format`).
pub(super) fn is_branch_name(name: &str) -> bool {
    let part_ok = |part: &str| {
        !part.is_empty()
            && !part.starts_with('.')
            && Path::new(part).extension().is_none_or(|extension| extension != "lock")
    };
    !name.is_empty()
        && name != "@"
        && !name.ends_with('.')
        && !name.contains("..")
        && !name.contains("@{")
        && !name.chars().any(|c| c.is_ascii_control() || " ~^:?*[\\".contains(c))
        && name.split('/').all(part_ok)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_of_an_address_are_never_shown() {
        assert_eq!(shown("https://u:s3cr3t@h.example/x.git"), "https://***@h.example/x.git");
        assert_eq!(shown("https://ghp_token@h.example/x"), "https://***@h.example/x");
        assert_eq!(shown("ssh://git@h.example/x"), "ssh://git@h.example/x");
        assert_eq!(shown("git@h.example:x/y.git"), "git@h.example:x/y.git");
        let url = "https://u:s3cr3t@h.example/x.git";
        assert!(!scrubbed("fatal: 's3cr3t' and u:s3cr3t", url).contains("s3cr3t"));
        assert!(holds_secret(url) && !holds_secret("ssh://git@h.example/x"));
    }

    #[test]
    fn a_remote_helper_or_an_option_is_no_address() {
        assert!(address("ext::sh -c date").is_err());
        assert!(address("ftp://h/x").is_err());
        assert!(address("-oProxyCommand=x:y").is_err());
        assert!(address("").is_err());
        assert_eq!(address("/srv/x::y").as_deref(), Ok("/srv/x::y"));
        assert!(address("x.git").is_ok_and(|path| path.starts_with('/')));
    }

    #[test]
    fn a_pull_request_link_is_made_for_the_forges_we_know() {
        let link = |url| pull_request(url, "rollback/1/a", "feat/b c");
        assert_eq!(
            link("git@github.com:o/r.git").as_deref(),
            Some("https://github.com/o/r/compare/feat/b%20c...rollback/1/a?expand=1")
        );
        assert_eq!(
            link("ssh://git@gitlab.example:2222/g/s/r.git").as_deref(),
            Some(
                "https://gitlab.example/g/s/r/-/merge_requests/new\
                 ?merge_request%5Bsource_branch%5D=rollback%2F1%2Fa\
                 &merge_request%5Btarget_branch%5D=feat%2Fb%20c"
            )
        );
        assert_eq!(
            link("https://me:pw@bitbucket.org/o/r.git").as_deref(),
            Some(
                "https://bitbucket.org/o/r/pull-requests/new?source=rollback%2F1%2Fa&dest=feat%2Fb%20c"
            )
        );
        assert_eq!(link("/srv/git/r.git"), None);
        assert_eq!(link("https://git.example/r.git"), None);
    }

    #[test]
    fn branch_names_are_judged_as_git_judges_them() {
        for good in ["main", "feat/a-b", "-dash", "é", "a<b>", "x.y", "mig-${run.stamp}"] {
            assert!(is_branch_name(good), "{good}");
        }
        for bad in [
            "", "@", "a..b", "a b", "a:b", "/a", "a/", "a//b", ".a", "a/.b", "a.lock", "a@{1}",
            "a.", "a\\b",
        ] {
            assert!(!is_branch_name(bad), "{bad}");
        }
    }
}
