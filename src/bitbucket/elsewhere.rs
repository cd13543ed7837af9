//! What Bitbucket keeps on other hosts: the logs of steps, downloads, large files. It is fetched without the credential, which must not go
//! there, and from public addresses only, because an answer says where to. For the client.
//!
//! Bitbucket says so of `…/steps/{step_uuid}/log` (307) and `…/downloads/{filename}` (302):
//! <https://developer.atlassian.com/cloud/bitbucket/rest/api-group-pipelines/>.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::{RequestBuilder, StatusCode, Url};

use super::Failure;
use super::path::ROOT;

const CONNECT_SECONDS: u64 = 5;

/// Fetches without credentials.
#[derive(Clone)]
pub(super) struct Elsewhere {
    http: reqwest::Client,
    /// Whether this machine's own addresses will do: only where Bitbucket itself is a stand-in there, without TLS.
    is_beside_a_stand_in: bool,
}

impl Elsewhere {
    /// For the API at `api_url`. It keeps no cookies, follows nothing by itself and goes through no proxy, which would look up names
    /// for it.
    pub(super) fn new(api_url: &str) -> Result<Self, reqwest::Error> {
        let is_beside_a_stand_in = Url::parse(api_url).is_ok_and(|url| is_http(&url) && is_loopback(&url));
        let http = reqwest::Client::builder()
            .user_agent(concat!("clarityloop-bitbucket/", env!("CARGO_PKG_VERSION")))
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(Duration::from_secs(CONNECT_SECONDS))
            .no_proxy()
            .referer(false)
            .dns_resolver(Arc::new(PublicOnly { or_loopback: is_beside_a_stand_in }))
            .build()?;
        Ok(Self { http, is_beside_a_stand_in })
    }

    /// The address that a redirect names, when it may be fetched: `https` on the usual port of a host with a name.
    pub(super) fn address(&self, location: &str) -> Option<Url> {
        let url = Url::parse(location).ok()?;
        if !url.username().is_empty() || url.password().is_some() {
            return None;
        }
        let is_public = url.scheme() == "https" && url.port().is_none() && url.domain().is_some_and(|host| host.contains('.'));
        let is_of_stand_in = self.is_beside_a_stand_in && is_http(&url) && is_loopback(&url);
        (is_public || is_of_stand_in).then_some(url)
    }

    /// A request of what is there, with nothing in it that says who asks.
    pub(super) fn request(&self, url: Url) -> RequestBuilder {
        self.http.get(url)
    }
}

/// Whether what this target (encoded, with its query) names may be kept elsewhere. Anything else that is sent elsewhere is refused.
pub(super) fn may_be_kept_elsewhere(target: &str) -> bool {
    let path = target.split('?').next().unwrap_or_default();
    let segments: Vec<&str> = path.strip_prefix(ROOT).unwrap_or_default().split('/').skip(1).collect();
    match segments.as_slice() {
        ["repositories", _, _, "pipelines", _, "steps", _, rest @ ..] => matches!(rest, ["log"] | ["logs", _]),
        ["repositories", _, _, "downloads", name] => !name.is_empty(),
        // Files that Git LFS holds.
        ["repositories", _, _, "src", _, path @ ..] => path.last().is_some_and(|last| !last.is_empty()),
        _ => false,
    }
}

/// What a refusal of the storage means. It says nothing of the credential, which was not shown to it.
pub(super) fn refusal(status: StatusCode) -> Failure {
    match status {
        StatusCode::FORBIDDEN | StatusCode::NOT_FOUND | StatusCode::GONE => Failure::NotFound,
        status if status.is_server_error() || status == StatusCode::REQUEST_TIMEOUT => Failure::Down,
        status => {
            let message = Some("The storage to which Bitbucket has moved this did not give it out".to_owned());
            Failure::Refused { status: status.as_u16(), message, fields: Vec::new() }
        }
    }
}

fn is_http(url: &Url) -> bool {
    url.scheme() == "http"
}

fn is_loopback(url: &Url) -> bool {
    url.host_str().is_some_and(|host| host == "localhost" || host.parse::<Ipv4Addr>().is_ok_and(|address| address.is_loopback()))
}

/// Looks names up and keeps the public addresses: a name may lead anywhere, and to another place the second time.
struct PublicOnly {
    or_loopback: bool,
}

impl Resolve for PublicOnly {
    fn resolve(&self, name: Name) -> Resolving {
        let (host, or_loopback) = (name.as_str().to_owned(), self.or_loopback);
        Box::pin(async move {
            let fits = |address: &SocketAddr| is_public(address.ip()) || (or_loopback && address.ip().is_loopback());
            let found: Vec<SocketAddr> = tokio::net::lookup_host((host, 0)).await?.filter(fits).collect();
            if found.is_empty() {
                return Err("the name leads to no public address".into());
            }
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

/// Whether an address is one of the public internet (<https://www.iana.org/assignments/iana-ipv4-special-registry/> and its sister for
/// IPv6).
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => match address.to_ipv4_mapped() {
            Some(mapped) => is_public_v4(mapped),
            None => is_public_v6(address),
        },
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [first, second, third, _] = address.octets();
    let is_special = matches!(
        (first, second, third),
        (0 | 10 | 127 | 240..=255, _, _)
            | (100, 64..=127, _)
            | (169, 254, _)
            | (172, 16..=31, _)
            | (192, 0, 0 | 2)
            | (192, 88, 99)
            | (192, 168, _)
            | (198, 18 | 19, _)
            | (198, 51, 100)
            | (203, 0, 113)
    );
    !is_special && !address.is_multicast()
}

/// Only global unicast, and of that nothing that carries an IPv4 address or belongs to documentation and benchmarks.
fn is_public_v6(address: Ipv6Addr) -> bool {
    let [first, second, ..] = address.segments();
    let is_special = matches!((first, second), (0x2001, 0..=0x01ff | 0x0db8) | (0x2002 | 0x3fff, _));
    (0x2000..=0x3fff).contains(&first) && !is_special
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_of_the_public_internet_are_public() {
        for address in ["8.8.8.8", "52.216.1.1", "104.192.141.1", "192.0.1.1", "2600:1f18::1", "2a05:d018::1"] {
            assert!(is_public(address.parse().unwrap()), "{address}");
        }
        for address in [
            "0.0.0.0",
            "10.1.2.3",
            "100.64.0.1",
            "127.0.0.1",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.0.1",
            "192.0.0.1",
            "192.0.2.1",
            "198.18.0.1",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:10.0.0.1",
            "::ffff:127.0.0.1",
            "64:ff9b::a00:1",
            "fe80::1",
            "fc00::1",
            "fd00:ec2::254",
            "ff02::1",
            "2001:db8::1",
            "2001::1",
            "2002:a00:1::",
            "fec0::1",
        ] {
            assert!(!is_public(address.parse().unwrap()), "{address}");
        }
    }

    #[test]
    fn an_address_is_fetched_by_https_from_a_host_with_a_name() {
        let elsewhere = Elsewhere::new("https://api.bitbucket.org").unwrap();
        assert!(elsewhere.address("https://bbuseruploads.s3.amazonaws.com/log?X-Amz-Signature=1").is_some());
        for refused in [
            "http://bbuseruploads.s3.amazonaws.com/log",
            "https://169.254.169.254/latest/meta-data",
            "https://[::1]/log",
            "https://localhost/log",
            "https://intranet/log",
            "https://bbuseruploads.s3.amazonaws.com:8443/log",
            "https://user:password@bbuseruploads.s3.amazonaws.com/log",
            "http://127.0.0.1/log",
            "file:///etc/passwd",
            "/log",
        ] {
            assert_eq!(elsewhere.address(refused), None, "{refused}");
        }
        let beside = Elsewhere::new("http://127.0.0.1:9000").unwrap();
        assert!(beside.address("http://localhost:9000/storage/logs").is_some());
        assert_eq!(beside.address("http://10.0.0.1/log"), None);
    }

    #[tokio::test]
    async fn a_name_that_leads_to_this_machine_is_not_followed() {
        let resolve = |or_loopback: bool| PublicOnly { or_loopback }.resolve("localhost".parse().unwrap());
        assert!(resolve(false).await.is_err());
        assert!(resolve(true).await.is_ok());
    }

    #[test]
    fn what_may_be_kept_elsewhere_is_told_by_the_path() {
        let repository = "/2.0/repositories/w/r";
        for (rest, may_be) in [
            ("/pipelines/%7Ba%7D/steps/%7Bb%7D/log", true),
            ("/pipelines/%7Ba%7D/steps/%7Bb%7D/logs/%7Bc%7D", true),
            ("/downloads/a.zip", true),
            ("/src/abc/large.bin?x=1", true),
            ("/downloads", false),
            ("/src/abc/", false),
            ("/src", false),
            ("/pullrequests/7/diff", false),
            ("/pipelines/%7Ba%7D", false),
        ] {
            assert_eq!(may_be_kept_elsewhere(&format!("{repository}{rest}")), may_be, "{rest}");
        }
    }

    #[test]
    fn a_refusal_of_the_storage_is_none_of_the_credential() {
        for status in [400, 401, 403, 404, 416, 500] {
            let failure = refusal(StatusCode::from_u16(status).unwrap());
            assert!(!failure.is_about_the_credential(), "{status}: {failure:?}");
        }
    }
}
