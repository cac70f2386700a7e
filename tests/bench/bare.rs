//! Upper bound for a Redis server: the same requests as `sessions list`, by a client that discards
//! the answers.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use testbed::redis::Answer;
use testbed::resp::Connection;

use crate::measure::Run;

/// Keys per page and values per request, as in oauthctl.
const PAGE: &str = "2000";
const REQUEST: usize = 300;
/// End marker in the last answer.
const END: &str = "the end of it all";

/// Scans the whole server.
pub fn scan(port: u16) -> Run {
    let begun = Instant::now();
    let (batches, asked) = mpsc::sync_channel::<Vec<Vec<u8>>>(16);
    let mut values = TcpStream::connect(("127.0.0.1", port)).expect("the server listens");
    let mut requests = values.try_clone().expect("a socket can be shared");
    let reader = thread::spawn(move || {
        let mut buffer = vec![0; 1 << 18];
        let mut tail = Vec::new();
        while !tail.ends_with(format!("{END}\r\n").as_bytes()) {
            let read = values.read(&mut buffer).expect("the server answers");
            assert!(read > 0, "the server hung up");
            tail.extend_from_slice(&buffer[..read]);
            tail.drain(..tail.len().saturating_sub(64));
        }
    });
    let writer = thread::spawn(move || {
        let mut send = |request: Vec<u8>| requests.write_all(&request).expect("the server listens");
        for keys in asked {
            let mut request = Vec::new();
            pack(&mut request, std::iter::once(&b"MGET"[..]).chain(keys.iter().map(Vec::as_slice)));
            for key in &keys {
                pack(&mut request, [&b"PTTL"[..], key].into_iter());
            }
            send(request);
        }
        let mut last = Vec::new();
        pack(&mut last, [&b"ECHO"[..], END.as_bytes()].into_iter());
        send(last);
    });
    pages(port, &batches);
    drop(batches);
    writer.join().expect("it does not panic");
    reader.join().expect("it does not panic");
    Run { wall: begun.elapsed(), processor: Duration::ZERO, peak_bytes: 0.0 }
}

fn pages(port: u16, batches: &mpsc::SyncSender<Vec<Vec<u8>>>) {
    let mut connection = Connection::open(port).expect("the server listens");
    let mut cursor = b"0".to_vec();
    loop {
        let scan = [
            b"SCAN",
            &cursor[..],
            b"MATCH",
            b"atproto:oauth:sessions:*",
            b"COUNT",
            PAGE.as_bytes(),
        ];
        let Answer::List(answer) = connection.ask(&scan).expect("the server answers") else {
            panic!("no page")
        };
        let [Answer::Bulk(Some(next)), Answer::List(keys)] = &answer[..] else { panic!("no page") };
        for keys in keys.chunks(REQUEST) {
            let keys = keys.iter().map(|key| match key {
                Answer::Bulk(Some(key)) => key.clone(),
                _ => panic!("no key"),
            });
            batches.send(keys.collect()).expect("somebody asks for them");
        }
        if next == b"0" {
            return;
        }
        cursor.clone_from(next);
    }
}

fn pack<'p>(request: &mut Vec<u8>, parts: impl Iterator<Item = &'p [u8]> + Clone) {
    request.extend_from_slice(format!("*{}\r\n", parts.clone().count()).as_bytes());
    for part in parts {
        request.extend_from_slice(format!("${}\r\n", part.len()).as_bytes());
        request.extend_from_slice(part);
        request.extend_from_slice(b"\r\n");
    }
}
