//! The playground: a fake network with an app and 25 users on loopback, and a tour of what oauthctl
//! does for them.
//!
//!     cargo run --example playground
//!
//! Everything runs until Ctrl-C, so that one can go on by oneself in another terminal. With
//! `--once`, or without a terminal, it ends after the tour. `--svg FILE` draws some of the commands
//! instead: the picture in the README.

mod program;
mod signals;
mod svg;
mod text;
mod tour;
mod world;

use std::io::{self, IsTerminal as _};
use std::process::ExitCode;

use program::Program;
use signals::Signals;
use tour::Tour;
use world::World;

fn main() -> io::Result<ExitCode> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let once = match arguments.as_slice() {
        [] => !(io::stdin().is_terminal() && io::stdout().is_terminal()),
        ["--once"] => true,
        ["--svg", file] => return svg::draw(file.as_ref()).map(|()| ExitCode::SUCCESS),
        _ => {
            eprintln!("usage: cargo run --example playground [-- --once | --svg FILE]");
            return Ok(ExitCode::from(2));
        }
    };
    let program = Program::build()?;
    let signals = Signals::listen()?;
    let world = World::start()?;
    let tour = Tour { world: &world, program: &program, signals: &signals };
    if !tour.run()? {
        return Ok(ExitCode::from(130));
    }
    if !once {
        invite(&world, &program);
        signals.wait(|| world.publish());
        println!("\nThe playground is closed.");
    }
    Ok(ExitCode::SUCCESS)
}

/// Explains how to continue.
fn invite(world: &World, program: &Program) {
    text::heading("Now you");
    text::say("All of this goes on running. In another terminal:");
    println!("    cd {}", world.directory().display());
    println!("    export PATH={}:$PATH", program.directory().display());
    println!();
    for line in
        ["oauthctl sessions list", "oauthctl keys rotate --activate-in 15m", "oauthctl help"]
    {
        println!("    {line}");
    }
    println!();
    text::say(
        "What lies in public/ is published at once. Ctrl-C here ends and removes everything.",
    );
}
