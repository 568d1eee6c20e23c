//! A server that is measured, as it begins.

use std::error::Error;
use std::io::{BufRead as _, BufReader, Read};
use std::result::Result;
use std::thread;

/// The address that a server tells; what it says after is not kept from being said.
pub fn address(told: impl Read + Send + 'static) -> Result<String, Box<dyn Error>> {
    let mut lines = BufReader::new(told).lines();
    for line in lines.by_ref() {
        let line = line?;
        if let Some((_, address)) = line.split_once("address=") {
            thread::spawn(move || lines.map_while(Result::ok).for_each(|line| eprintln!("{line}")));
            return Ok(address.trim().to_owned());
        }
        eprintln!("{line}");
    }
    Err("a server ended before it told where it listens".into())
}
