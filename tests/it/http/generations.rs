//! Asking for cats, following them, looking at them, taking them away.

use std::fs;

use rustix::process::Signal;
use serde_json::{Value, json};

use super::{GOOD, ask_for, completed, local_cat};
use crate::commands::{count, shell};
use crate::fetch::fixture::git;
use crate::support::cli::{Service, Shell};
use crate::support::http::{get, post, send};

#[test]
fn a_cat_is_asked_for_followed_and_looked_at() {
    let shell = shell("http");
    let service = shell.service("worker,http");
    assert_eq!(get(&service, "/health/ready").status, 200);

    let asked = ask_for(&service, "\nidempotency-key: mine", GOOD);
    assert_eq!(asked.status, 202, "{}", asked.headers);
    let job = asked.json();
    let id = job["id"].as_str().unwrap();
    let own = format!("/v1/generations/{id}");
    assert_eq!((&job["is_new"], &job["state"]), (&true.into(), &"available".into()));
    assert_eq!(job["links"]["self"], own.as_str());
    assert!(asked.headers.contains(&format!("location: {own}")), "{}", asked.headers);
    assert_eq!(asked.header("idempotent-replayed"), None);
    let again = ask_for(&service, "\nidempotency-key: mine", GOOD);
    assert_eq!((again.status, again.header("idempotent-replayed")), (202, Some("true")));
    assert_eq!(again.body, asked.body, "the same request has the same answer");
    let other = ask_for(&service, "\nidempotency-key: mine", r#"{"github_url": "https://github.com/owner/other"}"#);
    assert_eq!((other.status, &other.json()["field"]), (409, &"Idempotency-Key".into()), "it stands for another one");
    assert_eq!(get(&service, &format!("{own}/image")).status, 404, "it has no picture yet");
    assert_eq!(count(&shell), 1);

    // Hosts cannot be reached here: a local cat, enqueued on the command line, has the same status page.
    let id = local_cat(&shell, &service);
    let own = format!("/v1/generations/{id}");
    let done = get(&service, &own).json();
    assert_eq!((&done["result"]["repo_name"], &done["job"]["claims"]), (&"repo".into(), &1.into()));
    assert_eq!((&done["progress"], &done["step"], &done["position"]), (&1.0.into(), &Value::Null, &Value::Null));
    assert_eq!((&done["steps"][0]["step"], &done["steps"].as_array().unwrap().len()), (&"fetch".into(), &8));
    assert_eq!((&done["cost"]["amount"], &done["attempts"]), (&0.0.into(), &json!([])));
    let why = &done["why_this_cat"];
    assert_eq!(why["attributes"][0]["attribute"], "size", "{why}");
    assert!(why["attributes"][0]["because"].as_str().unwrap().contains("KB: small is up to 1,000 KB"), "{why}");
    assert_eq!(why["score_terms"], done["result"]["analysis_data"]["score_terms"]);
    let list = get(&service, "/v1/generations?name=repo&limit=1");
    let link = format!("</v1/generations?name=repo&limit=1&after={id}>; rel=\"next\"");
    assert_eq!(list.header("link"), Some(link.as_str()));
    let list = list.json();
    assert_eq!((&list["generations"][0]["id"], &list["next"]), (&id.as_str().into(), &id.as_str().into()));
    assert_eq!(list["generations"][0]["links"]["self"], own.as_str());
    let rest = get(&service, &format!("/v1/generations?after={id}"));
    assert_eq!((rest.json(), rest.header("link")), (json!({"generations": [], "next": null}), None));
    assert!(service.stop(Signal::TERM).0.success());
}

#[test]
fn who_waits_sees_the_place_in_the_queue() {
    let shell = shell("waiting");
    let service = shell.service("http");
    let ask = |body: &str| ask_for(&service, "", body).json()["id"].as_str().unwrap().to_owned();
    let shown = |id: &str| get(&service, &format!("/v1/generations/{id}")).json();
    let ids: Vec<String> = (0..3).map(|_| ask(GOOD)).collect();
    for (nth, id) in ids.iter().enumerate() {
        assert_eq!(shown(id)["position"], json!({"place": nth + 1, "precision": "exact"}));
        assert_eq!((&shown(id)["progress"], &shown(id)["eta_seconds"]), (&0.0.into(), &Value::Null), "nobody works");
    }
    let urgent = ask(r#"{"github_url": "https://github.com/owner/name", "priority": 50}"#);
    assert_eq!((&shown(&urgent)["position"]["place"], &shown(&ids[0])["position"]["place"]), (&1.into(), &2.into()));
    // Hosts take turns.
    let elsewhere = ask(r#"{"github_url": "https://gitlab.com/owner/name"}"#);
    assert_eq!(shown(&elsewhere)["position"], json!({"place": 2, "precision": "estimate"}));
    let later = r#"{"github_url": "https://github.com/owner/name", "delay_seconds": 3600}"#;
    let asked = ask_for(&service, "\nidempotency-key: later", later).json();
    assert_eq!(asked["state"], "scheduled");
    let later = shown(asked["id"].as_str().unwrap());
    assert_eq!((&later["state"], &later["position"]), (&"scheduled".into(), &Value::Null));
    shell.succeeds(&["jobs", "cancel", &ids[0]]);
    let cancelled = shown(&ids[0]);
    assert_eq!((&cancelled["state"], &cancelled["position"]), (&"cancelled".into(), &Value::Null));
    assert_eq!(cancelled["github_url"], "https://github.com/owner/name");
    assert_eq!(
        shown(&ids[1])["position"]["place"],
        3,
        "one before it is gone; the urgent and another host's are there"
    );
}

#[test]
fn many_are_asked_for_at_once_or_none() {
    let shell = shell("batch");
    let service = shell.service("http");
    let batch = |more: &str, generations: Value| {
        send(&service, "POST", "/v1/generations/batch", more, &json!({ "generations": generations }).to_string())
    };
    let url = |name: &str| json!({"github_url": format!("https://github.com/owner/{name}")});
    let wrong = batch(
        "",
        json!([url("a"), {"github_url": "x y"}, url("b"), {"github_url": "https://github.com/a/b", "priority": 101}, {}]),
    );
    assert_eq!((wrong.status, count(&shell)), (400, 0));
    let errors = wrong.json()["errors"].as_array().unwrap().clone();
    let places: Vec<_> = errors.iter().map(|error| (error["index"].clone(), error["field"].clone())).collect();
    assert_eq!(
        places,
        [(1.into(), "github_url".into()), (3.into(), "priority".into()), (4.into(), "github_url".into())]
    );
    for (generations, field) in [
        (json!([]), "generations"),
        (json!(vec![url("a"); 1001]), "generations"),
        (json!([{"github_url": 7}]), "generations[0].github_url"),
    ] {
        let refused = batch("", generations);
        assert_eq!((refused.status, &refused.json()["field"]), (400, &field.into()));
    }

    let asked = batch("\nidempotency-key: all", json!([url("a"), url("b"), url("c")]));
    assert_eq!(asked.status, 202);
    let again = batch("\nidempotency-key: all", json!([url("a"), url("b"), url("c")]));
    assert_eq!((&again.body, again.header("idempotent-replayed")), (&asked.body, Some("true")));
    assert_eq!(batch("\nidempotency-key: all", json!([url("a"), url("b"), url("d")])).status, 409);
    let ids: Vec<Value> = asked.json()["generations"].as_array().unwrap().iter().map(|one| one["id"].clone()).collect();
    for (id, name) in ids.iter().zip(["a", "b", "c"]) {
        let shown = get(&service, &format!("/v1/generations/{}", id.as_str().unwrap())).json();
        assert_eq!(shown["github_url"], format!("https://github.com/owner/{name}"));
    }
    assert_eq!(count(&shell), 3);

    // What was discarded meanwhile is made anew, which is no replay.
    let discarded = ids[1].as_str().unwrap();
    assert_eq!(post(&service, &format!("/v1/jobs/{discarded}/discard"), "").status, 200);
    let again = batch("\nidempotency-key: all", json!([url("a"), url("b"), url("c")]));
    assert_eq!((again.status, again.header("idempotent-replayed")), (202, None));
    let again = again.json()["generations"].clone();
    assert_eq!((&again[0]["id"], &again[2]["id"]), (&ids[0], &ids[2]));
    assert_ne!(again[1]["id"], ids[1]);
}

#[test]
fn a_key_is_refused_where_nothing_is_known_of_it() {
    let shell = shell("unknown_keys");
    let service = shell.service("http");
    let key = "\nidempotency-key: mine";
    for path in ["/v1/backups", "/v1/schedules", "/v1/jobs/retry", "/v1/queue/generation/pause", "/v1/queue/release"] {
        let refused = send(&service, "POST", path, key, "{}");
        assert_eq!((refused.status, &refused.json()["field"]), (400, &"Idempotency-Key".into()), "{path}");
    }
    assert_eq!(shell.json(&["queue", "stats"])["kinds"], json!([]), "nothing was done");
    let first = send(&service, "POST", "/v1/backups", "", "{}");
    assert_eq!(first.status, 202, "{}", first.text());
}

#[test]
fn a_cat_is_done_again_and_taken_away() {
    let shell = shell("again");
    let service = shell.service("worker,http");
    let first = local_cat(&shell, &service);
    let again = post(&service, &format!("/v1/generations/{first}/rerun"), "");
    assert_eq!(again.status, 202, "{}", again.headers);
    let second = again.json()["id"].as_str().unwrap().to_owned();
    completed(&service, &second);
    let shown = get(&service, &format!("/v1/generations/{second}")).json();
    assert_eq!(shown["job"]["rerun_of"], first.as_str());

    // From its analysis: of the commit that it had, whatever came after.
    git(&shell.path("repo"), &["commit", "-q", "--allow-empty", "-m", "later"]);
    let path = format!("/v1/generations/{first}/rerun");
    let keyed = |body: &str| send(&service, "POST", &path, "\nidempotency-key: paint", body);
    for wrong in [r#"{"from": "fetch"}"#, r#"{"form": "analysis"}"#, "[]"] {
        assert_eq!(keyed(wrong).status, 400, "{wrong}");
    }
    let painted = keyed(r#"{"from": "analysis"}"#);
    assert_eq!(painted.status, 202, "{}", painted.text());
    assert_eq!(keyed(r#"{"from": "analysis"}"#).body, painted.body, "the same request, the same answer");
    assert!(["", "{}", "null"].iter().all(|anew| keyed(anew).status == 409), "another one");
    let painted = painted.json()["id"].as_str().unwrap().to_owned();
    completed(&service, &painted);
    let cat = |id: &str| get(&service, &format!("/v1/generations/{id}")).json();
    assert_eq!(cat(&painted)["result"]["commit_oid"], cat(&first)["result"]["commit_oid"]);
    let picture = |id: &str| get(&service, &format!("/v1/generations/{id}/image"));
    assert_eq!(picture(&first).body, picture(&second).body);

    let delete = |id: &str| send(&service, "DELETE", &format!("/v1/generations/{id}"), "", "");
    let deleted = delete(&first);
    assert_eq!((deleted.status, deleted.body.len()), (204, 0));
    assert_eq!(
        (delete(&first).status, get(&service, &format!("/v1/generations/{first}")).json()["result"].clone()),
        (404, Value::Null)
    );
    assert_eq!(picture(&second).status, 200, "another one has the picture");
    assert_eq!(post(&service, "/v1/generations/0198c0de-0000-7000-8000-000000000000/rerun", "").status, 404);

    let waiting = r#"{"github_url": "https://github.com/owner/name", "delay_seconds": 3600}"#;
    let waiting = ask_for(&service, "", waiting).json()["id"].as_str().unwrap().to_owned();
    assert_eq!(
        (delete(&waiting).status, post(&service, &format!("/v1/generations/{waiting}/rerun"), "").status),
        (409, 409)
    );
}

/// Cats like that of `id`, but for what is said.
fn import(shell: &Shell, id: &str, others: &[(&str, Value)]) {
    let file = shell.path("cats.ndjson");
    shell.succeeds(&["generations", "export", "-o", file.to_str().unwrap()]);
    let lines = fs::read_to_string(&file).unwrap();
    let cat: Value =
        lines.lines().map(|line| serde_json::from_str(line).unwrap()).find(|cat: &Value| cat["id"] == id).unwrap();
    let text: String = others
        .iter()
        .map(|(id, said)| {
            let mut cat = cat.clone();
            cat["id"] = (*id).into();
            cat.as_object_mut().unwrap().extend(said.as_object().unwrap().clone());
            format!("{cat}\n")
        })
        .collect();
    fs::write(&file, text).unwrap();
    shell.succeeds(&["generations", "import", file.to_str().unwrap()]);
}

fn names(service: &Service, query: &str) -> Vec<String> {
    let answer = get(service, &format!("/v1/generations?{query}"));
    assert_eq!(answer.status, 200, "{query}: {}", answer.text());
    let names = answer.json()["generations"].as_array().unwrap().clone();
    names.iter().map(|cat| cat["repo_name"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn cats_are_found_by_what_people_look_for() {
    let shell = shell("listing");
    let service = shell.service("worker,http");
    let id = local_cat(&shell, &service);
    let of = |owner: &str, name: &str, score: f64, day: u32| {
        json!({
            "repo_owner": owner, "repo_name": name, "github_url": format!("https://github.com/{owner}/{name}"),
            "code_quality_score": score, "created_at": format!("2026-01-{day:02}T00:00:00"), "commit_oid": format!("{day:040}"),
        })
    };
    import(
        &shell,
        &id,
        &[
            ("0198c0de-0000-7000-8000-000000000001", of("owner", "one", 3.0, 1)),
            ("0198c0de-0000-7000-8000-000000000002", of("owner", "two", 6.0, 2)),
            ("0198c0de-0000-7000-8000-000000000003", of("group/sub", "two", 9.0, 3)),
            ("0198c0de-0000-7000-8000-000000000004", of("owner", "one", 8.0, 4)),
        ],
    );
    for (query, expected) in [
        ("owner=owner", &["one", "two", "one"][..]),
        ("repository=owner/one", &["one", "one"]),
        ("repository=https://github.com/owner/two.git", &["two"]),
        ("url=https://github.com/group/sub/two", &["two"]),
        ("min_score=6&max_score=8&owner=owner", &["one", "two"]),
        ("since=2026-01-02T00:00:00Z&until=2026-01-04T00:00:00Z", &["two", "two"]),
        ("attribute=size=small&owner=owner&limit=2", &["one", "two"]),
        ("attribute=size=small&attribute=age=none", &[]),
        ("analysis=metrics.has_tests=false&name=two", &["two", "two"]),
        ("user=0198c0de-0000-7000-8000-000000000001", &[]),
        ("until=10000h", &[]),
    ] {
        assert_eq!(names(&service, query), expected, "{query}");
    }
    // From page to page by the links alone.
    let (mut next, mut seen) = (Some("/v1/generations?limit=2".to_owned()), Vec::new());
    while let Some(path) = next.take() {
        let page = get(&service, &path);
        seen.extend(page.json()["generations"].as_array().unwrap().iter().map(|cat| cat["id"].to_string()));
        next = page.header("link").map(|link| link.trim_start_matches('<').split('>').next().unwrap().to_owned());
    }
    assert_eq!(seen.len(), 5);
    assert_eq!(seen.iter().collect::<std::collections::BTreeSet<_>>().len(), 5);

    let history = get(&service, "/v1/repositories/owner/one/history?limit=1");
    assert!(history.header("link").unwrap().starts_with("</v1/repositories/owner/one/history?limit=1&after="));
    let history = get(&service, "/v1/repositories/owner/one/history?host=github.com").json();
    let scores: Vec<_> =
        history["history"].as_array().unwrap().iter().map(|one| one["code_quality_score"].clone()).collect();
    assert_eq!(scores, [8.0, 3.0]);
    assert_eq!(history["history"][0]["commit_oid"], format!("{:040}", 4));
    let grouped = get(&service, "/v1/repositories/group%2Fsub/two/history").json();
    assert_eq!((&grouped["owner"], grouped["history"].as_array().unwrap().len()), (&"group/sub".into(), 1));

    for (query, field) in [
        ("limit=0", "limit"),
        ("limit=1001", "limit"),
        ("limit=99999", "query"),
        ("colour=red", "query"),
        ("owner=%00", "owner"),
        ("min_score=NaN", "min_score"),
        ("since=infinity", "since"),
        ("until=-4000-01-01T00:00:00Z", "until"),
        ("attribute=size", "attribute"),
        ("attribute=a=%22%5Cu0000%22", "attribute"),
        ("analysis=a=1&analysis=a=2", "analysis"),
        ("repository=/etc/passwd", "repository"),
        ("repository=owner/one&owner=owner", "repository"),
        ("after=x", "query"),
    ] {
        let refused = get(&service, &format!("/v1/generations?{query}"));
        assert_eq!((refused.status, &refused.json()["field"]), (400, &field.into()), "{query}");
    }
    for path in ["owner/%00", "owner/%FF", "%FF/one"] {
        assert_eq!(get(&service, &format!("/v1/repositories/{path}/history")).status, 400, "{path}");
    }
}
