//! A database URL that names several hosts, as libpq reads it: `postgres://h1:5432,h2:5433/db`, and `host=` and `port=`
//! in the query, where sockets stand.

use url::Url;
use url::form_urlencoded::parse;

/// What `target_session_attrs` may ask for: where there is a choice, we always look for a server that takes writes.
const SESSIONS: [&str; 3] = ["any", "read-write", "primary"];

/// One URL for each host that `url` names, in their order; none where it is no such URL.
pub(super) fn urls_of_hosts(url: &str) -> Option<Vec<String>> {
    let (scheme, rest) = url.split_once("://")?;
    let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    let (user, named) = match authority.rsplit_once('@') {
        Some((user, hosts)) => (format!("{user}@"), hosts),
        None => (String::new(), authority),
    };
    let query = path.split_once('?').map_or("", |(_, query)| query.split('#').next().unwrap_or_default());
    let value_of =
        |name: &str| parse(query.as_bytes()).find(|(key, _)| key == name).map(|(_, value)| value.into_owned());
    if value_of("target_session_attrs").is_some_and(|asked| !SESSIONS.contains(&asked.as_str())) {
        return None;
    }

    let listed = value_of("host").filter(|hosts| !hosts.is_empty());
    let hosts: Vec<&str> = listed.as_deref().unwrap_or(named).split(',').collect();
    let ports = value_of("port").filter(|ports| !ports.is_empty());
    let ports: Vec<&str> = ports.as_deref().map(|ports| ports.split(',').collect()).unwrap_or_default();
    if ports.len() > 1 && ports.len() != hosts.len() {
        return None;
    }
    let each = hosts.iter().enumerate().map(|(index, host)| {
        // A list in the query is stronger than what stands before the path.
        let authority = if listed.is_some() { named.split(',').next().unwrap_or_default() } else { host };
        let mut one = Url::parse(&format!("{scheme}://{user}{authority}{path}")).ok()?;
        let port = ports.get(index).or(ports.first());
        let own = listed.is_some().then_some(("host", host)).into_iter().chain(port.map(|port| ("port", port)));
        let ours = ["host", "port", "target_session_attrs"];
        let mut pairs: Vec<(String, String)> =
            parse(query.as_bytes()).into_owned().filter(|(key, _)| !ours.contains(&key.as_str())).collect();
        pairs.extend(own.map(|(key, value)| (key.to_owned(), (*value).to_owned())));
        one.set_query(None);
        if !pairs.is_empty() {
            one.query_pairs_mut().extend_pairs(pairs);
        }
        let has_host = one.host_str().is_some_and(|host| !host.is_empty()) || (listed.is_some() && !host.is_empty());
        (matches!(one.scheme(), "postgres" | "postgresql") && has_host && one.fragment().is_none()).then(|| one.into())
    });
    each.collect()
}

#[cfg(test)]
mod tests {
    use super::urls_of_hosts;

    #[test]
    fn each_host_gets_a_url() {
        for (url, each) in [
            ("postgres://cat:s3@db/cats", &["postgres://cat:s3@db/cats"] as &[_]),
            ("postgresql://cat@a:5432,b:5433/cats", &["postgresql://cat@a:5432/cats", "postgresql://cat@b:5433/cats"]),
            (
                "postgres://cat@a,[::1]:5433/cats?sslmode=require&target_session_attrs=read-write",
                &["postgres://cat@a/cats?sslmode=require", "postgres://cat@[::1]:5433/cats?sslmode=require"],
            ),
            (
                "postgres:///cats?host=/run/a,/run/b&user=cat&port=5432,5433",
                &[
                    "postgres:///cats?user=cat&host=%2Frun%2Fa&port=5432",
                    "postgres:///cats?user=cat&host=%2Frun%2Fb&port=5433",
                ],
            ),
            (
                "postgres://cat@a,b/cats?port=6432",
                &["postgres://cat@a/cats?port=6432", "postgres://cat@b/cats?port=6432"],
            ),
            (
                "postgres://localhost/cats?host=%2Frun%2Fa%2Cb.example",
                &["postgres://localhost/cats?host=%2Frun%2Fa", "postgres://localhost/cats?host=b.example"],
            ),
        ] {
            assert_eq!(urls_of_hosts(url).unwrap_or_default(), each, "{url}");
        }
    }

    #[test]
    fn what_names_no_hosts_is_refused() {
        for url in [
            "cats",
            "mysql://db/cats",
            "postgres:///cats",
            "postgres://a,/cats",
            "postgres://a,b:c/cats",
            "postgres:///cats?host=/run/a,&user=cat",
            "postgres://a,b,c/cats?port=1,2",
            "postgres://a,b/cats?target_session_attrs=standby",
            "postgres://a/cats#b",
        ] {
            assert_eq!(urls_of_hosts(url), None, "{url}");
        }
    }
}
