//! Bounds memory: an oversized value is dropped during reception and replaced by a marker. Asking
//! for all lengths in advance would cost the server another command per record.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::store::MAX_VALUE;

/// Marker in place of an oversized value. A real value with these bytes is not a record either.
pub const TOO_LONG: &[u8] = b"\0oauthctl: longer than it may be\0";

/// Marker in the Redis protocol.
const MARK: &[u8] = b"$33\r\n\0oauthctl: longer than it may be\0\r\n";

/// Size of a read. Large, because replies with many values are long and each read is a system call.
const BUFFER: usize = 128 * 1024;

/// Length from which a line is a text and not a length.
const LINE: usize = 32;

/// Connection whose replies (RESP2) are filtered on reception.
pub struct Limited<S> {
    stream: S,
    state: State,
    input: Box<[u8]>,
    /// Start of the unprocessed part of `input`.
    start: usize,
    end: usize,
}

/// State of the parser before the next byte.
enum State {
    /// Incomplete line that is held back.
    Line(Vec<u8>),
    /// Own bytes to pass on, and the state that follows.
    Held { bytes: Vec<u8>, from: usize, then: Next },
    /// Bulk string with its remaining bytes.
    Body(u64),
    /// Oversized bulk string with its remaining bytes.
    Dropped(u64),
    /// Rest of a line that is not a length.
    Text,
}

/// State after a line.
#[derive(Clone, Copy)]
enum Next {
    Line,
    Body(u64),
    Text,
}

impl<S> Limited<S> {
    pub fn new(stream: S) -> Self {
        let input = vec![0; BUFFER].into_boxed_slice();
        Self { stream, state: State::start(), input, start: 0, end: 0 }
    }

    /// Passes on bytes as far as there is room.
    fn hand_on(&mut self, buf: &mut ReadBuf<'_>) {
        while buf.remaining() > 0 {
            let input = &self.input[self.start..self.end];
            if input.is_empty() && !matches!(self.state, State::Held { .. }) {
                return;
            }
            let taken = self.state.step(input, buf);
            self.start += taken;
        }
    }
}

impl State {
    fn start() -> Self {
        Self::Line(Vec::with_capacity(LINE))
    }

    /// Performs one step. Returns the number of input bytes consumed.
    fn step(&mut self, input: &[u8], buf: &mut ReadBuf<'_>) -> usize {
        match self {
            Self::Held { bytes, from, then } => {
                let part = buf.remaining().min(bytes.len() - *from);
                buf.put_slice(&bytes[*from..*from + part]);
                *from += part;
                if *from == bytes.len() {
                    *self = match then {
                        Next::Line => Self::start(),
                        Next::Body(left) => Self::Body(*left),
                        Next::Text => Self::Text,
                    };
                }
                0
            }
            Self::Body(left) => {
                let part = clamped(*left).min(input.len()).min(buf.remaining());
                buf.put_slice(&input[..part]);
                *left -= part as u64;
                if *left == 0 {
                    *self = Self::start();
                }
                part
            }
            Self::Dropped(left) => {
                let part = clamped(*left).min(input.len());
                *left -= part as u64;
                if *left == 0 {
                    *self = Self::Held { bytes: MARK.to_vec(), from: 0, then: Next::Line };
                }
                part
            }
            Self::Text => {
                let (part, ends) = line_part(input, buf.remaining());
                buf.put_slice(&input[..part]);
                if ends {
                    *self = Self::start();
                }
                part
            }
            Self::Line(line) => {
                let (part, ends) = line_part(input, LINE.saturating_sub(line.len()));
                line.extend_from_slice(&input[..part]);
                let bytes = std::mem::take(line);
                *self = match bulk_length(&bytes).filter(|_| ends) {
                    // The string is followed by a line end of two bytes.
                    Some(length) if length > MAX_VALUE => Self::Dropped(length.saturating_add(2)),
                    Some(length) => Self::Held { bytes, from: 0, then: Next::Body(length + 2) },
                    None if ends => Self::Held { bytes, from: 0, then: Next::Line },
                    None if bytes.len() >= LINE => Self::Held { bytes, from: 0, then: Next::Text },
                    None => Self::Line(bytes),
                };
                part
            }
        }
    }
}

fn clamped(length: u64) -> usize {
    usize::try_from(length).unwrap_or(usize::MAX)
}

/// Returns the number of input bytes that belong to the line, up to a limit, and whether the line
/// is complete.
fn line_part(input: &[u8], limit: usize) -> (usize, bool) {
    let input = &input[..input.len().min(limit)];
    input.iter().position(|byte| *byte == b'\n').map_or((input.len(), false), |at| (at + 1, true))
}

/// Parses the length in `$123\r\n`. `None` for `$-1\r\n`, which is not followed by a string, and
/// for other lines.
fn bulk_length(line: &[u8]) -> Option<u64> {
    let digits = line.strip_prefix(b"$")?.strip_suffix(b"\r\n")?;
    std::str::from_utf8(digits).ok()?.parse().ok()
}

impl<S: AsyncRead + Unpin> AsyncRead for Limited<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buf.filled().len();
        loop {
            this.hand_on(buf);
            if buf.filled().len() > before || buf.remaining() == 0 {
                return Poll::Ready(Ok(()));
            }
            let mut input = ReadBuf::new(&mut this.input);
            ready!(Pin::new(&mut this.stream).poll_read(cx, &mut input))?;
            (this.start, this.end) = (0, input.filled().len());
            if this.end == 0 {
                return Poll::Ready(Ok(()));
            }
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Limited<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt as _;

    use super::*;

    /// Returns the filtered bytes if they arrive in pieces of `piece` and are read in pieces of
    /// `room`.
    pub async fn through(bytes: &[u8], piece: usize, room: usize) -> Vec<u8> {
        struct Pieces<'a>(std::slice::Chunks<'a, u8>);
        impl AsyncRead for Pieces<'_> {
            fn poll_read(
                mut self: Pin<&mut Self>,
                _: &mut Context<'_>,
                buf: &mut ReadBuf<'_>,
            ) -> Poll<io::Result<()>> {
                buf.put_slice(self.0.next().unwrap_or_default());
                Poll::Ready(Ok(()))
            }
        }
        let mut limited = Limited::new(Pieces(bytes.chunks(piece)));
        let (mut out, mut space) = (Vec::new(), vec![0; room]);
        loop {
            let count = limited.read(&mut space).await.unwrap();
            if count == 0 {
                return out;
            }
            out.extend_from_slice(&space[..count]);
        }
    }

    #[tokio::test]
    async fn only_values_that_are_too_long_are_replaced() {
        let long = vec![b'$'; usize::try_from(MAX_VALUE).unwrap() + 1];
        let head = b"*4\r\n$3\r\n$9\n\r\n$-1\r\n-ERR a long text about $12 and more of it, with no end in sight\r\n";
        let tail = b"$0\r\n\r\n:12\r\n+OK\r\n";
        let came = [head, format!("${}\r\n", long.len()).as_bytes(), &long, b"\r\n", tail].concat();
        let expected = [head.as_slice(), MARK, tail].concat();
        for (piece, room) in [(BUFFER, 1 << 16), (7, 1 << 16), (BUFFER, 5), (1, 1), (3, 4096)] {
            assert!(through(&came, piece, room).await == expected, "pieces of {piece} into {room}");
        }
        assert_eq!(MARK, [b"$33\r\n", TOO_LONG, b"\r\n"].concat());
    }
}

#[cfg(test)]
mod properties {
    use futures_util::FutureExt as _;
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::tests::through;
    use super::*;

    /// Returns a reply of RESP2, or the beginning of an array.
    fn reply() -> impl Strategy<Value = Vec<u8>> {
        let bulk = vec(any::<u8>(), 0..60).prop_map(|value| {
            [format!("${}\r\n", value.len()).as_bytes(), &value, b"\r\n"].concat()
        });
        let line = "([*:][0-9-]{1,6}|[+-][ -~]{0,60}|[$]-1)\r\n".prop_map(String::into_bytes);
        prop_oneof![bulk, line]
    }

    proptest! {
        #[test]
        fn replies_come_through_as_they_were_sent_however_they_arrive(
            replies in vec(reply(), 0..12), piece in 1_usize..40, room in 1_usize..40, cut in 0_usize..8,
        ) {
            let mut sent = replies.concat();
            // The connection may end anywhere.
            sent.truncate(sent.len().saturating_sub(cut));
            let came = through(&sent, piece, room).now_or_never().unwrap();
            // An incomplete line is held back.
            let open = sent.iter().rev().take_while(|byte| **byte != b'\n').count();
            prop_assert!(sent.starts_with(&came) && sent.len() - came.len() <= open.min(LINE));
        }
    }
}
