//! The ways in which a URL can hide a private address.

use super::*;

/// Every form that must be refused by default, with the address that it means.
const PRIVATE: [&str; 44] = [
    "https://127.0.0.1/",
    "https://127.1/",
    "https://127.255.255.254/",
    "https://2130706433/",
    "https://0x7f000001/",
    "https://0x7f.1/",
    "https://0177.0.0.1/",
    "https://017700000001/",
    "https://127.0.0.1./",
    "https://127。0。0。1/",
    "https://１２７.0.0.1/",
    "https://①②⑦.0.0.1/",
    "https://%31%32%37.0.0.1/",
    "https://0/",
    "https://0.0.0.0/",
    "https://10.0.0.1/",
    "https://100.64.0.1/",
    "https://169.254.169.254/latest/meta-data/",
    "https://0xa9fea9fe/",
    "https://168.63.129.16/",
    "https://172.16.0.1/",
    "https://172.31.255.255/",
    "https://192.168.1.1:8443/",
    "https://192.0.0.192/",
    "https://198.18.0.1/",
    "https://198.51.100.7/",
    "https://203.0.113.7/",
    "https://224.0.0.1/",
    "https://240.0.0.1/",
    "https://255.255.255.255/",
    "https://[::]/",
    "https://[::1]/",
    "https://[0:0:0:0:0:0:0:1]/",
    "https://[::ffff:127.0.0.1]/",
    "https://[::ffff:7f00:1]/",
    "https://[::127.0.0.1]/",
    "https://[64:ff9b::a00:1]/",
    "https://[64:ff9b:1::1]/",
    "https://[2001:0:7f00:1::1]/",
    "https://[2001:db8::1]/",
    "https://[2002:7f00:1::]/",
    "https://[fc00::1]/",
    "https://[fe80::1]/",
    "https://[fec0::1]/",
];

#[test]
fn private_addresses_are_refused_in_every_form() {
    let guard = Guard::default();
    for url in PRIVATE {
        assert!(matches!(guard.check(url), Err(UrlError::Private(_))), "{url}");
    }
}

#[test]
fn other_schemes_and_credentials_are_refused() {
    let guard = Guard::default();
    for url in ["gopher://127.0.0.1/", "file:///etc/passwd", "ftp://example.com/", "data:,x"] {
        assert!(matches!(guard.check(url), Err(UrlError::Scheme(_))), "{url}");
    }
    for url in ["https://u@example.com/", "https://u:p@example.com/", "https://:p@example.com/"] {
        assert_eq!(guard.check(url), Err(UrlError::Credentials), "{url}");
    }
    assert_eq!(guard.check("http://example.com/"), Err(UrlError::Plain));
    assert_eq!(guard.check("http://8.8.8.8/"), Err(UrlError::Plain));
    for url in ["", "example.com", "https://", "https://a b/", "https://x:70000/"] {
        assert!(matches!(guard.check(url), Err(UrlError::Syntax(_))), "{url}");
    }
}

#[test]
fn public_receivers_are_allowed() {
    let guard = Guard::default();
    for url in [
        "https://hooks.slack.com/services/T/B/x",
        "https://example.com:8443/hook?x=1",
        "https://8.8.8.8/",
        "https://[2606:4700::1111]/",
        "https://bücher.example/",
    ] {
        assert!(guard.check(url).is_ok(), "{url}");
    }
}

#[test]
fn the_edges_of_the_blocks_are_exact() {
    let public = |text: &str| is_public(text.parse().unwrap());
    for outside in [
        "9.255.255.255",
        "11.0.0.0",
        "100.63.255.255",
        "100.128.0.0",
        "128.0.0.0",
        "168.63.129.15",
        "168.63.129.17",
        "172.15.255.255",
        "172.32.0.0",
        "192.0.1.0",
        "192.88.98.255",
        "198.17.255.255",
        "198.20.0.0",
        "223.255.255.255",
        "64:ff9b::1:0:0:1",
        "64:ff9b:2::",
        "2001:200::",
        "2001:db9::",
        "2003::",
        "4000::",
        "fbff::",
        "0:0:0:1::",
    ] {
        assert!(public(outside), "{outside}");
    }
    for inside in [
        "100.127.255.255",
        "172.31.255.255",
        "198.19.255.255",
        "239.255.255.255",
        "100::1",
        "2001:1ff:ffff::",
        "2001:10::1",
        "3fff:fff::1",
        "5f00::1",
        "fdff::1",
        "febf::1",
        "feff::1",
        "ff02::1",
    ] {
        assert!(!public(inside), "{inside}");
    }
}

#[test]
fn what_the_operator_allows_is_allowed_and_no_more() {
    let allowed = ["10.1.0.0/16", "127.0.0.1", "hooks.internal", "fd00::/8"].map(str::to_owned);
    let guard = Guard::new(&allowed).unwrap();
    for url in [
        "http://10.1.2.3/",
        "http://127.0.0.1:9000/",
        "http://[::ffff:127.0.0.1]/",
        "http://hooks.internal/",
        "http://HOOKS.internal./",
        "https://[fd00::1]/",
    ] {
        assert!(guard.check(url).is_ok(), "{url}");
    }
    for url in ["https://10.2.0.1/", "https://127.0.0.2/", "https://[fc00::1]/"] {
        assert!(guard.check(url).is_err(), "{url}");
    }
}

#[test]
fn a_trusted_host_is_the_only_one() {
    for (trusted, other) in [
        ("http://127.0.0.1:11434/v1/embeddings", "http://127.0.0.2:11434/"),
        ("http://[::1]:8080/v1/embeddings", "http://127.0.0.1:8080/"),
        ("http://[::ffff:10.1.2.3]/", "http://10.1.2.4/"),
        ("http://models.internal/v1/embeddings", "http://other.internal/"),
    ] {
        let guard = Guard::trusting(&Url::parse(trusted).unwrap());
        assert!(guard.check(trusted).is_ok(), "{trusted}");
        assert!(guard.check(other).is_err(), "{other}");
    }
    let named = Guard::trusting(&Url::parse("http://models.internal/").unwrap());
    let private = || std::iter::once("10.0.0.1".parse().unwrap());
    assert_eq!(named.check_resolved("models.internal", private()), Ok(()));
    assert!(named.check_resolved("other.internal", private()).is_err());
}

#[test]
fn one_private_answer_spoils_all() {
    let guard = Guard::new(&["10.1.0.0/16".to_owned(), "trusted.example".to_owned()]).unwrap();
    let ips =
        |list: &[&str]| -> Vec<IpAddr> { list.iter().map(|ip| ip.parse().unwrap()).collect() };
    let check = |host, list: &[&str]| guard.check_resolved(host, ips(list).into_iter());
    assert_eq!(check("a.example", &["8.8.8.8", "2606:4700::1111", "10.1.0.1"]), Ok(()));
    let refused = check("a.example", &["8.8.8.8", "::1"]).unwrap_err();
    assert!(refused.to_string().starts_with("a.example resolves to ::1"), "{refused}");
    assert_eq!(check("trusted.example", &["192.168.0.1"]), Ok(()));
}

#[test]
fn a_bad_allowance_is_named() {
    for entry in ["10.0.0.0/33", "http://x/", "", "a b"] {
        let error = Guard::new(&[entry.to_owned()]).unwrap_err();
        assert!(error.to_string().contains(&format!("{entry:?}")), "{error}");
    }
}
