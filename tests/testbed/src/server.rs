//! Listeners, one per site. All requests pass through one function that applies faults and records
//! them.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr, TcpListener as StdListener},
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
    time::{Duration, Instant},
};

use axum::{
    Router,
    extract::{ConnectInfo, connect_info::Connected},
    response::Response,
    serve::{IncomingStream, Listener},
};
use serde_json::json;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream},
    task::AbortHandle,
};

use crate::{
    clock::{http_date, real_now},
    directory, documents,
    faults::{Ending, Faults},
    http::{Reply, Request},
    issuer,
    log::{Endpoint, Logged},
    state::Shared,
};

/// Site on a port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Site {
    /// PDS with its own authorization server.
    Pds(usize),
    /// PLC directory.
    Plc,
    /// did:web documents, handles and DNS.
    Web,
    /// Documents of the app.
    App,
}

/// Starts to listen on an ephemeral loopback port. The site answers until the handle is aborted.
pub(crate) fn listen(shared: &Arc<Shared>, site: Site) -> io::Result<(u16, AbortHandle)> {
    let listener = StdListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    listener.set_nonblocking(true)?;
    let port = listener.local_addr()?.port();
    let _guard = shared.runtime.enter();
    let listener =
        Door { listener: TcpListener::from_std(listener)?, shared: Arc::clone(shared), site };
    let shared = Arc::clone(shared);
    let router = Router::new().fallback(
        move |ConnectInfo(line): ConnectInfo<Line>, request: axum::extract::Request| {
            answer(Arc::clone(&shared), site, line, request)
        },
    );
    let service = router.into_make_service_with_connect_info::<Line>();
    let task = tokio::spawn(async move {
        // Runs until aborted: accepting never fails permanently.
        let _ = axum::serve(listener, service).await;
    });
    Ok((port, task.abort_handle()))
}

/// Reads a request, answers it in its own task and ends the connection according to the faults.
async fn answer(
    shared: Arc<Shared>,
    site: Site,
    line: Line,
    request: axum::extract::Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let request = Request::read(site, parts, body).await;
    // In its own task, because a server completes its work even if the client disconnects.
    let world = Arc::clone(&shared);
    let work = tokio::spawn(async move { process(&shared, &request).await });
    let (mut reply, ending) =
        work.await.unwrap_or_else(|_| (Reply::error(500, "server_error", "panic"), Ending::Answer));
    match ending {
        Ending::Answer => {}
        Ending::Hang => std::future::pending::<()>().await,
        Ending::Close => line.cut(),
    }
    if world.lock().policy.proofs_follow_clock
        && !reply.headers.iter().any(|(name, _)| name == "date")
    {
        reply = reply.header("date", &http_date(world.clock.now()));
    }
    reply.into_response()
}

/// Applies faults, does the endpoint's work, applies faults again, and records the request.
async fn process(shared: &Arc<Shared>, request: &Request) -> (Reply, Ending) {
    let endpoint = Endpoint::of(request);
    let started = Instant::now();
    let (faults, mut entry) = {
        let mut state = shared.lock();
        let entry = Logged::of(&state, endpoint, request);
        state.record.begin(endpoint, request.site);
        let faults = state.faults.take(endpoint, &entry, request);
        (faults, entry)
    };
    let (reply, ending) = under_faults(shared, endpoint, request, &faults).await;
    entry.status = reply.status;
    entry.error = reply.error_code();
    entry.answered = ending == Ending::Answer;
    entry.took = started.elapsed();
    shared.lock().record.end(entry);
    (reply, ending)
}

async fn under_faults(
    shared: &Arc<Shared>,
    endpoint: Endpoint,
    request: &Request,
    faults: &Faults,
) -> (Reply, Ending) {
    pause(faults.delay_before()).await;
    if let Some(unprocessed) = faults.instead(shared, request) {
        pause(faults.delay_after()).await;
        return unprocessed;
    }
    let honest = match request.site {
        Site::Pds(pds) => {
            limited(shared, pds, issuer::answer(shared, pds, endpoint, request)).await
        }
        Site::Plc | Site::Web => directory::answer(&shared.lock(), endpoint, request),
        Site::App => documents::answer(&shared.lock(), request),
    };
    let outcome = faults.spoil(honest);
    pause(faults.delay_after()).await;
    faults.held().await;
    outcome
}

/// Returns the answer under the server's rate limit, with header fields like those of the reference
/// PDS.
async fn limited(shared: &Shared, pds: usize, answer: impl Future<Output = Reply>) -> Reply {
    let used = shared.lock().count_request(pds);
    let Some(used) = used else { return answer.await };
    let reply = if used.is_exceeded {
        let reply = Reply::json(
            429,
            &json!({"error": "RateLimitExceeded", "message": "Rate Limit Exceeded"}),
        );
        reply.header("retry-after", &used.reset.to_string())
    } else {
        answer.await
    };
    let reset = u64::try_from(real_now() / 1000).unwrap_or_default() + used.reset;
    reply
        .header("ratelimit-limit", &used.limit.to_string())
        .header("ratelimit-remaining", &used.remaining.to_string())
        .header("ratelimit-reset", &reset.to_string())
}

async fn pause(time: Duration) {
    if !time.is_zero() {
        tokio::time::sleep(time).await;
    }
}

/// Listener whose connections can be closed by a handler.
struct Door {
    listener: TcpListener,
    shared: Arc<Shared>,
    site: Site,
}

impl Listener for Door {
    type Io = Connection;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Connection, SocketAddr) {
        let (stream, address) = Listener::accept(&mut self.listener).await;
        if matches!(self.site, Site::Pds(_)) {
            self.shared.lock().record.counters.pds_connections += 1;
        }
        // Small answers must not wait for acknowledgements.
        let _ = stream.set_nodelay(true);
        let line = Line::default();
        (Connection { stream, line }, address)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// Switch of one TCP connection.
#[derive(Debug, Clone, Default)]
struct Line(Arc<AtomicBool>);

impl Line {
    /// Makes all further writes fail, so that the connection closes without an answer.
    fn cut(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    fn check(&self) -> io::Result<()> {
        if self.0.load(Ordering::Relaxed) {
            Err(io::ErrorKind::ConnectionReset.into())
        } else {
            Ok(())
        }
    }
}

impl Connected<IncomingStream<'_, Door>> for Line {
    fn connect_info(stream: IncomingStream<'_, Door>) -> Self {
        stream.io().line.clone()
    }
}

/// Stream controlled by its [`Line`].
struct Connection {
    stream: TcpStream,
    line: Line,
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.line.check()?;
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
