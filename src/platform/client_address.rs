//! Where a request comes from, behind trusted proxies too: the one place that tells it, for the log and for limits of tries.

use std::fmt::{self, Display, Formatter};
use std::future::{Ready, ready};
use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};

use super::signed::app_of;
use crate::config::{Config, Network};
use crate::error::Error;

/// The address of whoever sent a request; none where the connection has none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientAddress(Option<IpAddr>);

impl ClientAddress {
    /// Of this request. `X-Forwarded-For` counts only as far as trusted proxies wrote it: from its end up to the first address that
    /// is none of theirs.
    pub fn of(request: &HttpRequest, config: &Config) -> Self {
        let hops: Vec<&str> = request
            .headers()
            .get_all("x-forwarded-for")
            .flat_map(|value| value.to_str().unwrap_or_default().split(','))
            .map(str::trim)
            .collect();
        Self(request.peer_addr().map(|peer| client(peer.ip().to_canonical(), &hops, &config.trusted_proxies)))
    }

    /// Under what tries are counted: an IPv4 address, or the network of an IPv6 address, of which one subscriber has 2⁶⁴.
    pub fn network(self) -> String {
        match self.0 {
            Some(IpAddr::V6(address)) => {
                let [a, b, c, d, ..] = address.segments();
                format!("{}/64", Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
            }
            _ => self.to_string(),
        }
    }
}

/// The first address, from the end of `hops`, that is no proxy of ours. What cannot be read was not written by one either, so that
/// nothing before it is believed. When all are proxies, the farthest has sent the request by itself.
fn client(peer: IpAddr, hops: &[&str], trusted: &[Network]) -> IpAddr {
    let mut nearest = peer;
    for hop in hops.iter().rev() {
        let is_ours = trusted.iter().any(|network| network.contains(nearest));
        match parse(hop).filter(|_| is_ours) {
            Some(address) => nearest = address,
            None => break,
        }
    }
    nearest
}

/// Some proxies write the port, too.
fn parse(hop: &str) -> Option<IpAddr> {
    let address = hop.parse::<IpAddr>().or_else(|_no_address| hop.parse::<SocketAddr>().map(|address| address.ip()));
    address.ok().map(|address| address.to_canonical())
}

impl Display for ClientAddress {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        self.0.map_or(Ok(()), |address| address.fmt(formatter))
    }
}

impl FromRequest for ClientAddress {
    type Error = Error;
    type Future = Ready<Result<Self, Error>>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        ready(app_of(request).map(|app| Self::of(request, &app.config)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config;

    fn client_of(peer: &str, hops: &[&str]) -> String {
        let pairs = [("CLARITYLOOP__TRUSTED_PROXIES".to_owned(), "10.0.0.0/8, fd00::/8".to_owned())];
        let (config, _) = config::load(None, &pairs).unwrap();
        client(peer.parse().unwrap(), hops, &config.trusted_proxies).to_string()
    }

    #[test]
    fn whoever_is_no_proxy_of_ours_is_the_client_whatever_they_claim() {
        assert_eq!(client_of("203.0.113.9", &["198.51.100.1"]), "203.0.113.9");
        assert_eq!(client_of("203.0.113.9", &["10.0.0.1"]), "203.0.113.9");
    }

    #[test]
    fn behind_proxies_the_client_is_the_last_address_that_is_none_of_theirs() {
        assert_eq!(client_of("10.0.0.1", &["198.51.100.1"]), "198.51.100.1");
        assert_eq!(client_of("10.0.0.1", &["192.0.2.66", "198.51.100.1", "10.0.0.2"]), "198.51.100.1", "the first is forged");
        assert_eq!(client_of("fd00::1", &["2001:db8::7", "fd00::2"]), "2001:db8::7");
        assert_eq!(client_of("10.0.0.1", &["198.51.100.1:40112"]), "198.51.100.1");
        assert_eq!(client_of("10.0.0.1", &["::ffff:198.51.100.1"]), "198.51.100.1");
        assert_eq!(client_of("10.0.0.1", &["10.0.0.3", "10.0.0.2"]), "10.0.0.3", "somebody among the proxies");
        assert_eq!(client_of("10.0.0.1", &[]), "10.0.0.1");
    }

    #[test]
    fn what_cannot_be_read_hides_what_stands_before_it() {
        assert_eq!(client_of("10.0.0.1", &["198.51.100.1", "unknown"]), "10.0.0.1");
        assert_eq!(client_of("10.0.0.1", &["198.51.100.1", "", "10.0.0.2"]), "10.0.0.2");
    }

    #[test]
    fn addresses_of_one_ipv6_network_are_counted_together() {
        let network = |text: &str| ClientAddress(Some(text.parse().unwrap())).network();
        assert_eq!(network("2001:db8:1:2:3:4:5:6"), network("2001:db8:1:2::9"));
        assert_ne!(network("2001:db8:1:2::9"), network("2001:db8:1:3::9"));
        assert_eq!(network("198.51.100.1"), "198.51.100.1");
    }
}
