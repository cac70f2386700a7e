//! Puts Upstash's REST interface before a Redis: `cargo run -p testbed --example upstash --
//! REDIS_PORT TOKEN`.

use testbed::upstash::Front;

fn main() -> std::io::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let (Some(Ok(port)), Some(token)) =
        (arguments.next().map(|port| port.parse()), arguments.next())
    else {
        return Err(std::io::Error::other("give the port of a Redis, and a token"));
    };
    let front = Front::start(port, &token)?;
    println!("{}", front.url());
    loop {
        std::thread::park();
    }
}
