//! A wire between a program and the server that can be cut, or made to swallow the server's answers.

use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
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

/// A wire's two ends, and whether what the server says is swallowed.
type Wire = (UnixStream, UnixStream, Arc<AtomicBool>);

#[derive(Default)]
struct Wires {
    mute: AtomicBool,
    open: Mutex<Vec<Wire>>,
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

    /// From now on what the server says is swallowed, on these wires and new ones.
    pub fn mute(&self) {
        self.wires.mute.store(true, Ordering::SeqCst);
        self.strand();
    }

    /// The wires that are open now go silent for ever, as if the server had vanished; new ones work.
    pub fn strand(&self) {
        for (.., mute) in &*self.wires.open.lock().unwrap() {
            mute.store(true, Ordering::SeqCst);
        }
    }

    /// Cuts all connections; new ones are not mute.
    pub fn cut(&self) {
        self.wires.mute.store(false, Ordering::SeqCst);
        let open = std::mem::take(&mut *self.wires.open.lock().unwrap());
        for (client, server, _) in &open {
            // They may be closed already.
            drop(client.shutdown(Shutdown::Both));
            drop(server.shutdown(Shutdown::Both));
        }
    }
}

fn serve(listener: &UnixListener, server: &Path, wires: &Wires) {
    for client in listener.incoming() {
        if let Ok(client) = client
            && let Some((client, server, mute)) = connect(client, server, wires)
        {
            let (from_client, to_server) = (client.try_clone().unwrap(), server.try_clone().unwrap());
            thread::spawn(move || pass_on(from_client, to_server, None));
            thread::spawn(move || pass_on(server, client, Some(&mute)));
        }
    }
}

fn connect(client: UnixStream, server: &Path, wires: &Wires) -> Option<Wire> {
    let server = UnixStream::connect(server).ok()?;
    let mute = Arc::new(AtomicBool::new(wires.mute.load(Ordering::SeqCst)));
    wires.open.lock().unwrap().push((client.try_clone().ok()?, server.try_clone().ok()?, Arc::clone(&mute)));
    Some((client, server, mute))
}

/// Copies until either end is closed; then closes both.
fn pass_on(mut from: UnixStream, mut to: UnixStream, mute: Option<&AtomicBool>) {
    let mut buffer = vec![0; 65_536];
    while let Ok(count @ 1..) = from.read(&mut buffer) {
        let swallowed = mute.is_some_and(|mute| mute.load(Ordering::SeqCst));
        if !swallowed && to.write_all(&buffer[..count]).is_err() {
            break;
        }
    }
    drop(from.shutdown(Shutdown::Both));
    drop(to.shutdown(Shutdown::Both));
}
