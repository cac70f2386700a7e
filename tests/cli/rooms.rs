//! Permitted imports between the rooms (modules) of the source.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Rooms from bottom to top. A room may import those on lower floors, and those on its own floor if
/// the flag is `true`.
const FLOORS: [(&[&str], bool); 8] = [
    (
        &[
            "address",
            "arbitrary",
            "error",
            "files",
            "hashes",
            "input",
            "interrupt",
            "json",
            "owner",
            "pem",
            "proxy",
            "secret",
            "text",
            "tls",
        ],
        true,
    ),
    (&["jose"], false),
    (&["session"], false),
    (&["oauth", "store"], false),
    (&["maintenance"], false),
    (&["environment", "keyring", "settings"], true),
    (&["checks"], false),
    (&["args", "cli", "commands", "completion", "context", "main", "ui"], true),
];

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// Returns all files by their path below `src`, without comments. The conformance suite counts as a
/// test.
fn files() -> BTreeMap<PathBuf, String> {
    let (mut files, mut directories) = (BTreeMap::new(), vec![source()]);
    while let Some(directory) = directories.pop() {
        for path in fs::read_dir(&directory).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() && !path.ends_with("conformance") {
                directories.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                let code: Vec<_> =
                    text.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
                files.insert(path.strip_prefix(source()).unwrap().to_owned(), code.join("\n"));
            }
        }
    }
    files
}

fn room(file: &Path) -> String {
    let first = file.components().next().unwrap().as_os_str();
    Path::new(first).file_stem().unwrap().to_str().unwrap().to_owned()
}

fn floor(room: &str) -> usize {
    FLOORS
        .iter()
        .position(|(rooms, _)| rooms.contains(&room))
        .unwrap_or_else(|| panic!("{room} is on no floor"))
}

/// Returns the paths with this start, as lists of names, and for a group their common beginnings.
fn paths<'c>(code: &'c str, start: &str) -> Vec<Vec<&'c str>> {
    let is_name = |c: char| c.is_alphanumeric() || c == '_' || c == ':';
    let names = move |text: &'c str| {
        text[..text.find(|c| !is_name(c)).unwrap_or(text.len())].split("::").collect()
    };
    let paths = code.match_indices(start).flat_map(|(at, _)| {
        match code[at + start.len()..].strip_prefix('{') {
            Some(group) => group.split('}').next().unwrap().split(',').map(str::trim).collect(),
            None => vec![&code[at + start.len()..]],
        }
    });
    paths.filter(|path| !path.is_empty()).map(names).collect()
}

#[test]
fn no_room_imports_one_above_it() {
    let mut upward = Vec::new();
    for (file, code) in files() {
        let own = room(&file);
        for path in paths(&code, "crate::") {
            let (from, to) = (floor(&own), floor(path[0]));
            if to > from || to == from && path[0] != own && !FLOORS[from].1 {
                upward.push(format!("{} imports {}", file.display(), path[0]));
            }
        }
    }
    assert!(upward.is_empty(), "{upward:#?}");
}

#[test]
fn the_map_in_contributing_has_every_room() {
    let contributing = source().with_file_name("CONTRIBUTING.md");
    let text = fs::read_to_string(contributing).unwrap();
    let map = text.split("\n## ").find(|section| section.starts_with("Map\n")).unwrap();
    for room in FLOORS.iter().flat_map(|(rooms, _)| *rooms) {
        assert!(map.contains(&format!("`{room}`")), "the map lacks {room}");
    }
}

#[test]
fn clap_is_for_commands_only() {
    let is_below = |file: &Path| floor(&room(file)) < FLOORS.len() - 1;
    let with_clap =
        files().into_iter().filter(|(file, code)| is_below(file) && code.contains("clap::"));
    assert_eq!(with_clap.map(|(file, _)| file).collect::<Vec<_>>(), Vec::<PathBuf>::new());
}

/// Returns the file of a module, by the names of a path to an item.
fn file_of(names: &[&str]) -> Option<PathBuf> {
    let mut place = PathBuf::new();
    for name in names {
        let file = place.join(format!("{name}.rs"));
        if source().join(&file).is_file() {
            return Some(file);
        }
        if !source().join(&place).join(name).is_dir() {
            break;
        }
        place.push(name);
    }
    Some(place.join("mod.rs")).filter(|file| source().join(file).is_file())
}

#[test]
fn no_files_of_maintenance_import_each_other_in_a_circle() {
    let mut imports = BTreeMap::<PathBuf, BTreeSet<PathBuf>>::new();
    for (file, code) in files().into_iter().filter(|(file, _)| room(file) == "maintenance") {
        let code = code.split("#[cfg(test)]").next().unwrap();
        let is_facade = file.ends_with("mod.rs");
        let directory: Vec<_> =
            file.parent().unwrap().iter().map(|name| name.to_str().unwrap()).collect();
        let siblings = paths(code, if is_facade { "use " } else { "super::" });
        let beside = siblings.into_iter().map(|path| [directory.clone(), path].concat());
        let named = paths(code, "crate::maintenance::")
            .into_iter()
            .map(|path| [vec!["maintenance"], path].concat());
        let found =
            beside.chain(named).filter_map(|path| file_of(&path)).filter(|found| *found != file);
        imports.insert(file.clone(), found.collect());
    }
    // Removes files that import none of the remaining ones, until none is left.
    while let Some(free) =
        imports.iter().find(|(_, found)| found.iter().all(|file| !imports.contains_key(file)))
    {
        let free = free.0.clone();
        imports.remove(&free);
    }
    assert!(imports.is_empty(), "{imports:#?}");
}
