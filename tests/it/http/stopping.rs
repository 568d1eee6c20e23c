//! The end of the listener: what is under way is finished, nothing new is begun.

use std::io::{Read, Write};
use std::net::TcpStream;

use rustix::process::Signal;

use crate::commands::shell;
use crate::support::http::get;
use crate::support::postgres::{kill, wait_until};

#[test]
fn what_is_under_way_is_finished_and_nothing_new_is_begun() {
    let shell = shell("stopping");
    let service = shell.service("http");
    let address = service.address();
    let mut idle = TcpStream::connect(&address).unwrap();
    idle.write_all(b"GET /health/live HTTP/1.1\r\nhost: localhost\r\n\r\n").unwrap();
    let mut first = [0; 12];
    idle.read_exact(&mut first).unwrap();
    assert_eq!(&first, b"HTTP/1.1 200");

    let mut asking = TcpStream::connect(&address).unwrap();
    asking
        .write_all(b"POST /v1/generations HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n")
        .unwrap();
    asking.write_all(b"content-length: 2\r\n\r\n{").unwrap();
    // Another connection's answer shows that this one was accepted.
    assert_eq!(get(&service, "/health/live").status, 200);
    kill(service.id(), Signal::TERM);
    let mut rest = Vec::new();
    idle.read_to_end(&mut rest).unwrap();
    wait_until("the address to be free", || TcpStream::connect(&address).is_err());

    asking.write_all(b"}").unwrap();
    let mut answer = String::new();
    asking.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 400") && answer.contains("problem+json"), "{answer}");
    let (status, log) = service.stop(Signal::CONT);
    assert!(status.success() && !log.contains("were cut off"), "{status}: {log}");
}
