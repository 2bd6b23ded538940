//! MQTT over websockets (MQTT 5.0 §6): binary frames as one stream of bytes.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};

use futures_util::{Sink, Stream};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::server::{Request, Response};
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Bytes, Error, Message};

/// A websocket as a stream of bytes.
pub(crate) struct WebSocket<S> {
    inner: WebSocketStream<S>,
    rest: Bytes,
    unfinished: Arc<AtomicUsize>,
}

/// A stream that counts what is read from it.
pub(super) struct Counted<S> {
    inner: S,
    read: Arc<AtomicUsize>,
}

/// What libwebsockets answers to what is no request.
pub(super) const FORBIDDEN: &[u8] =
    b"HTTP/1.0 403 Forbidden\r\ncontent-type: text/html\r\ncontent-length: 38\r\n\r\n\
      <html><body><h1>403</h1></body></html>";

/// Small buffers: a broker holds thousands of these.
pub(crate) fn limits(max: usize) -> WebSocketConfig {
    WebSocketConfig::default()
        .read_buffer_size(4096)
        .write_buffer_size(0)
        .max_write_buffer_size(4 << 20)
        .max_message_size(Some(max))
        .max_frame_size(Some(max))
}

impl<S: AsyncRead + AsyncWrite + Unpin> WebSocket<Counted<S>> {
    /// The server's side of the handshake: the subprotocol is `mqtt` (or `mqttv3.1`) where the client asks for it.
    pub(super) async fn accept(stream: S, max: usize) -> Result<Self, Error> {
        #[allow(clippy::result_large_err)]
        let choose = |request: &Request, mut response: Response| {
            let asked = request.headers().get_all("Sec-WebSocket-Protocol");
            let words = asked.iter().filter_map(|v| v.to_str().ok()).flat_map(|v| v.split(','));
            for word in words {
                if let known @ ("mqtt" | "mqttv3.1") = word.trim() {
                    if let Ok(value) = HeaderValue::from_str(known) {
                        response.headers_mut().insert("Sec-WebSocket-Protocol", value);
                    }
                    break;
                }
            }
            Ok(response)
        };
        let unfinished = Arc::new(AtomicUsize::new(0));
        let stream = Counted { inner: stream, read: unfinished.clone() };
        let inner =
            tokio_tungstenite::accept_hdr_async_with_config(stream, choose, Some(limits(max))).await?;
        unfinished.store(0, Ordering::Relaxed);
        Ok(Self { inner, rest: Bytes::new(), unfinished })
    }
}

impl<S> WebSocket<S> {
    pub(crate) fn new(inner: WebSocketStream<S>) -> Self {
        Self { inner, rest: Bytes::new(), unfinished: Arc::default() }
    }

    /// About how many bytes of a message that is not there whole are held.
    pub(super) fn unfinished(&self) -> Arc<AtomicUsize> {
        self.unfinished.clone()
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Counted<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        ready!(Pin::new(&mut self.inner).poll_read(cx, buf))?;
        self.read.fetch_add(buf.filled().len() - before, Ordering::Relaxed);
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Counted<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

fn to_io(e: Error) -> io::Error {
    match e {
        Error::Io(e) => e,
        Error::ConnectionClosed | Error::AlreadyClosed => io::ErrorKind::UnexpectedEof.into(),
        other => io::Error::new(io::ErrorKind::InvalidData, other.to_string()),
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for WebSocket<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        while self.rest.is_empty() {
            match ready!(Pin::new(&mut self.inner).poll_next(cx)) {
                Some(Ok(Message::Binary(bytes))) => self.rest = bytes,
                Some(Ok(Message::Text(text))) => self.rest = text.into(),
                Some(Ok(Message::Close(_))) | None => return Poll::Ready(Ok(())),
                Some(Ok(control)) => {
                    // It may come in the middle of a message in pieces: only its own bytes are done with.
                    let left = self.unfinished.load(Ordering::Relaxed).saturating_sub(control.len() + 6);
                    self.unfinished.store(left, Ordering::Relaxed);
                    continue;
                }
                Some(Err(e)) => return Poll::Ready(Err(to_io(e))),
            }
            self.unfinished.store(0, Ordering::Relaxed);
        }
        let n = self.rest.len().min(buf.remaining());
        let head = self.rest.split_to(n);
        buf.put_slice(&head);
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for WebSocket<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        ready!(Pin::new(&mut self.inner).poll_ready(cx)).map_err(to_io)?;
        let piece = bytes.get(..bytes.len().min(64 * 1024)).unwrap_or(bytes);
        Pin::new(&mut self.inner)
            .start_send(Message::Binary(Bytes::copy_from_slice(piece)))
            .map_err(to_io)?;
        Poll::Ready(Ok(piece.len()))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx).map_err(to_io)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_close(cx).map_err(to_io)
    }
}
