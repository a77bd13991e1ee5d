//! What every command has: configuration, database, clock.

use std::{
    cell::{Cell, OnceCell},
    path::{Path, PathBuf},
    time::{SystemTime, UNIX_EPOCH},
};

use bouncekit_core::{
    classify::Rules,
    config::{Config, OwnRule, own_rules},
    ingest::{Identity, Settings},
    store::{Holder, OpenOptions, Store},
    time::Timestamp,
};

use super::{CliError, Exit, Global};

pub(crate) struct Context {
    rules: OnceCell<Rules>,
    /// Where the configuration came from; `None` without one.
    pub(crate) config_path: Option<PathBuf>,
    pub(crate) config: Config,
    pub(crate) now: Timestamp,
    pub(crate) quiet: bool,
    /// Whether the command noted a run: something may have to be told to a hook.
    wrote: Cell<bool>,
}

impl Context {
    pub(crate) fn new(global: &Global) -> Result<Self, CliError> {
        let config_path = find_config(global.config.as_deref());
        let config = config_path
            .as_deref()
            .map_or_else(|| Ok(Config::default()), load_config)?;
        Ok(Self {
            rules: OnceCell::new(),
            config_path,
            config,
            now: now()?,
            quiet: global.quiet,
            wrote: Cell::new(false),
        })
    }

    /// Opens the database of the configuration.
    pub(crate) fn store(&self) -> Result<Store, CliError> {
        self.store_with_cache(OpenOptions::default().cache)
    }

    /// As [`Self::store`], with a page cache of up to so many MiB for bulk work.
    pub(crate) fn store_with_cache(&self, cache: u32) -> Result<Store, CliError> {
        let settings = &self.config.store;
        let options = OpenOptions {
            wait: settings.wait.into(),
            cache,
            outbox: !self.config.hooks.on_suppress.is_empty(),
        };
        match self.store_url() {
            Some(url) => connect(&url, settings, options),
            None => Ok(Store::open(&settings.path, options)?),
        }
    }

    /// The PostgreSQL database: `BOUNCEKIT_STORE_URL`, or what the configuration says.
    pub(crate) fn store_url(&self) -> Option<String> {
        let set = std::env::var("BOUNCEKIT_STORE_URL").ok();
        set.filter(|url| !url.is_empty())
            .or_else(|| self.config.store.url.clone())
    }

    /// How reports are judged, of the configuration.
    pub(crate) fn ingest_settings(&self) -> Result<Settings, CliError> {
        let verp = &self.config.verp;
        Ok(Settings {
            policy: self.config.policy.clone(),
            identity: Identity {
                keys: self.signing_keys()?,
                signatures: verp.signatures,
                match_by_address: verp.match_by_address && !verp.strict,
                hash_lasting: verp.hash_lasting.map(|span| span.0),
            },
        })
    }

    /// The rules: those of `rules_file` before the built-in ones.
    pub(crate) fn rules(&self) -> Result<&Rules, CliError> {
        let Some(path) = &self.config.rules_file else {
            return Ok(Rules::builtin());
        };
        if let Some(rules) = self.rules.get() {
            return Ok(rules);
        }
        let own = read_rules(path)?;
        let conditions = own.into_iter().map(|rule| rule.condition).collect();
        Ok(self.rules.get_or_init(|| Rules::new(conditions)))
    }

    /// The signing keys of the configuration, newest first.
    pub(crate) fn signing_keys(&self) -> Result<bouncekit_core::verp::Keys, CliError> {
        let keys = self.config.verp.keys.iter().map(|key| {
            let text = key.read().map_err(|error| {
                CliError::usage(format!("a signing key of [verp] cannot be read: {error}"))
                    .hint("see `keys` in config.example.toml")
            })?;
            if text.len() < 16 {
                return Err(CliError::usage(
                    "a signing key of [verp] is shorter than 16 characters",
                )
                .hint("make one with `openssl rand -base64 32`"));
            }
            Ok(text.into_bytes())
        });
        Ok(bouncekit_core::verp::Keys::new(
            keys.collect::<Result<_, _>>()?,
        ))
    }

    /// Whether [`Self::store_and_run`] was called.
    pub(crate) fn wrote(&self) -> bool {
        self.wrote.get()
    }

    /// Opens the database and notes the run `command` in it.
    pub(crate) fn store_and_run(&self, command: &str) -> Result<(Store, i64), CliError> {
        let mut store = self.store()?;
        let run = self.begin_run(&mut store, command)?;
        Ok((store, run))
    }

    /// Notes the run `command` in the opened database.
    pub(crate) fn begin_run(&self, store: &mut Store, command: &str) -> Result<i64, CliError> {
        self.wrote.set(true);
        Ok(store.begin_run(command, &host(), std::process::id(), self.now)?)
    }
}

#[cfg(feature = "postgres")]
pub(crate) fn connect(
    url: &str,
    settings: &bouncekit_core::config::Store,
    options: OpenOptions,
) -> Result<Store, CliError> {
    use bouncekit_core::store::Server;

    let mut server = Server::parse(url).map_err(|cause| {
        CliError::usage(cause)
            .hint("write it as postgres://user@host/database; see `url` in [store]")
    })?;
    if let (Some(secret), false) = (settings.secret(), server.has_password()) {
        let password = secret.read().map_err(|error| {
            CliError::usage(format!(
                "the password of the database cannot be read: {error}"
            ))
            .hint("see `password_file` of [store] in config.example.toml")
        })?;
        server.set_password(&password);
    } else if let (Ok(password), false) = (std::env::var("PGPASSWORD"), server.has_password()) {
        server.set_password(&password);
    }
    Ok(Store::connect(server, options)?)
}

#[cfg(not(feature = "postgres"))]
pub(crate) fn connect(
    _: &str,
    _: &bouncekit_core::config::Store,
    _: OpenOptions,
) -> Result<Store, CliError> {
    Err(CliError::usage("this program was built without PostgreSQL")
        .hint("build it with `--features postgres`, or take `url` out of [store]"))
}

/// Reads a file of own rules.
pub(crate) fn read_rules(path: &Path) -> Result<Vec<OwnRule>, CliError> {
    let text = std::fs::read_to_string(path).map_err(|cause| {
        CliError::file(path, &cause)
            .hint("`rules_file` in the configuration names the file of own rules")
    })?;
    own_rules(&text, &path.display().to_string())
        .map_err(|error| CliError::usage(&error).hint(error.hint()))
}

fn load_config(path: &Path) -> Result<Config, CliError> {
    let text = std::fs::read_to_string(path).map_err(|cause| {
        CliError::file(path, &cause).hint("name another configuration with --config FILE")
    })?;
    let mut config = Config::from_toml(&text, &path.display().to_string())
        .map_err(|error| CliError::usage(&error).hint(error.hint()))?;
    if config.has_inline_secret() && readable_by_others(path) {
        log::warn!(
            "`{}` holds a secret and is readable by others: chmod 600 it, or use password_file, \
             password_env, password_command or password_credential",
            path.display()
        );
    }
    // Relative paths are meant from the file's own folder, so that cron's folder does not matter.
    let folder = path.parent().unwrap_or(Path::new("."));
    config.resolve_paths(folder);
    Ok(config)
}

#[cfg(unix)]
fn readable_by_others(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::metadata(path).is_ok_and(|file| file.permissions().mode() & 0o044 != 0)
}

fn find_config(given: Option<&Path>) -> Option<PathBuf> {
    if let Some(path) = given {
        return Some(path.to_owned());
    }
    if let Some(path) = std::env::var_os("BOUNCEKIT_CONFIG").filter(|path| !path.is_empty()) {
        return Some(path.into());
    }
    let home = std::env::var_os("HOME").map(PathBuf::from);
    let xdg = std::env::var_os("XDG_CONFIG_HOME")
        .map(PathBuf::from)
        .filter(|path| path.is_absolute());
    let user = xdg.or_else(|| home.map(|home| home.join(".config")));
    let candidates = [
        Some(PathBuf::from("bouncekit.toml")),
        user.map(|folder| folder.join("bouncekit/config.toml")),
        Some(PathBuf::from("/etc/bouncekit/config.toml")),
    ];
    candidates.into_iter().flatten().find(|path| path.is_file())
}

/// The clock; `BOUNCEKIT_NOW` (RFC 3339) sets it, for tests and for looking at the past.
fn now() -> Result<Timestamp, CliError> {
    if let Some(text) = std::env::var("BOUNCEKIT_NOW")
        .ok()
        .filter(|text| !text.is_empty())
    {
        return Timestamp::parse_iso(&text).ok_or_else(|| {
            CliError::usage(format!("BOUNCEKIT_NOW is `{text}`"))
                .hint("write a time as 2026-01-02T03:04:05Z, or unset it")
        });
    }
    let since = SystemTime::now().duration_since(UNIX_EPOCH).map_err(|_| {
        CliError::new(Exit::Usage, "the clock of this machine stands before 1970")
            .hint("set the clock")
    })?;
    Ok(Timestamp(
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX),
    ))
}

/// The name of this machine. Asked of the kernel, not read from a file: a disk that fails must not
/// make another machine of this one.
pub(crate) fn host() -> String {
    let names = rustix::system::uname();
    names.nodename().to_string_lossy().into_owned()
}

/// This process, as leases name it.
pub(crate) fn holder() -> Holder {
    let pid = std::process::id();
    Holder {
        host: host(),
        pid,
        started: started(pid).unwrap_or(0),
    }
}

/// Whether a holder is a process of this machine that is no more.
pub(crate) fn is_dead(holder: &Holder) -> bool {
    holder.host == host() && started(holder.pid) != Some(holder.started)
}

/// Start time of a process in clock ticks since boot (proc(5), field 22 of stat).
fn started(pid: u32) -> Option<u64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The command's name in parentheses may hold anything.
    stat.rsplit(')')
        .next()?
        .split_whitespace()
        .nth(19)?
        .parse()
        .ok()
}
