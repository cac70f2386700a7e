//! Records commands on a terminal and draws its contents: the picture in the README. Lines appear
//! one after the other if animation is supported.

use std::fmt::Write as _;
use std::path::Path;
use std::{fs, io};

use rexpect::session::spawn_command;

use crate::program::Program;
use crate::world::{ALICE, World};

const COLUMNS: usize = 100;
const CHARACTER: f64 = 8.0;
const LINE: f64 = 18.0;
const MARGIN: f64 = 16.0;
/// Height of the window's title bar.
const BAR: f64 = 28.0;
/// Seconds between a command and its answer, and between lines of the answer.
const THINKING: f64 = 0.9;
const READING: f64 = 0.06;
/// Time limit of a command in milliseconds.
const PATIENCE: u64 = 60_000;

/// Line of the terminal with the time of its appearance.
struct Line {
    spans: Vec<Span>,
    at: f64,
}

/// Text of one colour.
struct Span {
    column: usize,
    text: String,
    class: &'static str,
}

/// Runs the commands and writes the picture.
pub(crate) fn draw(file: &Path) -> io::Result<()> {
    let program = Program::build()?;
    let world = World::start()?;
    let prepare = "oauthctl gen-jwk --encoding jwks -o keys.json --quiet
        oauthctl jwks -o public/.well-known/jwks.json --quiet";
    program.command(prepare, &world).status()?;
    world.settle()?;
    let mut lines = Vec::new();
    let mut now = 0.3;
    for command in [
        "oauthctl sessions stats",
        "oauthctl sessions upgrade",
        "oauthctl sessions refresh",
        "oauthctl sessions prune --yes",
        &format!("oauthctl sessions revoke {ALICE} --yes"),
    ] {
        let prompt = Span { column: 0, text: "$ ".to_owned(), class: "faint" };
        let typed = Span { column: 2, text: command.to_owned(), class: "typed" };
        lines.push(Line { spans: vec![prompt, typed], at: now });
        now += THINKING;
        for text in on_a_terminal(&program, &world, command)?.lines() {
            lines.push(Line { spans: spans(text), at: now });
            now += READING;
        }
        lines.push(Line { spans: Vec::new(), at: now });
        now += THINKING;
    }
    lines.pop();
    fs::write(file, picture(&lines))?;
    println!("wrote {}", file.display());
    Ok(())
}

fn on_a_terminal(program: &Program, world: &World, line: &str) -> io::Result<String> {
    let mut command = program.command(&format!("exec {line}"), world);
    command.env_remove("NO_COLOR").env("TERM", "xterm-256color");
    let mut session = spawn_command(command, Some(PATIENCE)).map_err(io::Error::other)?;
    let text = session.exp_eof().map_err(io::Error::other)?;
    // rexpect treats each byte as a character.
    let bytes = text
        .chars()
        .map(|byte| u8::try_from(byte).map_err(io::Error::other))
        .collect::<Result<_, _>>()?;
    String::from_utf8(bytes).map_err(io::Error::other)
}

/// Parses the colours of oauthctl's palette.
fn spans(line: &str) -> Vec<Span> {
    let mut spans = Vec::new();
    let mut column = 0;
    for (number, part) in line.trim_end().split("\u{1b}[").enumerate() {
        let (code, text) =
            if number == 0 { ("", part) } else { part.split_once('m').unwrap_or(("", part)) };
        let class = match code {
            "1;31" => "error",
            "33" => "warning",
            "36" => "hint",
            "32" => "good",
            "2" => "faint",
            _ => "plain",
        };
        if !text.is_empty() {
            spans.push(Span { column, text: text.to_owned(), class });
            column += text.chars().count();
        }
    }
    spans
}

#[expect(clippy::cast_precision_loss, reason = "a terminal has few lines and columns")]
fn picture(lines: &[Line]) -> String {
    let width = COLUMNS as f64 * CHARACTER + 2.0 * MARGIN;
    let height = lines.len() as f64 * LINE + BAR + 2.0 * MARGIN;
    let mut svg = format!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" role="img">
<title>oauthctl counts, upgrades, refreshes and revokes the sessions of an app</title>
<!-- drawn by tests/demo from a run of the program; do not edit -->
<style>
  text {{ font: 13px ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace; white-space: pre; fill: #d8dee9 }}
  .typed {{ font-weight: bold; fill: #ffffff }}
  .faint {{ fill: #8b949e }}
  .good {{ fill: #7ee787 }}
  .warning {{ fill: #e3b341 }}
  .error {{ fill: #ff7b72 }}
  .hint {{ fill: #79c0ff }}
  @media (prefers-reduced-motion: no-preference) {{
    g.line {{ animation: appear 1ms both }}
    @keyframes appear {{ from {{ opacity: 0 }} }}
  }}
</style>
<rect width="{width}" height="{height}" rx="8" fill="#161b22"/>
<circle cx="20" cy="18" r="5" fill="#ff7b72"/><circle cx="38" cy="18" r="5" fill="#e3b341"/><circle cx="56" cy="18" r="5" fill="#7ee787"/>
"##
    );
    for (number, line) in lines.iter().enumerate().filter(|(_, line)| !line.spans.is_empty()) {
        let y = BAR + MARGIN + (number as f64 + 0.7) * LINE;
        let _ = write!(svg, r#"<g class="line" style="animation-delay:{:.2}s">"#, line.at);
        for Span { column, text, class } in &line.spans {
            let (x, length) =
                (MARGIN + *column as f64 * CHARACTER, text.chars().count() as f64 * CHARACTER);
            let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
            let _ = write!(
                svg,
                r#"<text class="{class}" x="{x}" y="{y:.1}" textLength="{length}" lengthAdjust="spacingAndGlyphs" xml:space="preserve">{text}</text>"#
            );
        }
        svg.push_str("</g>\n");
    }
    svg.push_str("</svg>\n");
    svg
}
