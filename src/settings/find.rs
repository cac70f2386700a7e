//! Searches the settings file in the working directory and above it, up to the top of the app.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use super::FILE_NAME;
use crate::error::{Failure, usage};

/// Entries that mark the top of an app or of a repository.
const BOUNDARIES: [&str; 3] = [".git", "package.json", "Cargo.toml"];
/// World-writable directories, and the root.
const NEVER: [&str; 3] = ["/", "/tmp", "/var/tmp"];

/// Location of the settings file.
#[derive(Debug, PartialEq, Eq)]
pub enum FoundFile {
    /// Working directory. Holds the bare file name.
    Here(PathBuf),
    /// Directory above it. Holds the absolute path.
    Above(PathBuf),
}

/// Searches the file in the working directory, then in the directories above it: up to the first
/// that looks like the top of an app or is the home directory, never on another file system, and
/// never in a world-writable directory. Directories of that name and dangling links count, too.
/// Above the working directory, the file and its directory must belong to this user or root and be
/// writable by no one else.
pub fn find(
    working_directory: &Path,
    home: Option<&Path>,
    user: u32,
) -> Result<Option<FoundFile>, Failure> {
    let home = home.and_then(|home| home.canonicalize().ok());
    let Ok(device) = fs::metadata(working_directory).map(|metadata| metadata.dev()) else {
        return Ok(None);
    };
    for (height, directory) in working_directory.ancestors().enumerate() {
        let is_same_device =
            || fs::metadata(directory).is_ok_and(|metadata| metadata.dev() == device);
        if height > 0
            && (NEVER.iter().any(|never| directory == Path::new(never)) || !is_same_device())
        {
            break;
        }
        let path = directory.join(FILE_NAME);
        if fs::symlink_metadata(&path).is_ok() {
            if height == 0 {
                return Ok(Some(FoundFile::Here(FILE_NAME.into())));
            }
            check_owner(&path, user)?;
            return Ok(Some(FoundFile::Above(path)));
        }
        let is_boundary =
            BOUNDARIES.iter().any(|name| fs::symlink_metadata(directory.join(name)).is_ok());
        if is_boundary || home.as_deref() == Some(directory) {
            break;
        }
    }
    Ok(None)
}

/// Fails if someone else could have written or can replace the file.
fn check_owner(path: &Path, user: u32) -> Result<(), Failure> {
    // The target of a link is checked, too. A dangling link is reported when it is read.
    let target = path.canonicalize().ok();
    let parents = [Some(path), target.as_deref()].into_iter().flatten().filter_map(Path::parent);
    for place in target.as_deref().into_iter().chain(parents) {
        let Ok(metadata) = fs::metadata(place) else { continue };
        let refuse = |what: String, fix: String| {
            let failure = usage(what).at(path.display());
            Err(failure.hint(format!(
                "{fix}; if the settings are yours, name them: --config {}",
                path.display()
            )))
        };
        let whose = if metadata.is_dir() {
            format!("its directory {}", place.display())
        } else {
            "it".to_owned()
        };
        let owner = metadata.uid();
        if owner != user && owner != 0 {
            let what = format!(
                "was found above the working directory, but {whose} belongs to another user (uid {owner})"
            );
            return refuse(what, format!("`chown {user} {}`", place.display()));
        }
        if metadata.mode() & 0o022 != 0 {
            let what = format!(
                "was found above the working directory, but users other than its owner (uid {owner}) can write {whose}"
            );
            return refuse(what, format!("`chmod go-w {}`", place.display()));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    /// Creates directories `a/b/c`, and returns this user.
    fn tree() -> (tempfile::TempDir, PathBuf, u32) {
        let root = tempfile::tempdir().unwrap();
        let top = root.path().canonicalize().unwrap();
        fs::create_dir_all(top.join("a/b/c")).unwrap();
        let user = fs::metadata(&top).unwrap().uid();
        (root, top, user)
    }

    fn mode(path: &Path, mode: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn the_nearest_file_above_is_found_up_to_a_boundary() {
        let (_root, top, user) = tree();
        let below = top.join("a/b/c");
        let find = |home: Option<&str>| {
            find(&below, home.map(|home| top.join(home)).as_deref(), user).unwrap()
        };
        assert_eq!(find(None), None);
        fs::write(top.join("a").join(FILE_NAME), "").unwrap();
        assert_eq!(find(None), Some(FoundFile::Above(top.join("a").join(FILE_NAME))));
        assert_eq!(find(Some("a")), Some(FoundFile::Above(top.join("a").join(FILE_NAME))));
        assert_eq!(find(Some("a/b")), None, "above the home directory");
        for boundary in BOUNDARIES {
            fs::write(top.join("a/b").join(boundary), "").unwrap();
            assert_eq!(find(None), None, "{boundary}");
            fs::write(top.join("a/b").join(FILE_NAME), "").unwrap();
            assert_eq!(
                find(None),
                Some(FoundFile::Above(top.join("a/b").join(FILE_NAME))),
                "{boundary}"
            );
            fs::remove_file(top.join("a/b").join(FILE_NAME)).unwrap();
            fs::remove_file(top.join("a/b").join(boundary)).unwrap();
        }
        fs::write(below.join(FILE_NAME), "").unwrap();
        assert_eq!(find(None), Some(FoundFile::Here(FILE_NAME.into())));
    }

    #[test]
    fn a_file_that_others_could_have_written_is_refused() {
        let (_root, top, user) = tree();
        let [directory, file] = ["a", "a/oauthctl.toml"].map(|name| top.join(name));
        fs::write(&file, "").unwrap();
        let said =
            |user| find(&top.join("a/b"), None, user).map_err(|e| format!("{e} {:?}", e.exit()));
        for (place, bits, part) in [
            (&file, 0o664, "can write it"),
            (&file, 0o646, "can write it"),
            (&directory, 0o775, "its directory"),
        ] {
            mode(place, bits);
            let refused = said(user).unwrap_err();
            assert!(
                refused.contains(part)
                    && refused.contains(&format!("uid {user}"))
                    && refused.ends_with("Usage"),
                "{refused}"
            );
            mode(place, 0o755);
        }
        assert!(said(user).unwrap().is_some());
        // Files of root are trusted by all users.
        let other = said(user + 1);
        assert_eq!(other.is_ok(), user == 0, "{other:?}");
    }

    #[test]
    fn a_link_is_as_good_as_what_it_leads_to() {
        let (_root, top, user) = tree();
        fs::create_dir(top.join("open")).unwrap();
        fs::write(top.join("open/real.toml"), "").unwrap();
        symlink("../open/real.toml", top.join("a").join(FILE_NAME)).unwrap();
        let found = || find(&top.join("a/b"), None, user);
        assert!(found().is_ok());
        mode(&top.join("open"), 0o777);
        assert!(found().is_err());
        // A dangling link is found, so that it is reported.
        fs::remove_file(top.join("open/real.toml")).unwrap();
        assert!(found().unwrap().is_some());
    }
}
