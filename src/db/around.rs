//! What answers at an address, asked without a login: the first bytes of a connection tell a `PostgreSQL` server from
//! whatever else listens there.

use std::io;
use std::time::Duration;

use sqlx::postgres::PgConnectOptions;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};
use tokio::time::timeout;

/// How long to wait for a connection.
const CONNECTING: Duration = Duration::from_secs(1);
/// How long to wait for the first byte of an answer.
const ANSWERING: Duration = Duration::from_millis(500);

/// The question whether a server speaks TLS, which every server since 7.1 and every pooler answers with a letter.
const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];
/// Who is no `PostgreSQL` server and waits for the end of a line answers this.
const OTHER_REQUEST: &[u8] = b"GET / HTTP/1.0\r\n\r\n";

/// Where `PostgreSQL` listens by itself, and where the founding guide's compose file has it listen.
const USUAL_PORTS: [u16; 2] = [5432, 5434];

/// What listens at an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Speaks {
    /// A `PostgreSQL` server, or a pooler before one.
    Postgres {
        /// Whether it speaks TLS.
        tls: bool,
    },
    /// Something else, such as an HTTP server.
    Another,
    /// It closed the connection without a word, as proxies do that have nothing behind them.
    Closes,
    /// It accepts connections and says nothing.
    Silent,
}

/// What listens at the host or socket of `options`, on `port`.
pub(super) async fn speaks(options: &PgConnectOptions, port: u16) -> io::Result<Speaks> {
    let connected = async {
        if let Some(folder) = options.get_socket() {
            let stream = UnixStream::connect(folder.join(format!(".s.PGSQL.{port}"))).await?;
            return Ok(ask(stream).await);
        }
        let host = options.get_host().trim_matches(['[', ']']);
        let stream = timeout(CONNECTING, TcpStream::connect((host, port))).await;
        let stream = stream.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))?;
        Ok(ask(stream).await)
    };
    connected.await
}

/// The other of the two usual ports, if a `PostgreSQL` server answers there.
pub(super) async fn other_port(options: &PgConnectOptions) -> Option<u16> {
    let [one, other] = USUAL_PORTS;
    let port = match options.get_port() {
        port if port == one => other,
        port if port == other => one,
        _ => return None,
    };
    matches!(speaks(options, port).await, Ok(Speaks::Postgres { .. })).then_some(port)
}

async fn ask(mut stream: impl AsyncRead + AsyncWrite + Unpin) -> Speaks {
    match first_byte(&mut stream, &SSL_REQUEST).await {
        Some(Some(b'S')) => Speaks::Postgres { tls: true },
        // An error is an answer, too: of a server that is full, or just going.
        Some(Some(b'N' | b'E')) => Speaks::Postgres { tls: false },
        Some(Some(_)) => Speaks::Another,
        Some(None) => Speaks::Closes,
        None => match first_byte(&mut stream, OTHER_REQUEST).await {
            Some(Some(_)) => Speaks::Another,
            Some(None) => Speaks::Closes,
            None => Speaks::Silent,
        },
    }
}

/// Says something and waits for the first byte of the answer; none inside where the connection ended, none at all where
/// no answer came.
async fn first_byte(stream: &mut (impl AsyncRead + AsyncWrite + Unpin), said: &[u8]) -> Option<Option<u8>> {
    let mut byte = [0];
    let answer = async {
        stream.write_all(said).await?;
        stream.read(&mut byte).await
    };
    let read = timeout(ANSWERING, answer).await.ok()?;
    Some(matches!(read, Ok(1)).then_some(byte[0]))
}

#[cfg(test)]
mod tests {
    use std::str::FromStr;

    use tokio::net::TcpListener;

    use super::*;

    /// What is made of a listener that answers to the first `hears` bytes.
    async fn told(hears: usize, answer: &'static [u8]) -> Speaks {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = vec![0; hears];
            stream.read_exact(&mut request).await.unwrap();
            stream.write_all(answer).await.unwrap();
        });
        speaks(&PgConnectOptions::from_str("postgres://127.0.0.1/x").unwrap(), port).await.unwrap()
    }

    #[tokio::test]
    async fn servers_are_known_by_their_first_byte() {
        assert_eq!(told(8, b"S").await, Speaks::Postgres { tls: true });
        assert_eq!(told(8, b"N").await, Speaks::Postgres { tls: false });
        assert_eq!(told(8, b"HTTP/1.1 400 Bad Request\r\n").await, Speaks::Another);
        assert_eq!(told(26, b"HTTP/1.1 400 Bad Request\r\n").await, Speaks::Another);
        assert_eq!(told(8, b"").await, Speaks::Closes);
        assert_eq!(told(1000, b"never").await, Speaks::Silent);
    }
}
