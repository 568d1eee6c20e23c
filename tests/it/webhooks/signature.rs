//! The recipes of docs/webhooks.md verify what is sent, and nothing else.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use serde_json::json;

use super::bed::Bed;
use crate::fetch::server::Request;

/// The first block of a language in the document.
fn recipe(language: &str, with: &str) -> String {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/webhooks.md")).unwrap();
    let fence = format!("```{language}\n");
    let mut blocks = text.split(&fence).skip(1).map(|rest| rest.split("```").next().unwrap());
    blocks.find(|block| block.contains(with)).expect("a recipe").to_owned()
}

fn python(secret: &str, request: &Request, body: &[u8]) -> bool {
    let headers: serde_json::Map<_, _> =
        request.headers.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
    let call = "import json, sys\nsecret, headers, body = json.loads(sys.argv[1])\n\
                sys.exit(0 if verify(secret, headers, bytes(body)) else 1)\n";
    let arguments = json!([secret, headers, body]).to_string();
    let script = format!("{}\n{call}", recipe("python", "def verify"));
    Command::new("python3").args(["-c", &script, &arguments]).status().unwrap().success()
}

fn shell(folder: &Path, secret: &str, request: &Request, body: &[u8]) -> String {
    fs::write(folder.join("body"), body).unwrap();
    let mut command = Command::new("sh");
    command.args(["-c", &recipe("sh", "openssl")]).current_dir(folder).env("secret", secret);
    for (variable, header) in
        [("id", "webhook-id"), ("timestamp", "webhook-timestamp"), ("signature", "webhook-signature")]
    {
        command.env(variable, request.header(header).unwrap());
    }
    String::from_utf8(command.output().unwrap().stdout).unwrap().trim().to_owned()
}

#[test]
fn the_recipes_of_the_document_verify_what_is_sent_and_nothing_else() {
    let bed = Bed::make("signed", Vec::new());
    let told = bed.shell.json(&["webhooks", "secret"]);
    let file = Path::new(told["file"].as_str().unwrap()).to_owned();
    let file = bed.shell.folder().join(file);
    let old = fs::read_to_string(&file).unwrap().trim().to_owned();
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(!bed.shell.succeeds(&["webhooks", "secret"]).contains(&old), "it is told where, not what");
    bed.ask(&[]);
    let _service = bed.shell.service("worker");
    let request = bed.heard(1).remove(0);
    assert!(python(&old, &request, &request.body));
    assert_eq!(shell(bed.shell.folder(), &old, &request, &request.body), "good");
    let changed = [&request.body[..], b" "].concat();
    assert!(!python(&old, &request, &changed));
    assert_eq!(shell(bed.shell.folder(), &old, &request, &changed), "bad");

    // While the secret is exchanged, who has either one can verify; the service goes on meanwhile.
    let new = "whsec_bmV3IG5ldyBuZXcgbmV3IG5ldyBuZXch";
    fs::write(&file, format!("{new}\n{old}\n")).unwrap();
    bed.ask(&[]);
    let request = bed.heard(2).remove(1);
    assert_eq!(request.header("webhook-signature").unwrap().split(' ').count(), 2);
    assert!(python(&old, &request, &request.body) && python(new, &request, &request.body));
    assert_eq!(shell(bed.shell.folder(), new, &request, &request.body), "good");
    assert!(!python("whsec_b3RoZXIgb3RoZXIgb3RoZXIgb3RoZXI=", &request, &request.body));
}
