//! Pictures: kept by who has them, smaller where that is wished.

use resvg::tiny_skia::Pixmap;

use super::local_cat;
use crate::commands::shell;
use crate::support::http::{Answer, ask, get};

fn size(answer: &Answer) -> (u32, u32) {
    let pixels = Pixmap::decode_png(&answer.body).unwrap();
    (pixels.width(), pixels.height())
}

#[test]
fn pictures_are_kept_by_who_has_them_and_made_smaller() {
    let shell = shell("pictures");
    let service = shell.service("worker,http");
    let id = local_cat(&shell, &service);
    let mut tags = Vec::new();
    for kind in ["image", "original"] {
        let path = format!("/v1/generations/{id}/{kind}");
        let whole = get(&service, &path);
        assert_eq!((whole.status, size(&whole)), (200, (768, 448)));
        assert_eq!(whole.header("content-type"), Some("image/png"));
        assert_eq!(whole.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(whole.header("cache-control"), Some("private, max-age=31536000, immutable"));
        let tag = whole.header("etag").unwrap().to_owned();
        let head = ask(&service, &format!("HEAD {path} HTTP/1.1"), b"");
        assert_eq!((head.status, head.body.len(), head.header("etag")), (200, 0, Some(tag.as_str())));
        assert_eq!(head.header("content-length"), Some(whole.body.len().to_string().as_str()));
        for (told, expected) in [(tag.as_str(), 304), ("*", 304), ("\"other\"", 200)] {
            let answer = ask(&service, &format!("GET {path} HTTP/1.1\nif-none-match: {told}"), b"");
            assert_eq!(answer.status, expected, "{told}");
            assert_eq!(answer.body.is_empty(), expected == 304);
            assert_eq!(answer.header("etag"), Some(tag.as_str()));
        }
        let small = get(&service, &format!("{path}?width=192"));
        assert_eq!(size(&small), (192, 112));
        assert!(small.body.len() < whole.body.len() / 4);
        assert_eq!(get(&service, &format!("{path}?width=192")).body, small.body);
        let large = get(&service, &format!("{path}?width=1024"));
        assert_eq!(large.body, whole.body, "nothing is gained by making it larger");
        tags.extend([tag, small.header("etag").unwrap().to_owned()]);
        for wrong in ["width=0", "width=100", "width=-1", "width=x", "width=4294967296", "height=96"] {
            assert_eq!(get(&service, &format!("{path}?{wrong}")).status, 400, "{wrong}");
        }
    }
    let different: std::collections::BTreeSet<_> = tags.iter().collect();
    assert_eq!(different.len(), 4, "{tags:?}");
}
