//! Owners of files.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use crate::error::{Failure, usage};

const ROOT: u32 = 0;

/// Returns the user ID of the process, `None` if the system does not report it.
pub fn current_user() -> Option<u32> {
    let process = fs::metadata("/proc/self");
    process.or_else(|_| tempfile::tempfile()?.metadata()).ok().map(|metadata| metadata.uid())
}

/// Returns the owner of a file.
pub fn owner_of(path: &Path) -> Option<u32> {
    fs::metadata(path).ok().map(|metadata| metadata.uid())
}

/// Returns the name of a user, as accepted by `sudo -u`.
pub fn name_of(user: u32) -> String {
    let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
    named(&users, user).map_or_else(|| format!("#{user}"), str::to_owned)
}

fn named(users: &str, user: u32) -> Option<&str> {
    users.lines().find_map(|line| {
        let mut fields = line.split(':');
        let (name, id) = (fields.next()?, fields.nth(1)?);
        (id.parse() == Ok(user)).then_some(name)
    })
}

/// Checks whether oauthctl runs as root while the file belongs to another user.
pub fn is_for_another_user(path: &Path) -> bool {
    current_user() == Some(ROOT) && owner_of(path).is_some_and(|owner| owner != ROOT)
}

/// Refuses to write as root next to a file of another user, who could not access files created by
/// root.
pub fn check_user(path: &Path) -> Result<(), Failure> {
    let Some(owner) = owner_of(path).filter(|_| is_for_another_user(path)) else { return Ok(()) };
    let user = name_of(owner);
    Err(usage(format!(
        "the database belongs to {user}, who could not open files that root creates next to it"
    ))
    .at(path.display())
    .hint(format!("run it as {user}: `sudo -u {} oauthctl …`", user.replace('#', "\\#"))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_called_by_its_name() {
        let users =
            "root:x:0:0:root:/root:/bin/sh\nbroken\napp:x:1001:1001::/srv/app:/usr/sbin/nologin\n";
        assert_eq!(
            (named(users, 0), named(users, 1001), named(users, 100)),
            (Some("root"), Some("app"), None)
        );
    }
}
