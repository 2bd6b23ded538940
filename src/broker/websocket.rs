//! MQTT over websockets (MQTT 5.0 §6): binary frames as one stream of bytes.

use std::io;
use std::pin::Pin;
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
}

/// Small buffers: a broker holds thousands of these.
pub(crate) fn limits(max: usize) -> WebSocketConfig {
    WebSocketConfig::default()
        .read_buffer_size(4096)
        .write_buffer_size(0)
        .max_write_buffer_size(4 << 20)
        .max_message_size(Some(max))
        .max_frame_size(Some(max))
}

impl<S: AsyncRead + AsyncWrite + Unpin> WebSocket<S> {
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
        let inner =
            tokio_tungstenite::accept_hdr_async_with_config(stream, choose, Some(limits(max))).await?;
        Ok(Self::new(inner))
    }

    pub(crate) fn new(inner: WebSocketStream<S>) -> Self {
        Self { inner, rest: Bytes::new() }
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
                Some(Ok(_)) => {}
                Some(Err(e)) => return Poll::Ready(Err(to_io(e))),
            }
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
