//! Compares the committed completions and manual pages with the program's output.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use crate::sandbox::Sandbox;

/// Command that regenerates them.
const REMEDY: &str = "run `tests/run --update` and commit the result";

fn committed(directory: &str) -> BTreeMap<String, String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(directory);
    read_all(&path)
}

fn read_all(directory: &Path) -> BTreeMap<String, String> {
    let entries = fs::read_dir(directory)
        .unwrap_or_else(|e| panic!("{}: {e}; {REMEDY}", directory.display()));
    entries
        .map(|entry| {
            let path = entry.unwrap().path();
            (
                path.file_name().unwrap().to_str().unwrap().to_owned(),
                fs::read_to_string(&path).unwrap(),
            )
        })
        .collect()
}

#[track_caller]
fn assert_fresh(directory: &str, printed: &BTreeMap<String, String>) {
    let committed = committed(directory);
    let names = |files: &BTreeMap<String, String>| files.keys().cloned().collect::<Vec<_>>();
    assert_eq!(
        names(&committed),
        names(printed),
        "{directory}/ has other files than it should; {REMEDY}"
    );
    for (name, text) in printed {
        assert!(
            committed[name] == *text,
            "{directory}/{name} is not what the program prints; {REMEDY}"
        );
    }
}

#[test]
fn completions_are_fresh() {
    let sandbox = Sandbox::new();
    let scripts = [
        ("_oauthctl", "zsh"),
        ("oauthctl.bash", "bash"),
        ("oauthctl.elv", "elvish"),
        ("oauthctl.fish", "fish"),
        ("oauthctl.ps1", "powershell"),
    ];
    let printed =
        scripts.map(|(name, shell)| (name.to_owned(), sandbox.result(["completions", shell])));
    assert_fresh("completions", &printed.into());
}

#[test]
fn manual_pages_are_fresh() {
    let sandbox = Sandbox::new();
    fs::create_dir(sandbox.path("man")).unwrap();
    assert_eq!(sandbox.result(["man", "--output-dir", "man"]), "");
    let printed = read_all(&sandbox.path("man"));
    assert_eq!(printed["oauthctl.1"], sandbox.result(["man"]));
    assert_fresh("man", &printed);
}

#[test]
fn completions_read_no_configuration() {
    let mut sandbox = Sandbox::new();
    sandbox.file("oauthctl.toml", "this is not TOML");
    sandbox.set("OAUTHCTL_PROFILE", "missing").set("OAUTHCTL_STORE", "nonsense");
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        assert_eq!(sandbox.run(["completions", shell]).code, 0);
    }
    assert_eq!(sandbox.run(["man"]).code, 0);
}

#[test]
fn bash_completes_commands_and_options() {
    let output = Sandbox::new().sh(
        r#". <(oauthctl completions bash)
        complete_words() { COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _oauthctl oauthctl "${@: -1}" "${@: -2:1}"; echo "${COMPREPLY[@]}"; }
        complete_words oauthctl gen
        complete_words oauthctl sessions li
        complete_words oauthctl gen-jwk --enc
        complete_words oauthctl gen-jwk --encoding pem"#,
    );
    insta::assert_snapshot!(output, @r"
    exit 0
    -- stdout --
    gen-jwk
    list
    --encoding
    pem pem-base64
    ");
}

#[test]
fn an_unknown_shell_is_refused() {
    assert_eq!(Sandbox::new().run(["completions", "tcsh"]).code, 2);
}
