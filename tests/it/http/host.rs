//! A host of repositories that the service may fetch from.

use std::fs;
use std::io::Write;

use tempfile::TempDir;

use crate::fetch::fixture::honest;
use crate::fetch::server::{Server, upload_pack};
use crate::support::cli::Shell;

/// A host on loopback that has one repository under every name.
pub struct Host {
    server: Server,
    _repository: TempDir,
}

impl Host {
    /// Starts it, and lets the shell's program fetch from it.
    pub fn for_shell(shell: &Shell) -> Self {
        let repository = tempfile::tempdir().unwrap();
        honest(repository.path());
        let path = repository.path().to_owned();
        let server = Server::start(move |request, stream| upload_pack(&path, request, stream));
        let host = Self { server, _repository: repository };
        let settings = host.server.settings();
        let mut file = fs::File::options().append(true).open(shell.path("quick.toml")).unwrap();
        writeln!(
            file,
            "allowed_hosts = ['localhost', 'github.com']\nprivate_hosts = ['{}']\nca_file = '{}'",
            host.name(),
            settings.ca_file.display()
        )
        .unwrap();
        host
    }

    /// Host and port.
    pub fn name(&self) -> String {
        format!("localhost:{}", self.server.port)
    }

    /// The URL of a repository on it.
    pub fn url(&self, path: &str) -> String {
        format!("https://{}/{path}", self.name())
    }
}
