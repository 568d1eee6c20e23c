//! Each reason why there is no connection has its own message, and one exit code.

use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::Command;
use std::thread;

use rcgen::generate_simple_self_signed;
use sqlx::{Connection, PgConnection};
use tempfile::TempDir;

use crate::support::cli::Shell;
use crate::surviving::pooler::Bouncer;
use crate::surviving::server::{Server, as_server, own_folder};

/// What a verb says where it must not get in.
fn told(url: &str) -> String {
    let said = Shell::on(url).fails(5, &["db", "size"]);
    assert!(!said.contains("s3cret"), "{said}");
    said
}

fn holds(said: &str, parts: &[&str]) {
    for part in parts {
        assert!(said.contains(part), "{part:?} is missing: {said}");
    }
}

/// A server on an address of its own, port 5432, with these rules for who is let in.
fn server(address: &str, rules: &str, options: &[&str]) -> (Server, TempDir) {
    let folder = own_folder();
    let file = folder.path().join("hba");
    fs::write(&file, format!("local all cat trust\n{rules}")).unwrap();
    let (listen, rules) = (format!("listen_addresses = '{address}'"), format!("hba_file = '{}'", file.display()));
    let options: Vec<&str> = [listen.as_str(), rules.as_str()].iter().chain(options).copied().collect();
    (Server::start(&options), folder)
}

/// Answers everybody so.
fn listener(address: &str, answer: impl Fn(TcpStream) + Send + 'static) -> u16 {
    let listener = TcpListener::bind(address).unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || listener.incoming().map_while(Result::ok).for_each(answer));
    port
}

#[test]
fn the_wrong_one_of_the_usual_ports_is_noticed() {
    // Linux has all of 127.0.0.0/8 for itself: nobody else listens there.
    let (_server, _rules) = server("127.54.1.1", "host all all 127.0.0.0/8 scram-sha-256\n", &[]);
    let said = told("postgres://cat:s3cret@127.54.1.1:5434/postgres");
    holds(&said, &["127.54.1.1:5434/postgres: connection refused: no server listens there", "docker compose ps"]);
    holds(&said, &["A PostgreSQL server answers on port 5432 there: is that the one?"]);
    let speak = |mut stream: TcpStream| {
        drop(stream.read(&mut [0; 8]));
        drop(stream.write_all(b"N"));
    };
    listener("127.54.1.1:5434", speak);
    let said = told("postgres://cat:s3cret@127.54.1.1:5432/postgres");
    holds(&said, &["password authentication failed", "is wrong or missing, or there is no such role"]);
    holds(&said, &["answers on port 5434 there"]);
    let listening = listener("127.54.1.2:5434", speak);
    let said = told("postgres://cat@127.54.1.2/cats");
    holds(&said, &["127.54.1.2:5432/cats: connection refused", &format!("answers on port {listening} there")]);
    let said = told("postgres://cat@127.54.1.3/cats");
    assert!(!said.contains("is that the one"), "{said}");
}

#[test]
fn what_is_no_server_is_told() {
    let quick = listener("127.0.0.1:0", |mut stream| {
        drop(stream.read(&mut [0; 8]));
        drop(stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n"));
    });
    let said = told(&format!("postgres://cat@127.0.0.1:{quick}/cats"));
    holds(&said, &["what listens there is not PostgreSQL", "an HTTP server"]);
    let closing = listener("127.0.0.1:0", drop);
    let said = told(&format!("postgres://cat@127.0.0.1:{closing}/cats"));
    holds(&said, &["closed before the server said a word", "docker compose logs postgres"]);
    // Waits for the end of a line, as many do.
    let patient = listener("127.0.0.1:0", |mut stream| {
        let mut heard = Vec::new();
        let mut byte = [0];
        while !heard.ends_with(b"\r\n\r\n") && matches!(stream.read(&mut byte), Ok(1)) {
            heard.push(byte[0]);
        }
        drop(stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n"));
    });
    let shell = Shell::on(&format!("postgres://cat@127.0.0.1:{patient}/cats"));
    let ran =
        crate::support::cli::Ran::of(shell.command(&["db", "size"]).env("REPO_TO_CAT_DATABASE__CONNECT_SECONDS", "1"));
    assert_eq!(ran.code, Some(5));
    holds(&ran.err, &[&format!("what listens at 127.0.0.1:{patient}/cats is not PostgreSQL")]);
}

#[test]
fn hosts_and_sockets_that_are_not_there_are_told() {
    holds(
        &told("postgres://cat@no-such-host.invalid/cats"),
        &["the host no-such-host.invalid is not known", "compose"],
    );
    holds(
        &told("postgres:///cats?host=/no/such/folder&user=cat"),
        &["no socket of a server", "unix_socket_directories"],
    );
}

/// A certificate and its key, as a server takes them.
fn certificate() -> (TempDir, [PathBuf; 2]) {
    let folder = own_folder();
    let made = generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let files = ["cert.pem", "key.pem"].map(|name| folder.path().join(name));
    fs::write(&files[0], made.cert.pem()).unwrap();
    fs::write(&files[1], made.signing_key.serialize_pem()).unwrap();
    for file in &files {
        fs::set_permissions(file, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    }
    if rustix::process::geteuid().is_root() {
        assert!(Command::new("chown").arg("postgres:postgres").args(&files).status().unwrap().success());
    }
    (folder, files)
}

#[test]
fn tls_that_is_asked_for_and_tls_that_is_not_there_are_told_apart() {
    let (_folder, [cert, key]) = certificate();
    let tls = [
        "ssl = on".to_owned(),
        format!("ssl_cert_file = '{}'", cert.display()),
        format!("ssl_key_file = '{}'", key.display()),
    ];
    let tls: Vec<&str> = tls.iter().map(String::as_str).collect();
    let (_server, _rules) = server("127.54.2.1", "hostssl all all 127.0.0.0/8 trust\n", &tls);
    let at = |mode: &str| format!("postgres://cat@127.54.2.1/postgres?sslmode={mode}");
    Shell::on(&at("require")).succeeds(&["db", "size"]);
    holds(&told(&at("disable")), &["no pg_hba.conf entry", "speaks TLS", "sslmode=require"]);
    holds(&told(&at("verify-full")), &["TLS failed", "sslrootcert=FILE"]);
    let check = Shell::on(&at("require")).run(&["--json", "db", "check"]).out;
    holds(&check, &["it speaks TLS", "TLSv1."]);

    let (_plain, _its) = server("127.54.2.2", "host all all 127.0.0.0/8 trust\n", &[]);
    let said = told("postgres://cat@127.54.2.2/postgres?sslmode=require");
    holds(&said, &["asks for TLS, which the server does not speak", "sslmode=prefer"]);
}

#[test]
fn who_is_not_let_in_is_told_which_way_there_is() {
    let rules = "host all stranger 127.0.0.0/8 reject\nhost all locked 127.0.0.0/8 scram-sha-256\n\
                 host all all 127.0.0.0/8 trust\n";
    let (server, _rules) = server("127.54.3.1", rules, &["max_connections = 6", "superuser_reserved_connections = 3"]);
    for statement in [
        "CREATE ROLE stranger LOGIN",
        "CREATE ROLE locked LOGIN PASSWORD 'right'",
        "CREATE ROLE group_of_cats",
        "CREATE ROLE crowded LOGIN CONNECTION LIMIT 0",
        "CREATE ROLE poor LOGIN",
        "CREATE DATABASE kept",
        "REVOKE CONNECT ON DATABASE kept FROM public",
    ] {
        server.sql(statement);
    }
    let at = |user: &str, database: &str| format!("postgres://{user}@127.54.3.1/{database}");
    holds(&told(&at("locked:s3cret", "postgres")), &["password authentication failed", "DATABASE_URL, .env"]);
    holds(&told(&at("nobody", "postgres")), &["role \"nobody\" does not exist", "createuser nobody"]);
    holds(&told(&at("group_of_cats", "postgres")), &["not permitted to log in", "ALTER ROLE group_of_cats LOGIN"]);
    holds(&told(&at("stranger", "postgres")), &["rejects connection", "host postgres stranger ADDRESS scram-sha-256"]);
    let said = told(&at("poor", "cats"));
    holds(&said, &["database \"cats\" does not exist", "there are: postgres.", "createdb cats"]);
    assert!(!said.contains("kept"), "it may not connect to that one: {said}");
    holds(&told(&at("cat", "cats")), &["there are: kept, postgres."]);
    holds(&told(&at("poor", "kept")), &["permission denied", "GRANT CONNECT ON DATABASE kept TO poor"]);
    holds(&told(&at("crowded", "postgres")), &["too many connections for role", "db sessions"]);
}

#[tokio::test]
async fn a_server_that_is_full_and_one_that_stops_are_told() {
    let (server, _rules) = server(
        "127.54.4.1",
        "host all all 127.0.0.0/8 trust\n",
        &["max_connections = 5", "superuser_reserved_connections = 3", "max_wal_senders = 0"],
    );
    server.sql("CREATE ROLE poor LOGIN");
    let url = "postgres://poor@127.54.4.1/postgres?sslmode=disable";
    let mut held = Vec::new();
    for _ in 0..2 {
        held.push(PgConnection::connect(url).await.unwrap());
    }
    holds(&told(url), &["remaining connection slots are reserved", "superusers have places of their own"]);
    holds(&Shell::on(&server.url()).succeeds(&["db", "sessions"]), &["poor"]);

    let stop =
        as_server("pg_ctl").args(["stop", "-m", "smart", "-W", "-s", "-D"]).arg(server.folder().join("data")).status();
    assert!(stop.unwrap().success());
    crate::support::postgres::wait_until("the server to let nobody in", || {
        Shell::on(url).run(&["db", "size"]).err.contains("shutting down")
    });
    holds(&told(url), &["shutting down", "it is being stopped"]);
    for connection in held {
        connection.close().await.unwrap();
    }
}

#[test]
fn a_pooler_that_does_not_know_the_database_says_so() {
    let server = Server::start(&[]);
    let bouncer = Bouncer::before(&server);
    let said = told(&bouncer.url().replace("/postgres?", "/cats?"));
    // Which of the two it says depends on its version.
    assert!(said.contains("no such database: cats") || said.contains("that is the pooler speaking"), "{said}");
}

#[test]
fn a_check_tells_how_far_it_got() {
    let (_server, _rules) = server("127.54.5.1", "host all all 127.0.0.0/8 scram-sha-256\n", &[]);
    let ran = Shell::on("postgres://cat:s3cret@127.54.5.1/postgres").run(&["db", "check"]);
    assert_eq!(ran.code, Some(7), "{}", ran.err);
    holds(&ran.out, &["✓ server      PostgreSQL answers at 127.54.5.1:5432/postgres", "✗ login", "is wrong or"]);
    let ran = Shell::on("postgres://cat:s3cret@127.54.5.1:5434/postgres").run(&["db", "check"]);
    assert_eq!(ran.code, Some(7), "{}", ran.err);
    holds(&ran.out, &["✗ server", "connection refused", "answers on port 5432 there"]);
}
