//! A wire between a program and the server that can be cut, or made to swallow the server's answers.

use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use sqlx::postgres::PgConnectOptions;
use tempfile::TempDir;

/// A socket that leads to the server's. Its threads end with the process.
pub struct Proxy {
    url: String,
    wires: Arc<Wires>,
    _socket: TempDir,
}

#[derive(Default)]
struct Wires {
    muted: AtomicBool,
    open: Mutex<Vec<UnixStream>>,
}

impl Proxy {
    /// A proxy to the database of `url`, which names a Unix socket.
    pub fn to(url: &str) -> Self {
        let options = PgConnectOptions::from_str(url).unwrap();
        let socket_name = format!(".s.PGSQL.{}", options.get_port());
        let folder = options.get_socket().expect("a Unix socket");
        let server = folder.join(&socket_name);
        let own = super::postgres::temporary_folder();
        let listener = UnixListener::bind(own.path().join(&socket_name)).unwrap();
        let wires = Arc::new(Wires::default());
        let url = url.replace(&folder.display().to_string(), &own.path().display().to_string());
        thread::spawn({
            let wires = Arc::clone(&wires);
            move || serve(&listener, &server, &wires)
        });
        Self { url, wires, _socket: own }
    }

    /// The URL that leads through this proxy.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// From now on what the server says is swallowed.
    pub fn mute(&self) {
        self.wires.muted.store(true, Ordering::SeqCst);
    }

    /// Cuts all connections; new ones are not mute.
    pub fn cut(&self) {
        let open = std::mem::take(&mut *self.wires.open.lock().unwrap());
        for end in &open {
            // It may be closed already.
            drop(end.shutdown(Shutdown::Both));
        }
        self.wires.muted.store(false, Ordering::SeqCst);
    }
}

fn serve(listener: &UnixListener, server: &PathBuf, wires: &Arc<Wires>) {
    for client in listener.incoming() {
        if let Ok(client) = client
            && let Some((client, server)) = connect(client, server, wires)
        {
            let (up, down) = ((client.try_clone().unwrap(), server.try_clone().unwrap()), (server, client));
            thread::spawn(move || pass_on(up.0, up.1, None));
            let wires = Arc::clone(wires);
            thread::spawn(move || pass_on(down.0, down.1, Some(&wires)));
        }
    }
}

fn connect(client: UnixStream, server: &Path, wires: &Wires) -> Option<(UnixStream, UnixStream)> {
    let server = UnixStream::connect(server).ok()?;
    wires.open.lock().unwrap().extend([client.try_clone().ok()?, server.try_clone().ok()?]);
    Some((client, server))
}

/// Copies until either end is closed; then closes both.
fn pass_on(mut from: UnixStream, mut to: UnixStream, answers: Option<&Wires>) {
    let mut buffer = vec![0; 65_536];
    while let Ok(count @ 1..) = from.read(&mut buffer) {
        let swallowed = answers.is_some_and(|wires| wires.muted.load(Ordering::SeqCst));
        if !swallowed && to.write_all(&buffer[..count]).is_err() {
            break;
        }
    }
    drop(from.shutdown(Shutdown::Both));
    drop(to.shutdown(Shutdown::Both));
}
