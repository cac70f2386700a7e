//! Minimal client for the Redis protocol: one command, one answer.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;

/// Answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// `+OK`
    Status(String),
    /// `-ERR …`
    Error(String),
    /// `:1`
    Number(i64),
    /// String or nil.
    Bulk(Option<Vec<u8>>),
    /// List.
    List(Vec<Self>),
}

/// Connection.
pub struct Connection(BufReader<TcpStream>);

impl Connection {
    /// Connects to a server on loopback.
    pub fn open(port: u16) -> io::Result<Self> {
        let stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_nodelay(true)?;
        Ok(Self(BufReader::new(stream)))
    }

    /// Sends a command and returns its answer.
    pub fn ask<A: AsRef<[u8]>>(&mut self, command: &[A]) -> io::Result<Answer> {
        let mut packed = format!("*{}\r\n", command.len()).into_bytes();
        for part in command {
            let part = part.as_ref();
            packed.extend_from_slice(format!("${}\r\n", part.len()).as_bytes());
            packed.extend_from_slice(part);
            packed.extend_from_slice(b"\r\n");
        }
        self.0.get_mut().write_all(&packed)?;
        self.read()
    }

    fn read(&mut self) -> io::Result<Answer> {
        let mut line = String::new();
        self.0.read_line(&mut line)?;
        let line = line.trim_end();
        let Some((kind, rest)) = line.split_at_checked(1) else {
            return Err(io::ErrorKind::UnexpectedEof.into());
        };
        let number =
            || rest.parse::<i64>().map_err(|_| io::Error::from(io::ErrorKind::InvalidData));
        Ok(match kind {
            "+" => Answer::Status(rest.to_owned()),
            "-" => Answer::Error(rest.to_owned()),
            ":" => Answer::Number(number()?),
            "$" => match usize::try_from(number()?) {
                Err(_) => Answer::Bulk(None),
                Ok(length) => {
                    let mut bytes = vec![0; length + 2];
                    self.0.read_exact(&mut bytes)?;
                    bytes.truncate(length);
                    Answer::Bulk(Some(bytes))
                }
            },
            "*" => {
                let count = number()?.max(0);
                Answer::List((0..count).map(|_| self.read()).collect::<Result<_, _>>()?)
            }
            _ => return Err(io::ErrorKind::InvalidData.into()),
        })
    }
}
