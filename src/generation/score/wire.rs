//! The frames between the analysis and its parser processes: lengths in little-endian, then bytes.

use std::io::{self, Read, Write};

use super::examine::Depth;
use super::facts::FileFacts;

/// Longest part of a frame that is believed, in bytes.
const MAX_PART: u32 = 1 << 30;
/// What a child says when it is ready; anything else is not our program.
const READY: &[u8; 8] = b"r2cparse";

/// One file to examine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// How much is to be found out.
    pub depth: Depth,
    /// How thinly windows are sampled.
    pub shift: u8,
    /// The path in the tree.
    pub path: String,
    /// The content.
    pub content: Vec<u8>,
}

/// Tells the child its most memory, in bytes.
pub fn write_hello(to: &mut impl Write, max_memory: u64) -> io::Result<()> {
    to.write_all(&max_memory.to_le_bytes())?;
    to.flush()
}

/// Reads the child's most memory, in bytes.
pub fn read_hello(from: &mut impl Read) -> io::Result<u64> {
    let mut bytes = [0; 8];
    from.read_exact(&mut bytes)?;
    Ok(u64::from_le_bytes(bytes))
}

/// Says that the child is ready.
pub fn write_ready(to: &mut impl Write) -> io::Result<()> {
    to.write_all(READY)?;
    to.flush()
}

/// Waits until the child is ready.
pub fn read_ready(from: &mut impl Read) -> io::Result<()> {
    let mut bytes = [0; 8];
    from.read_exact(&mut bytes)?;
    if &bytes == READY { Ok(()) } else { Err(io::Error::new(io::ErrorKind::InvalidData, "another program answered")) }
}

/// Sends a file.
pub fn write_request(to: &mut impl Write, request: &Request) -> io::Result<()> {
    let depth = u8::from(request.depth == Depth::Parse);
    to.write_all(&[depth, request.shift])?;
    write_part(to, request.path.as_bytes())?;
    write_part(to, &request.content)?;
    to.flush()
}

/// Receives a file; `None` at the end of the input.
pub fn read_request(from: &mut impl Read) -> io::Result<Option<Request>> {
    let mut head = [0; 2];
    match from.read_exact(&mut head) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        other => other?,
    }
    let depth = if head[0] == 1 { Depth::Parse } else { Depth::Count };
    let path = String::from_utf8(read_part(from)?).map_err(io::Error::other)?;
    Ok(Some(Request { depth, shift: head[1], path, content: read_part(from)? }))
}

/// Sends the answer to a file.
pub fn write_answer(to: &mut impl Write, facts: &FileFacts, windows: &[u64]) -> io::Result<()> {
    write_part(to, &serde_json::to_vec(facts)?)?;
    let windows: Vec<u8> = windows.iter().flat_map(|window| window.to_le_bytes()).collect();
    write_part(to, &windows)?;
    to.flush()
}

/// Receives the answer to a file.
pub fn read_answer(from: &mut impl Read) -> io::Result<(FileFacts, Vec<u64>)> {
    let facts = serde_json::from_slice(&read_part(from)?)?;
    let windows = read_part(from)?;
    let windows = windows.as_chunks::<8>().0.iter().map(|bytes| u64::from_le_bytes(*bytes)).collect();
    Ok((facts, windows))
}

fn write_part(to: &mut impl Write, part: &[u8]) -> io::Result<()> {
    let length = u32::try_from(part.len()).map_err(io::Error::other)?;
    to.write_all(&length.to_le_bytes())?;
    to.write_all(part)
}

fn read_part(from: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut length = [0; 4];
    from.read_exact(&mut length)?;
    let length = u32::from_le_bytes(length);
    if length > MAX_PART {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "a frame of an impossible length"));
    }
    let mut part = Vec::new();
    from.take(u64::from(length)).read_to_end(&mut part)?;
    if part.len() == length as usize { Ok(part) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let request = Request { depth: Depth::Parse, shift: 3, path: "a/ä.py".into(), content: vec![0, 255, 10] };
        let mut bytes = Vec::new();
        write_request(&mut bytes, &request).unwrap();
        let mut from = bytes.as_slice();
        assert_eq!(read_request(&mut from).unwrap(), Some(request));
        assert_eq!(read_request(&mut from).unwrap(), None);

        let facts = FileFacts { language: Some("Go".into()), sloc: 7, ..FileFacts::default() };
        let mut bytes = Vec::new();
        write_answer(&mut bytes, &facts, &[1, u64::MAX]).unwrap();
        assert_eq!(read_answer(&mut bytes.as_slice()).unwrap(), (facts, vec![1, u64::MAX]));
        assert!(read_answer(&mut &bytes[..bytes.len() - 1]).is_err(), "a cut answer is an error");
    }

    #[test]
    fn another_program_is_noticed() {
        assert!(read_ready(&mut b"hello, world".as_slice()).is_err());
        assert!(read_ready(&mut b"".as_slice()).is_err());
    }
}
