//! Passwords: set, checked, and as an adopted application hashed them.

use super::bed::Bed;
use crate::support::cli::{Ran, Shell};

fn check(shell: &Shell, who: &str, password: &str) -> Ran {
    shell.run_with_input(&["users", "password", "check", who], password.as_bytes())
}

#[tokio::test]
async fn a_password_is_set_and_checked() {
    let bed = Bed::make().await;
    let shell = Shell::on(&bed.url);
    shell.succeeds(&["users", "add", "cat"]);
    let told = check(&shell, "cat", "Käse");
    assert_eq!(told.code, Some(8));
    assert!(told.err.contains("user `cat` has none"), "{}", told.err);

    let set = shell.run_with_input(&["users", "password", "set", "cat"], "Käse und Brot\r\n".as_bytes());
    assert_eq!((set.code, set.out.as_str()), (Some(0), "cat  has a new password\n"), "{}", set.err);
    let right = check(&shell, "cat", "Käse und Brot\n");
    assert_eq!((right.code, right.out.as_str()), (Some(0), "right\n"), "{}", right.err);
    let wrong = check(&shell, "cat", "Käse und Brot ");
    assert_eq!(wrong.code, Some(8));
    assert!(wrong.err.contains("the password of user `cat` is wrong"), "{}", wrong.err);
    assert_eq!(shell.json(&["users", "show", "cat"])["user"]["has_password"], true);
    let hash: String = bed.one("SELECT password_hash FROM users").await;
    assert!(hash.starts_with("$2b$12$") && !shell.succeeds(&["--json", "users", "show", "cat"]).contains(&hash));

    let long = shell.run_with_input(&["users", "password", "set", "cat"], "ü".repeat(36).as_bytes());
    assert_eq!(long.code, Some(2));
    assert!(long.err.contains("72 bytes"), "{}", long.err);
    assert_eq!(check(&shell, "cat", "Käse und Brot").code, Some(0), "it is as it was");

    shell.succeeds(&["users", "disable", "cat"]);
    let disabled = check(&shell, "cat", "Käse und Brot");
    assert_eq!(disabled.code, Some(8));
    assert!(disabled.err.contains("right, but user `cat` is disabled"), "{}", disabled.err);
    let nobody = check(&shell, "nobody", "Käse und Brot");
    assert_eq!(nobody.code, Some(4));
    assert!(nobody.err.contains("there is no user `nobody`"), "{}", nobody.err);
}

#[tokio::test]
async fn hashes_of_other_programs_are_understood_or_said_not_to_be() {
    let bed = Bed::make().await;
    let shell = Shell::on(&bed.url);
    for form in ["2a", "2b", "2y"] {
        bed.run(&format!(
            "INSERT INTO users (username, password_hash)
             VALUES ('{form}', '${form}$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW')"
        ))
        .await;
        assert_eq!(check(&shell, form, "U*U").code, Some(0), "{form}");
        assert_eq!(check(&shell, form, "U*").code, Some(8), "{form}");
    }
    bed.run("INSERT INTO users (username, password_hash) VALUES ('other', '$argon2id$v=19$secret')").await;
    let told = check(&shell, "other", "U*U");
    assert_eq!(told.code, Some(3));
    assert!(told.err.contains("not hashed by bcrypt") && !told.err.contains("secret"), "{}", told.err);
}
