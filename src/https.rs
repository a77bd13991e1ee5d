//! One HTTPS exchange: no redirects, a bounded answer, little time, certificates checked.

use std::{fs, io, path::Path, time::Duration};

use ureq::{
    Agent, Proxy,
    tls::{Certificate, PemItem, RootCerts, TlsConfig, TlsProvider, parse_pem},
};

use crate::webhook::Request;

/// For the whole exchange.
const PATIENCE: Duration = Duration::from_secs(5);

/// Gets pages of Amazon SNS.
pub struct Client {
    agent: Agent,
}

/// A page.
#[derive(Clone, Debug)]
pub struct Page {
    pub status: u16,
    pub body: Vec<u8>,
}

/// Why there is no page.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{cause}")]
pub struct HttpsError {
    cause: String,
    hint: &'static str,
}

impl HttpsError {
    pub const fn hint(&self) -> &'static str {
        self.hint
    }

    fn configuration(cause: String) -> Self {
        Self {
            cause,
            hint: "see `ca_file` in [provider.amazon_ses], and $HTTPS_PROXY",
        }
    }

    fn of(error: &ureq::Error, host: &str) -> Self {
        let hint = match error {
            ureq::Error::NativeTls(_) | ureq::Error::Tls(_) => {
                "the certificate of the other side is not valid here: is the clock right, are the \
                 system's CA certificates (package ca-certificates) up to date, is there a proxy \
                 that needs `ca_file` in [provider.amazon_ses]?"
            }
            ureq::Error::Timeout(_) => {
                "the network or Amazon is slow: it is tried again with the next run"
            }
            ureq::Error::BodyExceedsLimit(_) => "Amazon SNS never answers so much",
            _ => {
                "is this machine allowed to reach the internet (port 443)? A proxy is taken from \
                 $HTTPS_PROXY"
            }
        };
        Self {
            cause: format!("`{host}` cannot be asked: {error}"),
            hint,
        }
    }
}

impl Client {
    /// `ca_file` replaces the system's authorities; `proxy` is a URL.
    pub fn new(ca_file: Option<&Path>, proxy: Option<&str>) -> Result<Self, HttpsError> {
        let roots = match ca_file {
            None => RootCerts::PlatformVerifier,
            Some(path) => authorities(path).map_err(|cause| {
                HttpsError::configuration(format!("`{}`: {cause}", path.display()))
            })?,
        };
        let proxy = proxy
            .map(Proxy::new)
            .transpose()
            .map_err(|_| HttpsError::configuration("the proxy's URL cannot be read".into()))?;
        let tls = TlsConfig::builder()
            .provider(TlsProvider::NativeTls)
            .root_certs(roots)
            .build();
        let config = Agent::config_builder()
            .https_only(true)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .http_status_as_error(false)
            .timeout_global(Some(PATIENCE))
            .proxy(proxy)
            .tls_config(tls)
            .build();
        Ok(Self {
            agent: config.into(),
        })
    }

    /// Gets `url`, at most `limit` octets of it.
    pub fn get(&self, url: &str, limit: u64) -> Result<Page, HttpsError> {
        let host = url.split('/').nth(2).unwrap_or(url);
        let mut response = self
            .agent
            .get(url)
            .call()
            .map_err(|error| HttpsError::of(&error, host))?;
        let status = response.status().as_u16();
        let body = response
            .body_mut()
            .with_config()
            .limit(limit)
            .read_to_vec()
            .map_err(|error| HttpsError::of(&error, host))?;
        Ok(Page { status, body })
    }
}

/// Sends a callback to our own endpoint, over HTTP too: the address is the caller's.
pub fn send(url: &str, request: &Request) -> Result<Page, HttpsError> {
    let tls = TlsConfig::builder()
        .provider(TlsProvider::NativeTls)
        .root_certs(RootCerts::PlatformVerifier)
        .build();
    let agent: Agent = Agent::config_builder()
        .max_redirects(0)
        .max_redirects_will_error(false)
        .http_status_as_error(false)
        .timeout_global(Some(PATIENCE))
        .proxy(None)
        .tls_config(tls)
        .build()
        .into();
    let host = url.split('/').nth(2).unwrap_or(url);
    let sent = if request.method == "GET" {
        let get = agent.get(url);
        let with = |get: ureq::RequestBuilder<_>, (name, value): &(String, String)| {
            get.header(name, value)
        };
        request.headers.iter().fold(get, with).call()
    } else {
        let post = agent.post(url);
        let with = |post: ureq::RequestBuilder<_>, (name, value): &(String, String)| {
            post.header(name, value)
        };
        request
            .headers
            .iter()
            .fold(post, with)
            .send(&request.body[..])
    };
    let mut response = sent.map_err(|error| HttpsError::of(&error, host))?;
    let body = response
        .body_mut()
        .with_config()
        .limit(64 * 1024)
        .read_to_vec()
        .map_err(|error| HttpsError::of(&error, host))?;
    Ok(Page {
        status: response.status().as_u16(),
        body,
    })
}

/// Posts a form; its answer may be an error. A proxy is taken from the environment.
pub fn post_form(
    url: &str,
    form: &[(&str, &str)],
    ca_file: Option<&Path>,
    patience: Duration,
    limit: u64,
) -> Result<Page, HttpsError> {
    let host = url.split('/').nth(2).unwrap_or(url);
    let failed = |error: &ureq::Error| HttpsError {
        hint: match error {
            ureq::Error::NativeTls(_) | ureq::Error::Tls(_) => {
                "the endpoint's certificate is not valid here: is the clock right, are the system's CA \
                 certificates (package ca-certificates) up to date, does a proxy need `ca_file` in \
                 [connection.oauth]?"
            }
            ureq::Error::Timeout(_) => "the endpoint is slow: the next run tries again",
            _ => {
                "check `token_endpoint`; is this machine allowed to reach the internet? A proxy is \
                 taken from $HTTPS_PROXY"
            }
        },
        cause: format!("`{host}` cannot be asked: {error}"),
    };
    let roots = match ca_file {
        None => RootCerts::PlatformVerifier,
        Some(path) => authorities(path).map_err(|cause| HttpsError {
            cause: format!("cannot be asked: `{}`: {cause}", path.display()),
            hint: "see `ca_file` in [connection.oauth]",
        })?,
    };
    let tls = TlsConfig::builder()
        .provider(TlsProvider::NativeTls)
        .root_certs(roots)
        .build();
    let agent: Agent = Agent::config_builder()
        .max_redirects(0)
        .max_redirects_will_error(false)
        .http_status_as_error(false)
        .timeout_global(Some(patience))
        .tls_config(tls)
        .build()
        .into();
    let mut response = agent
        .post(url)
        .header("Accept", "application/json")
        .send_form(form.iter().copied())
        .map_err(|error| failed(&error))?;
    let body = response
        .body_mut()
        .with_config()
        .limit(limit)
        .read_to_vec()
        .map_err(|error| failed(&error))?;
    Ok(Page {
        status: response.status().as_u16(),
        body,
    })
}

fn authorities(path: &Path) -> io::Result<RootCerts> {
    let pem = fs::read(path)?;
    let certificates: Vec<Certificate<'static>> = parse_pem(&pem)
        .filter_map(|item| match item {
            Ok(PemItem::Certificate(certificate)) => Some(certificate),
            _ => None,
        })
        .collect();
    if certificates.is_empty() {
        return Err(io::Error::other("there is no certificate in it"));
    }
    Ok(RootCerts::from(certificates))
}
