//! Hosts that mean harm: each costs a failure of the right kind and a bounded amount of everything.

use std::io::{Read as _, Write as _};
use std::time::Duration;

use flate2::Compression;
use flate2::write::{DeflateEncoder, ZlibEncoder};
use repo_to_cat::config::Fetch;
use repo_to_cat::model::failure::{Failure, Kind};
use repo_to_cat::model::tree::Tree;
use tempfile::TempDir;

use super::fixture::{Hostile, honest};
use super::get;
use super::server::{
    ADVERTISEMENT, Connection, RESULT, Server, answer, entry_header, head, pack, pack_head, packet, side_band,
    upload_pack,
};

/// A server that is honest until the objects are asked for.
fn server(send_pack: impl Fn(&mut Connection) -> std::io::Result<()> + Send + Sync + 'static) -> (TempDir, Server) {
    let folder = tempfile::tempdir().expect("a folder");
    honest(folder.path());
    let path = folder.path().to_owned();
    let server =
        Server::start(
            move |request, stream| {
                if request.asks_for_pack() { send_pack(stream) } else { upload_pack(&path, request, stream) }
            },
        );
    (folder, server)
}

fn failure(server: &Server, settings: &Fetch) -> Failure {
    let failure = get(&server.source(), None, settings, &server.work()).expect_err("it must fail");
    let left = std::fs::read_dir(server.work()).expect("the work folder").count();
    assert_eq!(left, 0, "a failed fetch leaves nothing");
    failure
}

fn zlib(data: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(data).expect("memory");
    encoder.finish().expect("memory")
}

fn blob(data: &[u8]) -> Vec<u8> {
    [entry_header(3, data.len() as u64), zlib(data)].concat()
}

fn id(kind: &str, data: &[u8]) -> gix::ObjectId {
    let mut hasher = gix::hash::hasher(gix::hash::Kind::Sha1);
    hasher.update(format!("{kind} {}\0", data.len()).as_bytes());
    hasher.update(data);
    hasher.try_finalize().expect("a hash")
}

/// A size as the start of a delta has it.
fn length(mut size: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while size >= 128 {
        bytes.push((size & 127) as u8 | 128);
        size >>= 7;
    }
    bytes.push(size as u8);
    bytes
}

/// Bytes that do not compress.
fn noise(length: usize) -> Vec<u8> {
    let step = |state: &mut u64| {
        *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        Some((*state >> 56) as u8)
    };
    std::iter::repeat_n((), length).scan(7_u64, |state, ()| step(state)).collect()
}

/// A blob of `megabytes` of zeros as a pack entry of a few kilobytes per gigabyte, made without making the zeros.
fn zeros(megabytes: u64) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(&vec![0; 1 << 20]).expect("memory");
    encoder.flush().expect("a full block");
    let first = encoder.get_ref().len();
    encoder.write_all(&vec![0; 1 << 20]).expect("memory");
    encoder.flush().expect("a full block");
    let (head, repeated) = encoder.get_ref().split_at(first);
    let mut entry = entry_header(3, megabytes << 20);
    entry.extend_from_slice(&[0x78, 0xda]);
    entry.extend_from_slice(head);
    for _ in 1..megabytes {
        entry.extend_from_slice(repeated);
    }
    // an empty last block and the Adler-32 sum of zeros
    entry.extend_from_slice(&[0x03, 0x00]);
    let sum = ((megabytes << 20) % 65521) as u32;
    entry.extend_from_slice(&((sum << 16) | 1).to_be_bytes());
    entry
}

#[test]
fn an_endless_pack_ends_at_the_byte_cap() {
    let (_folder, server) = server(|stream| {
        pack_head(stream)?;
        side_band(stream, 1, b"PACK\0\0\0\x02\0\x01\0\0")?;
        let entry = blob(&noise(50_000));
        loop {
            side_band(stream, 1, &entry)?;
        }
    });
    let failure = failure(&server, &server.settings());
    assert_eq!(failure.kind(), Kind::TooLarge, "{failure:?}");
    assert_eq!(failure.what(), format!("https://localhost:{}/o/r sends more than 8 MB", server.port));
}

#[test]
fn a_pack_that_claims_four_billion_objects_is_too_large() {
    let (_folder, server) = server(|stream| {
        pack_head(stream)?;
        side_band(stream, 1, b"PACK\0\0\0\x02\xff\xff\xff\xff")?;
        side_band(stream, 1, &blob(b"x"))
    });
    assert_eq!(failure(&server, &server.settings()).kind(), Kind::TooLarge);
}

#[test]
fn endless_chatter_ends_at_the_byte_cap() {
    let (_folder, server) = server(|stream| {
        pack_head(stream)?;
        loop {
            side_band(stream, 2, &vec![b'.'; 50_000])?;
        }
    });
    assert_eq!(failure(&server, &server.settings()).kind(), Kind::TooLarge);
    let server = Server::start(|_, stream| {
        head(stream, 200, &ADVERTISEMENT)?;
        stream.write_all(&packet(b"version 2\n"))?;
        loop {
            stream.write_all(&packet(&vec![b'x'; 60_000]))?;
        }
    });
    assert_eq!(failure(&server, &server.settings()).kind(), Kind::TooLarge);
}

#[test]
fn a_slow_drip_ends_at_the_time_cap() {
    let (_folder, server) = server(|stream| {
        pack_head(stream)?;
        loop {
            side_band(stream, 2, b".")?;
            stream.flush()?;
            std::thread::sleep(Duration::from_millis(100));
        }
    });
    let settings = Fetch { max_seconds: 2, ..server.settings() };
    let failure = failure(&server, &settings);
    assert_eq!(failure.kind(), Kind::TooLarge);
    assert!(failure.what().contains("longer than 2 s"), "{failure}");
}

#[test]
fn silence_ends() {
    let server = Server::start(|_, stream| {
        let _ = stream.read(&mut [0]);
        Ok(())
    });
    let settings = Fetch { max_seconds: 2, ..server.settings() };
    let failure = failure(&server, &settings);
    assert!(matches!(failure.kind(), Kind::Unavailable | Kind::TooLarge), "{failure:?}");
}

#[test]
fn a_cut_connection_is_unavailable() {
    let (_folder, server) = server(|stream| {
        head(stream, 200, &[RESULT[0], ("Content-Length", "100000")])?;
        stream.write_all(&packet(b"packfile\n"))?;
        let whole = pack(&[blob(&noise(5000))]);
        side_band(stream, 1, &whole[..2000])?;
        stream.flush()?;
        stream.sock.shutdown(std::net::Shutdown::Both)
    });
    let failure = failure(&server, &server.settings());
    assert_eq!(failure.kind(), Kind::Unavailable, "{failure:?}");
}

#[test]
fn a_pack_that_ends_early_is_unavailable_or_unusable() {
    let (_folder, server) = server(|stream| {
        pack_head(stream)?;
        let whole = pack(&[blob(&noise(5000))]);
        side_band(stream, 1, &whole[..2000])?;
        stream.write_all(b"0000")
    });
    let failure = failure(&server, &server.settings());
    assert!(matches!(failure.kind(), Kind::Unavailable | Kind::Unusable), "{failure:?}");
}

#[test]
fn garbage_is_unusable() {
    for (headers, body) in [
        (&[("Content-Type", "text/html")][..], &b"<html>Welcome!</html>"[..]),
        (&ADVERTISEMENT, b"<html>Welcome!</html>"),
        (&ADVERTISEMENT, b"zzzz"),
        (&ADVERTISEMENT, b"0000"),
        (&ADVERTISEMENT, b"000eversion 2\n0000"),
        (&ADVERTISEMENT, b"\xff\xfe\0\0"),
    ] {
        let server = Server::start(move |_, stream| answer(stream, 200, headers, body));
        let failure = failure(&server, &server.settings());
        assert_eq!(failure.kind(), Kind::Unusable, "{body:?}: {failure:?}");
    }
    for body in [
        &b"garbage"[..],
        b"0009pack\n",
        b"0008NAK\n0000",
        b"000dpackfile\n0009\x01PACK0000",
        b"0011\x03no such thing0000",
    ] {
        let (_folder, server) = server(move |stream| answer(stream, 200, &RESULT, body));
        let failure = failure(&server, &server.settings());
        assert!(matches!(failure.kind(), Kind::Unusable | Kind::Unavailable), "{body:?}: {failure:?}");
    }
}

#[test]
fn what_a_host_says_cannot_steer_a_terminal_or_break_an_insert() {
    let (_folder, dismissive) =
        server(|stream| answer(stream, 200, &RESULT, &packet(b"ERR go-away\0\x1b[2J\r\xe2\x80\xae")));
    let headless = Server::start(|request, stream| {
        let greeting = [&b"version 2\n"[..], b"ls-refs=unborn\n", b"fetch=shallow\n"];
        let head = b"unborn HEAD symref-target:refs/heads/go-away\0\x1b[2J\xe2\x80\xae\n";
        let branch = format!("{} refs/heads/main\n", "1".repeat(40));
        let (headers, lines) = match request.method.as_str() {
            "GET" => (&ADVERTISEMENT, greeting.map(packet).concat()),
            _ => (&RESULT, [&head[..], branch.as_bytes()].map(packet).concat()),
        };
        answer(stream, 200, headers, &[lines, b"0000".to_vec()].concat())
    });
    for server in [dismissive, headless] {
        let failure = failure(&server, &server.settings());
        let told = [failure.causes(), vec![failure.what().to_owned()]].concat().join("\n");
        assert!(told.contains("go-away"), "{told:?}");
        let is_harmful = |c: char| c.is_control() && c != '\n' || c == '\u{202e}';
        assert!(!told.contains(is_harmful), "{told:?}");
    }
}

#[test]
fn a_pack_without_the_commit_is_unusable() {
    for entries in [vec![], vec![blob(b"not what you asked for")]] {
        let (_folder, server) = server(move |stream| {
            pack_head(stream)?;
            side_band(stream, 1, &pack(&entries))?;
            stream.write_all(b"0000")
        });
        let failure = failure(&server, &server.settings());
        assert_eq!(failure.kind(), Kind::Unusable, "{failure:?}");
    }
}

#[test]
fn a_wrong_checksum_is_unusable() {
    let (_folder, server) = server(|stream| {
        pack_head(stream)?;
        let mut whole = pack(&[blob(b"x")]);
        *whole.last_mut().expect("a byte") ^= 1;
        side_band(stream, 1, &whole)?;
        stream.write_all(b"0000")
    });
    assert_eq!(failure(&server, &server.settings()).kind(), Kind::Unusable);
}

#[test]
fn two_gigabytes_of_zeros_are_too_large() {
    let (_folder, server) = server(|stream| {
        pack_head(stream)?;
        side_band(stream, 1, &pack(&[zeros(2048)]))?;
        stream.write_all(b"0000")
    });
    let settings = Fetch { max_memory_mb: 512, ..server.settings() };
    let failure = failure(&server, &settings);
    assert_eq!(failure.kind(), Kind::TooLarge, "{failure:?}");
}

#[test]
fn a_delta_that_grows_is_too_large() {
    let (_folder, server) = server(|stream| {
        let base = vec![0_u8; 0x10_0000];
        let id = id("blob", &base);
        // each instruction copies the first 64 KB of the base
        let copies = 32_768_u64;
        let mut delta = [length(base.len() as u64), length(copies << 16)].concat();
        delta.extend(std::iter::repeat_n(0x80, copies as usize));
        let delta = [entry_header(7, delta.len() as u64), id.as_slice().to_vec(), zlib(&delta)].concat();
        pack_head(stream)?;
        side_band(stream, 1, &pack(&[blob(&base), delta]))?;
        stream.write_all(b"0000")
    });
    let settings = Fetch { max_memory_mb: 512, ..server.settings() };
    let failure = failure(&server, &settings);
    assert_eq!(failure.kind(), Kind::TooLarge, "{failure:?}");
}

#[test]
fn too_little_memory_is_said_so() {
    let (_folder, server) = server(|stream| {
        pack_head(stream)?;
        side_band(stream, 1, &pack(&[zeros(256)]))?;
        stream.write_all(b"0000")
    });
    for megabytes in [64, 300] {
        let settings = Fetch { max_memory_mb: megabytes, max_object_mb: 1000, ..server.settings() };
        let failure = failure(&server, &settings);
        assert_eq!(failure.kind(), Kind::TooLarge, "{megabytes} MB: {failure:?}");
        assert!(failure.hint_text().is_some_and(|hint| hint.contains("max_memory_mb")), "{failure:?}");
    }
}

#[test]
fn a_long_chain_of_deltas_ends() {
    let chain: u64 = 50_000;
    let hostile = Hostile::new();
    let ids: Vec<_> = (0..chain).map(|n| id("blob", &n.to_be_bytes())).collect();
    let names: Vec<String> = (0..900).map(|n| format!("f{n:03}")).collect();
    let deepest: Vec<_> =
        names.iter().zip(ids.iter().rev()).map(|(name, id)| ("100644", name.as_bytes(), *id)).collect();
    let tree = hostile.tree(&deepest);
    let commit = hostile.commit(tree);
    let plain = |kind: u8, id| {
        let data = hostile.content(id);
        [entry_header(kind, data.len() as u64), zlib(&data)].concat()
    };
    let mut entries = vec![plain(1, commit), plain(2, tree), blob(&0_u64.to_be_bytes())];
    for n in 1..chain {
        // each blob is made from the one before it, of which it keeps nothing
        let delta = [length(8), length(8), vec![8], n.to_be_bytes().to_vec()].concat();
        let distance = entries.last().expect("the one before").len() as u8;
        assert!(distance < 128);
        entries.push([entry_header(6, delta.len() as u64), vec![distance], zlib(&delta)].concat());
    }
    let whole = pack(&entries);
    let path = hostile.path();
    let server = Server::start(move |request, stream| {
        if !request.asks_for_pack() {
            return upload_pack(&path, request, stream);
        }
        pack_head(stream)?;
        side_band(stream, 1, &whole)?;
        stream.write_all(b"0000")
    });
    match get(&server.source(), None, &server.settings(), &server.work()) {
        Ok(snapshot) => {
            let entry = &snapshot.entries()[0];
            assert_eq!(snapshot.read(entry).expect("the last of the chain"), (chain - 1).to_be_bytes());
        }
        Err(failure) => assert_eq!(failure.kind(), Kind::TooLarge, "{failure:?}"),
    }
}
