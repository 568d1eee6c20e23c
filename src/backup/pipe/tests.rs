//! What goes in comes out, whatever the recipe; what is damaged does not.

use std::fs;
use std::io::{self, Read, Write};
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Stdio};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex};

use age::secrecy::ExposeSecret as _;
use proptest::prelude::*;

use super::*;
use crate::model::failure::Result;

const CODECS: [Compression; 4] = [Compression::None, Compression::Gzip, Compression::Lz4, Compression::Zstd];

/// A file in memory.
#[derive(Clone, Default)]
struct Sink(Arc<Mutex<Vec<u8>>>);

impl Write for Sink {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(buf);
        Ok(buf.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn recipe(compression: Compression, level: u8, recipients: Recipients) -> Recipe {
    Recipe { compression, level, threads: 3, recipients }
}

fn encode(recipe: &Recipe, raw: &[u8]) -> (Vec<u8>, Encoded) {
    let sink = Sink::default();
    let mut encoder = Encoder::start(recipe, sink.clone()).unwrap();
    raw.chunks(100_003).for_each(|piece| encoder.write_all(piece).unwrap());
    let done = encoder.finish().unwrap();
    let file = std::mem::take(&mut *sink.0.lock().unwrap());
    (file, done)
}

fn read(file: &[u8], identities: &Identities) -> Result<(Vec<u8>, Layers)> {
    let (mut reader, layers) = decode(file, identities)?;
    let mut raw = Vec::new();
    reader.read_to_end(&mut raw).map_err(|error| failure_of(error, "cannot read"))?;
    Ok((raw, layers))
}

/// Text such as a dump's: `seed` decides what it says.
fn text(bytes: usize, seed: u64) -> Vec<u8> {
    let mut state = seed | 1;
    let mut raw = Vec::with_capacity(bytes + 64);
    while raw.len() < bytes {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        writeln!(raw, "{}\t{}\tcat number {:x}\t\\N", raw.len(), state >> 40, state >> 33).unwrap();
    }
    raw.truncate(bytes);
    raw
}

fn identity_file(text: &str, mode: u32) -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), text).unwrap();
    fs::set_permissions(file.path(), fs::Permissions::from_mode(mode)).unwrap();
    file
}

/// A key and those whom files may be encrypted to for it.
fn key() -> (Identities, Recipients) {
    let identity = age::x25519::Identity::generate();
    let text = format!("# created: now\n# public key: x\n{}\n", identity.to_string().expose_secret());
    let identities = Identities::read(identity_file(&text, 0o600).path()).unwrap();
    let recipients = Recipients::parse(&identities.recipients()).unwrap();
    (identities, recipients)
}

/// What `program` makes of `file` on its standard input; none where it is not installed.
fn piped(program: &str, arguments: &[&str], file: &[u8]) -> Option<Vec<u8>> {
    let mut command = Command::new(program);
    let spawned = command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
    let mut child = match spawned {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
        spawned => spawned.unwrap(),
    };
    let mut input = child.stdin.take().unwrap();
    let output = std::thread::scope(|scope| {
        scope.spawn(move || input.write_all(file).unwrap());
        child.wait_with_output().unwrap()
    });
    assert!(output.status.success(), "{program} refused it");
    Some(output.stdout)
}

#[test]
fn other_programs_read_our_files_and_we_theirs() {
    let raw = text(1_700_000, 7);
    for (compression, program) in [(Compression::Gzip, "gzip"), (Compression::Zstd, "zstd"), (Compression::Lz4, "lz4")]
    {
        for raw in [&raw[..], b""] {
            let (file, encoded) = encode(&recipe(compression, 0, Recipients::default()), raw);
            assert_eq!(encoded.raw_bytes, raw.len() as u64);
            if let Some(theirs) = piped(program, &["-dc"], &file) {
                assert!(theirs == raw, "{program} reads something else");
                let mut twice = piped(program, &["-c"], raw).unwrap();
                twice.extend_from_slice(&twice.clone());
                let (ours, layers) = read(&twice, &Identities::default()).unwrap();
                assert!(ours == [raw, raw].concat(), "we read something else of {program}'s");
                assert_eq!(layers, Layers { is_encrypted: false, compression });
            }
        }
    }
}

#[test]
fn the_sum_is_of_what_is_stored() {
    for compression in CODECS {
        let (file, encoded) = encode(&recipe(compression, 0, key().1), &text(700_000, 3));
        assert_eq!(encoded.bytes, file.len() as u64);
        let mut summing = Summing::new(&file[..]);
        io::copy(&mut summing, &mut io::sink()).unwrap();
        assert_eq!(summing.finish(), (encoded.bytes, encoded.sha256.clone()));
        if let Some(theirs) = piped("sha256sum", &[], &file) {
            assert!(theirs.starts_with(encoded.sha256.as_bytes()));
        }
    }
}

#[test]
fn a_file_that_is_cut_or_changed_is_refused() {
    let (identities, recipients) = key();
    let raw = text(1_200_000, 5);
    for compression in CODECS {
        for recipients in [Recipients::default(), recipients.clone()] {
            let is_open = recipients.is_empty();
            if is_open && compression == Compression::None {
                continue;
            }
            let (file, _) = encode(&recipe(compression, 0, recipients), &raw);
            let layers = Layers { is_encrypted: !is_open, compression };
            for end in (0..file.len()).step_by(file.len() / 23).chain(file.len() - 9..file.len()) {
                let cut = decode_as(&file[..end], &layers, &identities).map(|mut reader| {
                    let mut raw = Vec::new();
                    reader.read_to_end(&mut raw).map_err(|error| failure_of(error, "cannot read"))
                });
                let failure = cut.and_then(|read| read).expect_err("it is not whole");
                assert_eq!(failure.kind(), Kind::Unusable, "{compression:?} cut at {end}: {failure:?}");
            }
            for at in (200..file.len() - 8).step_by(file.len() / 23) {
                let mut changed = file.clone();
                changed[at] ^= 0x10;
                match read(&changed, &identities) {
                    Err(failure) => assert_eq!(failure.kind(), Kind::Unusable, "{failure:?}"),
                    Ok((read, _)) => assert!(read != raw && is_open, "{compression:?} at {at}"),
                }
            }
        }
    }
}

#[test]
fn a_key_that_does_not_fit_is_told_from_damage() {
    let (file, _) = encode(&recipe(Compression::Zstd, 0, key().1), b"secret");
    assert!(!file.windows(6).any(|part| part == b"secret"));
    for identities in [key().0, Identities::default()] {
        assert_eq!(read(&file, &identities).unwrap_err().kind(), Kind::Unauthorized);
    }
}

#[test]
fn one_bad_recipient_refuses_all() {
    let good = key().1.keys()[0].clone();
    let no_point = "age1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq";
    for bad in
        ["", "age1", "ssh-ed25519 AAAA", &good[..good.len() - 1], &good.replace("age1", "age1q"), ZEROS, no_point]
    {
        let failure = Recipients::parse(&[good.clone(), bad.to_owned()]).unwrap_err();
        assert_eq!(failure.kind(), Kind::Invalid, "{bad}");
    }
    let secret = age::x25519::Identity::generate().to_string();
    let failure = Recipients::parse(&[secret.expose_secret().to_owned()]).unwrap_err();
    assert!(!format!("{failure:?}").contains(secret.expose_secret()));
}

/// A key that everybody can decrypt for.
const ZEROS: &str = "age1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq5cu47z";

#[test]
fn an_identity_file_is_the_owners_alone_and_holds_identities() {
    let secret = age::x25519::Identity::generate().to_string();
    let secret = secret.expose_secret();
    let kind = |text: &str, mode| Identities::read(identity_file(text, mode).path()).unwrap_err();
    assert_eq!(kind(secret, 0o640).kind(), Kind::Refused);
    assert_eq!(kind(secret, 0o604).kind(), Kind::Refused);
    assert_eq!(kind("", 0o600).kind(), Kind::Invalid);
    assert_eq!(kind("# nothing\n\n", 0o600).kind(), Kind::Invalid);
    let garbage = kind(&format!("{secret}\n{secret}x\n"), 0o600);
    assert!(garbage.what().starts_with("line 2 of "), "{garbage}");
    assert!(!format!("{garbage:?}").contains(secret));
    assert_eq!(Identities::read("no/such/file".as_ref()).unwrap_err().kind(), Kind::NotFound);
    let read = Identities::read(identity_file(&format!("{secret}\n"), 0o400).path()).unwrap();
    assert!(!read.is_empty() && !format!("{read:?}").contains(secret));
}

#[test]
fn a_level_that_does_not_exist_is_refused() {
    for (compression, level) in [(Compression::Zstd, 20), (Compression::Gzip, 10), (Compression::Lz4, 1)] {
        let started = Encoder::start(&recipe(compression, level, Recipients::default()), io::sink());
        assert_eq!(started.err().map(|failure| failure.kind()), Some(Kind::Invalid));
    }
}

/// A writer that takes `room` bytes and then fails as `fail` says; tells when it is dropped.
struct Full {
    room: usize,
    fail: fn() -> io::Error,
    dropped: Sender<()>,
}

impl Write for Full {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.room = self.room.checked_sub(buf.len()).ok_or_else(self.fail)?;
        Ok(buf.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Full {
    fn drop(&mut self) {
        let _ = self.dropped.send(());
    }
}

#[test]
fn the_writers_own_error_comes_back() {
    let fails: [(fn() -> io::Error, Kind); 2] = [
        (|| io::ErrorKind::StorageFull.into(), Kind::Environment),
        (|| io::Error::other(Failure::new(Kind::Throttled, "slow down")), Kind::Throttled),
    ];
    for (fail, kind) in fails {
        for recipients in [Recipients::default(), key().1] {
            // Found out while writing, ...
            let (dropped, drops) = channel();
            let recipe = recipe(Compression::None, 0, recipients);
            let mut encoder = Encoder::start(&recipe, Full { room: 1 << 20, fail, dropped }).unwrap();
            let error = io::copy(&mut io::repeat(b'x'), &mut encoder).unwrap_err();
            assert_eq!(failure_of(error, "cannot write").kind(), kind);
            drops.recv().unwrap();
            assert!(encoder.write(b"x").is_ok_and(|taken| taken == 1) || encoder.finish().is_err(), "it stays failed");
            // ... or at the end.
            let (dropped, _) = channel();
            let mut encoder = Encoder::start(&recipe, Full { room: 10, fail, dropped }).unwrap();
            encoder.write_all(&[b'x'; 11]).unwrap();
            assert_eq!(encoder.finish().unwrap_err().kind(), kind);
        }
    }
}

#[test]
fn an_encoder_that_is_given_up_ends_its_threads_without_ending_the_file() {
    let (identities, recipients) = key();
    let sink = Sink::default();
    let (dropped, drops) = channel();
    let out = Both(sink.clone(), Full { room: usize::MAX, fail: || io::ErrorKind::Other.into(), dropped });
    let mut encoder = Encoder::start(&recipe(Compression::Zstd, 0, recipients), out).unwrap();
    encoder.write_all(&text(5_000_000, 9)).unwrap();
    drop(encoder);
    drops.recv().unwrap();
    let file = sink.0.lock().unwrap().clone();
    assert!(read(&file, &identities).is_err());
}

/// Writes to the one and, with it, drops the other.
struct Both(Sink, #[expect(dead_code, reason = "it tells when it is dropped")] Full);

impl Write for Both {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.0.write(buf)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn what_goes_in_comes_out(
        codec in 0_usize..4, level in 0_u8..10, border in 0_usize..4, beside in -2_isize..3, few in 0_usize..300,
        seed: u64, is_encrypted: bool, threads in 1_usize..5,
    ) {
        let compression = CODECS[codec];
        let level = if compression.levels().contains(&level) { level } else { 0 };
        let bytes = if border == 0 { few } else { (border * (512 << 10)).saturating_add_signed(beside) };
        let raw = text(bytes, seed);
        let (identities, recipients) = if is_encrypted { key() } else { Default::default() };
        let recipe = Recipe { compression, level, threads, recipients };
        let (file, encoded) = encode(&recipe, &raw);
        prop_assert_eq!((encoded.raw_bytes, encoded.bytes), (raw.len() as u64, file.len() as u64));
        let (read, layers) = read(&file, &identities).unwrap();
        prop_assert!(read == raw);
        prop_assert_eq!(&layers, &Layers { is_encrypted, compression });
        let mut known = Vec::new();
        decode_as(&file[..], &layers, &identities).unwrap().read_to_end(&mut known).unwrap();
        prop_assert!(known == raw);
    }
}
