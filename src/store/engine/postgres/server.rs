//! Where a PostgreSQL database is, and how it is reached.

use std::{fmt, path::PathBuf, time::Duration};

use native_tls::{Certificate, TlsConnector};
use postgres_native_tls::MakeTlsConnector;
use tokio_postgres::{
    Client, Config,
    config::{Host, SslMode, TargetSessionAttrs},
};

use super::condition::condition;
use crate::store::{StoreError, engine::Result};

/// A server is given up after so long.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// A server that acknowledges nothing for so long is gone.
const SILENCE: Duration = Duration::from_secs(20);

const NOT_REACHED: &str =
    "look whether the server runs and lets you in; the address is `store.url` in the configuration";

/// A database by its URL. `Debug` and [`Self::shown`] never show a password.
#[derive(Clone)]
pub struct Server {
    config: Config,
    shown: String,
    verify: Verify,
    root: Option<PathBuf>,
}

/// What of the server's certificate is looked at, as `sslmode` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verify {
    Nothing,
    Authority,
    Full,
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Server({})", self.shown)
    }
}

impl Server {
    /// Reads `postgres://user@host1,host2/name?sslmode=verify-full`. All of libpq's parameters that
    /// tokio-postgres knows, and `sslmode=verify-ca|verify-full`, `sslrootcert=FILE`. The error is
    /// for people and holds no password.
    pub fn parse(url: &str) -> std::result::Result<Self, String> {
        let shown = redact(url);
        let (base, query) = url.split_once('?').unwrap_or((url, ""));
        let (mut verify, mut root, mut rest) = (Verify::Nothing, None, Vec::new());
        let mut require = false;
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            match pair.split_once('=') {
                Some(("sslmode", "verify-full")) => (verify, require) = (Verify::Full, true),
                Some(("sslmode", "verify-ca")) => (verify, require) = (Verify::Authority, true),
                Some(("sslrootcert", file)) => root = Some(PathBuf::from(file)),
                _ => rest.push(pair),
            }
        }
        // As libpq: where an authority is named, it is asked.
        if root.is_some() && verify == Verify::Nothing {
            verify = Verify::Authority;
        }
        let plain = format!("{base}?{}", rest.join("&"));
        let mut config: Config =
            plain
                .trim_end_matches('?')
                .parse()
                .map_err(|cause: tokio_postgres::Error| {
                    format!("`{shown}` is no address of a database: {}", told(&cause))
                })?;
        if require {
            config.ssl_mode(SslMode::Require);
        }
        if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
            config.host_path("/var/run/postgresql");
        }
        let hosts = config.get_hosts().len().max(config.get_hostaddrs().len());
        if hosts > 1 && config.get_target_session_attrs() == TargetSessionAttrs::Any {
            config.target_session_attrs(TargetSessionAttrs::ReadWrite);
        }
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(CONNECT_TIMEOUT);
        }
        if config.get_tcp_user_timeout().is_none() {
            config.tcp_user_timeout(SILENCE);
        }
        if config.get_application_name().is_none() {
            config.application_name("bouncekit");
        }
        Ok(Self {
            config,
            shown,
            verify,
            root,
        })
    }

    /// Where the database is, without any secret.
    pub fn shown(&self) -> &str {
        &self.shown
    }

    /// Whether the URL holds a password.
    pub fn has_password(&self) -> bool {
        self.config.get_password().is_some()
    }

    pub fn set_password(&mut self, password: &str) {
        self.config.password(password);
    }

    /// Host, port, database and user, as a password file has them, for each host.
    pub fn places(&self) -> Vec<[String; 4]> {
        let user = self.config.get_user().unwrap_or_default().to_owned();
        let name = self.config.get_dbname().unwrap_or(&user).to_owned();
        let ports = self.config.get_ports();
        let hosts = self.config.get_hosts().iter().enumerate();
        hosts
            .map(|(index, host)| {
                let port = ports.get(index).or(ports.first()).unwrap_or(&5432);
                let host = match host {
                    Host::Tcp(name) => name.clone(),
                    Host::Unix(_) => "localhost".to_owned(),
                };
                [host, port.to_string(), name.clone(), user.clone()]
            })
            .collect()
    }

    pub(super) async fn connect(
        &self,
    ) -> Result<(
        Client,
        impl Future<Output = std::result::Result<(), tokio_postgres::Error>> + use<>,
    )> {
        let tls = self.tls().map_err(|cause| StoreError::Unreachable {
            server: self.shown.clone(),
            cause,
            hint: "look at `sslmode` and `sslrootcert` in `store.url`",
        })?;
        self.config
            .connect(tls)
            .await
            .map_err(|cause| self.unreachable(&cause))
    }

    pub(super) fn unreachable(&self, cause: &tokio_postgres::Error) -> StoreError {
        StoreError::Unreachable {
            server: self.shown.clone(),
            cause: told(cause),
            hint: cause
                .code()
                .and_then(|state| condition(state.code()))
                .map_or(NOT_REACHED, |(_, hint)| hint),
        }
    }

    fn tls(&self) -> std::result::Result<MakeTlsConnector, String> {
        let mut builder = TlsConnector::builder();
        builder
            .danger_accept_invalid_certs(self.verify == Verify::Nothing)
            .danger_accept_invalid_hostnames(self.verify != Verify::Full);
        if let Some(path) = &self.root {
            let read = |path| {
                let octets = std::fs::read(path).map_err(|cause| cause.to_string())?;
                Certificate::from_pem(&octets).map_err(|cause| cause.to_string())
            };
            let root =
                read(path).map_err(|cause| format!("sslrootcert `{}`: {cause}", path.display()))?;
            builder.add_root_certificate(root);
        }
        let connector = builder.build().map_err(|cause| cause.to_string())?;
        Ok(MakeTlsConnector::new(connector))
    }
}

/// An error with its causes.
pub(in crate::store) fn told(error: &tokio_postgres::Error) -> String {
    if let Some(error) = error.as_db_error() {
        return error.message().to_owned();
    }
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(next) = cause {
        let next_text = next.to_string();
        if !text.contains(&next_text) {
            text += &format!(": {next_text}");
        }
        cause = next.source();
    }
    text
}

/// The URL without what must not be seen.
pub(crate) fn redact(url: &str) -> String {
    let (base, query) = url.split_once('?').unwrap_or((url, ""));
    let base = match base.split_once("://") {
        Some((scheme, rest)) => match rest.rsplit_once('@') {
            Some((user, place)) => {
                let user = user.split_once(':').map_or(user, |(user, _)| user);
                format!("{scheme}://{user}@{place}")
            }
            None => base.to_owned(),
        },
        None => base.to_owned(),
    };
    let pairs: Vec<&str> = query
        .split('&')
        .filter(|pair| !pair.is_empty() && !pair.to_ascii_lowercase().starts_with("password"))
        .collect();
    if pairs.is_empty() {
        base
    } else {
        format!("{base}?{}", pairs.join("&"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_never_shown() {
        for url in [
            "postgres://anna:hunter2@db1,db2:5433/mail?sslmode=verify-full",
            "postgres://anna@db/mail?password=hunter2",
            "postgres://anna:hun@ter2@db/mail",
            "postgres://anna:hunter2@db:port/mail",
            "postgres://anna:hunter2@db/mail?sslmode=hunter",
        ] {
            let shown = Server::parse(url).map(|server| format!("{server:?}"));
            let shown = shown.unwrap_or_else(|error| error);
            assert!(
                !shown.contains("hunter2") && !shown.contains("ter2@"),
                "{shown}"
            );
            assert!(shown.contains("anna@db"), "{shown}");
        }
    }

    #[test]
    fn several_hosts_mean_the_one_that_can_be_written() {
        let server = Server::parse("postgres://a@x,y:5433/n").unwrap();
        assert_eq!(
            server.config.get_target_session_attrs(),
            TargetSessionAttrs::ReadWrite
        );
        let server = Server::parse("postgres://a@x/n?sslmode=verify-full").unwrap();
        assert_eq!(
            (server.verify, server.config.get_ssl_mode()),
            (Verify::Full, SslMode::Require)
        );
        assert_eq!(
            server.places(),
            [["x", "5432", "n", "a"].map(str::to_owned)]
        );
    }
}
