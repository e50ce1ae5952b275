//! Messages on their way out, a line each.
//!
//! An answer of 50 MB is 100 MB as a line: it has its text twice. Such a line never exists as a whole, but leaves in pieces
//! as they are written, on a thread of their own, so that nothing else stands still meanwhile.

use std::io::{self, BufWriter, Write};
use std::sync::Arc;

use futures_util::SinkExt;
use rmcp::RoleServer;
use rmcp::service::TxJsonRpcMessage;
use tokio::sync::{Mutex, mpsc};
use tokio_util::bytes::Bytes;
use tokio_util::codec::{BytesCodec, FramedWrite};

use super::stdio::Output;

/// Longest line that is written as a whole, in bytes: what takes a thread long enough to be worth one.
const MAX_WHOLE_BYTES: usize = 1024 * 1024;
/// How much of a longer one leaves at once, in bytes: what a pipe or a socket takes.
const PIECE_BYTES: usize = 64 * 1024;
/// How many pieces are written ahead of a client that reads slowly.
const PIECES_AHEAD: usize = 4;

/// A message to the client.
type Message = TxJsonRpcMessage<RoleServer>;

/// Where messages leave.
#[derive(Clone)]
pub struct Sender(Arc<Mutex<Option<FramedWrite<Output, BytesCodec>>>>);

impl Sender {
    /// To `output`.
    pub fn new(output: Output) -> Self {
        Self(Arc::new(Mutex::new(Some(FramedWrite::new(output, BytesCodec::new())))))
    }

    /// Sends a message. Whoever gives up waiting tears no line: one that has begun is ended before the next.
    ///
    /// # Errors
    /// When the output is closed.
    pub async fn send(self, message: Message) -> io::Result<()> {
        match whole(&message)? {
            Some(line) => self.0.lock().await.as_mut().ok_or_else(closed)?.send(line).await,
            None => tokio::spawn(self.send_in_pieces(message)).await?,
        }
    }

    /// As [`Self::send`], for a message of any length.
    async fn send_in_pieces(self, message: Message) -> io::Result<()> {
        // First, so that of several large messages only one is being written.
        let mut output = self.0.lock().await;
        let output = output.as_mut().ok_or_else(closed)?;
        let (pieces, mut written) = mpsc::channel(PIECES_AHEAD);
        let writing = tokio::task::spawn_blocking(move || {
            let mut pieces = BufWriter::with_capacity(PIECE_BYTES, Pieces(pieces));
            serde_json::to_writer(&mut pieces, &message)?;
            pieces.write_all(b"\n")?;
            pieces.flush()
        });
        while let Some(piece) = written.recv().await {
            output.feed(piece).await?;
        }
        writing.await??;
        SinkExt::<Bytes>::flush(output).await
    }

    /// Closes the output.
    pub async fn close(&self) {
        drop(self.0.lock().await.take());
    }
}

fn closed() -> io::Error {
    io::Error::new(io::ErrorKind::NotConnected, "the output is closed")
}

/// The message as a line; `None` when it is too long for that.
fn whole(message: &Message) -> io::Result<Option<Bytes>> {
    let mut line = BoundedLine(Vec::new());
    match serde_json::to_writer(&mut line, message) {
        Ok(()) => {
            line.0.push(b'\n');
            Ok(Some(line.0.into()))
        }
        // The line itself refuses only what is too long.
        Err(error) if error.is_io() => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// A line that does not grow without end.
struct BoundedLine(Vec<u8>);

impl Write for BoundedLine {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.len() + bytes.len() > MAX_WHOLE_BYTES {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Passes pieces on to the task that sends them, as fast as it takes them.
struct Pieces(mpsc::Sender<Bytes>);

impl Write for Pieces {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // A text without escapes comes as one.
        let piece = &bytes[..bytes.len().min(PIECE_BYTES)];
        let passed_on = self.0.blocking_send(Bytes::copy_from_slice(piece));
        passed_on.map(|()| piece.len()).map_err(|_| closed())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
