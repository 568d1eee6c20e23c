//! The dashboard as people meet it: real pages of a real service, in a real browser.

use crate::commands::shell;
use crate::support::browser::{Browser, Look};

#[tokio::test(flavor = "multi_thread")]
async fn smoke() {
    let shell = shell("browser");
    let service = shell.service("http");
    let browser = Browser::open(&service.address(), Look::PHONE.dark()).await;
    browser.go("/health/live").await;
    browser.until("ok").await;
    println!("{:?} {} {:?}", browser.barriers().await, browser.overflow().await, browser.complaints().await);
    browser.shoot("smoke").await;
    browser.close().await;
}
